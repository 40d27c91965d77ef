// What must hold between any two looks at the rows, whatever verbs ran in between: it knows the columns and no verb.
import type { Task } from './model.ts'
import type { Rows } from './world.ts'

/** The first rule that two looks break, in words; undefined when all hold. `gone`: ids that have been seen to be gone. */
export function broken(before: Rows, now: Rows, gone: Set<string>, cancelled: ReadonlySet<string>): string | undefined {
  for (const id of before.tasks.keys()) if (!now.tasks.has(id)) gone.add(id)
  for (const id of gone) {
    if (now.tasks.has(id)) return `task ${id} is back`
    if (!cancelled.has(id)) return `task ${id} is gone, and nobody cancelled it`
  }
  for (const [id, task] of now.tasks) {
    const wrong = alone(task) ?? since(before.tasks.get(id), task)
    if (wrong !== undefined)
      return `task ${id} ${wrong}: ${JSON.stringify(before.tasks.get(id))} → ${JSON.stringify(task)}`
    const was = before.tasks.get(id)
    const final = was?.status === 'complete' || was?.status === 'failed'
    if (final && before.whole.get(id) !== now.whole.get(id)) return `task ${id} has ended, and changed`
  }
  return undefined
}

/** A row by itself. */
function alone({ status, node, token, step, attempt, crashes, error, state }: Task): string | undefined {
  if (node !== null && status !== 'running') return `is ${status} and has an owner`
  if (status === 'pending' && (token !== 0 || step !== 0 || attempt !== 0)) return 'is pending and has been claimed'
  if (status === 'failed' && error === null) return 'has failed without an error'
  if (crashes > 10 || (crashes === 10 && status !== 'failed')) return 'has crashed too often'
  if (state !== null && step === 0) return 'has a state and no step'
  return undefined
}

/** A row against what it was. */
function since(was: Task | undefined, now: Task): string | undefined {
  if (!was) return undefined
  if (now.step < was.step) return 'went back a step'
  if (now.step === was.step && now.attempt < was.attempt) return 'went back a try within a step'
  if (now.step === was.step && now.state !== was.state) return 'has another state at the same step'
  if (now.step === was.step && (now.fails < was.fails || now.crashes < was.crashes))
    return 'forgot what it failed without progress'
  if (now.status === 'pending' && was.status !== 'pending') return 'is pending again'
  return undefined
}
