// Writes tasks as JSON text. Payload, result and error are inserted byte for byte.
import type { Failure } from '../core/failures.ts'
import { asJsonString } from '../core/json.ts'
import type { Services } from '../core/service.ts'
import { locationOf } from '../core/task.ts'
import type { BriefView, FullView, Page, TaskView, View } from '../core/view.ts'

/** The five members of a task. */
export const taskText = (task: TaskView): string => `{${baseOf(task)}}`

/** The locations of the tasks of a batch. */
export const locationsText = (tasks: readonly { readonly id: string; readonly existing?: boolean }[]): string =>
  JSON.stringify(tasks.map(({ id, existing }) => ({ location: locationOf(id), ...(existing && { existing }) })))

/** A page of tasks, in the five-member form. */
const listText = (tasks: readonly TaskView[]): string => `[${tasks.map(taskText).join(',')}]`

/** A page of tasks with all their members. */
const fullListText = (tasks: readonly FullView[], services: Services): string =>
  `[${tasks.map((task) => fullTaskText(task, services)).join(',')}]`

/** A page of tasks, as a query asks for them. */
export function pageText({ tasks }: Page, view: View | undefined, services: Services): string {
  if (view === 'brief') return `[${(tasks as readonly BriefView[]).map(briefTaskText).join(',')}]`
  return view === 'full' ? fullListText(tasks as readonly FullView[], services) : listText(tasks as readonly TaskView[])
}

/** A task as it is asked for. */
export function shownTaskText(task: FullView, view: View | undefined, services: Services): string {
  if (view === undefined) return endedTaskText(task)
  return view === 'full' ? fullTaskText(task, services) : briefTaskText(task)
}

/** The short members of a task. `lastError` is without the body of the answer. */
function briefTaskText({ id, service, action, status, ...task }: BriefView): string {
  const { createdAt, startedAt, finishedAt, runAt, step, attempt, fails, priority, caller, schedule } = task
  const { code, detail, status: answered } = (JSON.parse(task.error ?? '{}') ?? {}) as Partial<Failure>
  return JSON.stringify({
    location: locationOf(id),
    service,
    action,
    status,
    createdAt,
    startedAt,
    finishedAt,
    runAt,
    step,
    attempt,
    fails,
    lastError: code === undefined ? null : { code, detail, ...(answered && { status: answered }) },
    priority,
    caller,
    ...relativesOf(task),
    schedule,
    labels: JSON.parse(task.labels ?? 'null') as unknown,
  })
}

/** The tasks that a task has to do with. */
const relativesOf = (task: Pick<FullView, 'retryOf' | 'retriedAs' | 'callbackOf'>) => {
  const location = (id: string | null): string | null => (id === null ? null : locationOf(id))
  return {
    retryOf: location(task.retryOf),
    retriedAs: location(task.retriedAs),
    callbackOf: location(task.callbackOf),
  }
}

/** A task with its `result` or `error`, if it has one. */
export const endedTaskText = (task: FullView): string => `{${baseOf(task)}${endOf(task)}}`

/** A task with all its members: the answer to `view=full`. The deadline of its service counts where it has none of its own. */
export function fullTaskText(task: FullView, services: Services): string {
  const { createdAt, startedAt, finishedAt, runAt, step, attempt, fails } = task
  const told = JSON.stringify({ createdAt, startedAt, finishedAt, runAt, step, attempt, fails }).slice(1, -1)
  const omitted = task.resultOmitted ? 'true' : 'null'
  const answers = `"lastError":${task.error},"state":${task.state},"resultOmitted":${omitted}`
  return `{${baseOf(task)}${endOf(task)},${told},${answers},${optionsOf(task, services)}}`
}

/** What was asked for beside the payload, and which tasks it has to do with; null where there is nothing. */
function optionsOf(task: FullView, services: Services): string {
  const { priority, unique, caller, schedule, labels, callback } = task
  const told = {
    priority,
    deadlineAt: deadlineOf(task, services),
    unique,
    caller,
    ...relativesOf(task),
    schedule,
  }
  return `${JSON.stringify(told).slice(1, -1)},"labels":${plain(labels)},"callback":${plain(callback)}`
}

/** JSON of Postgres' `jsonb`, as it would be written: Postgres puts spaces into it. */
const plain = (json: string | null): string => (json === null ? 'null' : JSON.stringify(JSON.parse(json)))

/** When a task fails for its age; null: never, or this node does not know its service. */
function deadlineOf({ service, firstDueAt, deadline }: FullView, services: Services): string | null {
  const ms = deadline ?? services.get(service)?.deadline ?? 0
  if (ms === 0) return null
  const at = Date.parse(firstDueAt) + ms
  return at <= LAST_DATE ? new Date(at).toISOString() : null
}

/** The last time that JavaScript can write, ms since 1970. */
const LAST_DATE = 8.64e15

function baseOf({ id, service, action, payload, status, cannotDecrypt }: TaskView): string {
  const lacks = cannotDecrypt === undefined ? '' : `,"cannotDecrypt":${JSON.stringify(cannotDecrypt)}`
  return (
    `"location":"${locationOf(id)}","service":${asJsonString(service)},"action":${asJsonString(action)},` +
    `"payload":${payload},"status":"${status}"${lacks}`
  )
}

function endOf({ status, result, error }: FullView): string {
  if (status === 'complete' && result !== null) return `,"result":${result}`
  if (status === 'failed' && error !== null) return `,"error":${error}`
  return ''
}
