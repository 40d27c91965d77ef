// Submit: the row first, committed. Where nothing of its service waits and this node has a slot free, the row is this node's own at
// once; else its id goes into the list of its service.
import type { Stored, Supervision } from '../core/ports.ts'
import type { NewTask, Submitted } from '../core/task.ts'
import type { Queue } from '../queue/port.ts'
import type { Store } from '../store/store.ts'

export interface SubmitDependencies {
  readonly store: Pick<Store, 'insert'>
  readonly queue: Pick<Queue, 'push'>
  readonly supervision: Pick<Supervision, 'reserve' | 'pushed' | 'pushFailed' | 'due'>
}

/** Creates a task. Throws a `Refusal`: `unavailable` (nothing was created) or `outcome_unknown`. */
export async function submit(
  { store, queue, supervision }: SubmitDependencies,
  task: NewTask,
  caller: string | null = null,
): Promise<Submitted> {
  const reservation = supervision.reserve(task.service)
  let stored: Stored | undefined
  try {
    stored = await store.insert(task, reservation?.claim, caller)
  } finally {
    reservation?.finish(stored?.claimed === true ? stored : undefined)
  }
  if (stored.claimed) return stored
  ring({ queue, supervision }, stored)
  return stored
}

export interface SubmitAllDependencies extends RingDependencies {
  readonly store: Pick<Store, 'insertAll'>
}

/** Creates tasks in one commit, likewise. All of them wait their turn. */
export async function submitAll(
  by: SubmitAllDependencies,
  tasks: readonly NewTask[],
  caller: string | null = null,
): Promise<Submitted[]> {
  const stored = await by.store.insertAll(tasks, caller)
  for (const one of stored) ring(by, one)
  return stored
}

export interface RingDependencies {
  readonly queue: Pick<Queue, 'push'>
  readonly supervision: Pick<Supervision, 'pushed' | 'pushFailed' | 'due'>
}

/**
 * Pushes an id. Nobody waits for it: the row is safe, and a full pass finds it without its id. A task that is due only in `wait` ms has
 * no id in a list: this node remembers the time, and others learn of it by their full pass.
 */
export function ring(
  { queue, supervision }: RingDependencies,
  task: { readonly id: string; readonly service: string },
  wait = 0,
): void {
  if (wait > 0) return supervision.due(task.service, wait)
  supervision.pushed(task.service)
  void queue.push(task.service, task.id).then((pushed) => pushed || supervision.pushFailed(task.service))
}

/** How long a task waits that asks for one of these, ms, by the clock of this node: if that is wrong, a claim looks what is due when. */
export const waitOf = ({ delay, runAt }: { readonly delay?: number; readonly runAt?: number }): number =>
  delay ?? Math.max(0, (runAt ?? 0) - Date.now())
