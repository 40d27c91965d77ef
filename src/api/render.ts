// Writes tasks as JSON text. Payload, result and error are inserted byte for byte.
import { asJsonString } from '../core/json.ts'
import { locationOf } from '../core/task.ts'
import type { FullView, TaskView } from '../core/view.ts'

/** The five members of a task. */
export const taskText = (task: TaskView): string => `{${baseOf(task)}}`

/** A page of tasks, in the five-member form. */
export const listText = (tasks: readonly TaskView[]): string => `[${tasks.map(taskText).join(',')}]`

/** A task with its `result` or `error`, if it has one. */
export const endedTaskText = (task: FullView): string => `{${baseOf(task)}${endOf(task)}}`

/** A task with all its members: the answer to `view=full`. */
export function fullTaskText(task: FullView): string {
  const { createdAt, startedAt, finishedAt, runAt, step, attempt, fails } = task
  const numbers = JSON.stringify({ createdAt, startedAt, finishedAt, runAt, step, attempt, fails }).slice(1, -1)
  const omitted = task.resultOmitted ? 'true' : 'null'
  return `{${baseOf(task)}${endOf(task)},${numbers},"lastError":${task.error},"state":${task.state},"resultOmitted":${omitted}}`
}

function baseOf({ id, service, action, payload, status }: TaskView): string {
  return (
    `"location":"${locationOf(id)}","service":${asJsonString(service)},"action":${asJsonString(action)},` +
    `"payload":${payload},"status":"${status}"`
  )
}

function endOf({ status, result, error }: FullView): string {
  if (status === 'complete' && result !== null) return `,"result":${result}`
  if (status === 'failed' && error !== null) return `,"error":${error}`
  return ''
}
