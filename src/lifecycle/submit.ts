// Submit: the row first, committed. Where nothing of its service waits and this node has a slot free, the row is this node's own at
// once; else its id goes into the list of its service.
import type { Stored, Supervision } from '../core/ports.ts'
import type { NewTask, Submitted } from '../core/task.ts'
import type { Queue } from '../queue/port.ts'
import type { Store } from '../store/store.ts'

export interface SubmitDependencies {
  readonly store: Pick<Store, 'insert'>
  readonly queue: Pick<Queue, 'push'>
  readonly supervision: Pick<Supervision, 'reserve' | 'pushed' | 'pushFailed'>
}

/** Creates a task. Throws a `Refusal`: `unavailable` (nothing was created) or `outcome_unknown`. */
export async function submit({ store, queue, supervision }: SubmitDependencies, task: NewTask): Promise<Submitted> {
  const reservation = supervision.reserve(task.service)
  let stored: Stored | undefined
  try {
    stored = await store.insert(task, reservation?.claim)
  } finally {
    reservation?.finish(stored?.claimed === true ? stored : undefined)
  }
  if (stored.claimed) return stored
  ring({ queue, supervision }, stored)
  return stored
}

export interface RingDependencies {
  readonly queue: Pick<Queue, 'push'>
  readonly supervision: Pick<Supervision, 'pushed' | 'pushFailed'>
}

/** Pushes an id. Nobody waits for it: the row is safe, and a full pass finds it without its id. */
export function ring(
  { queue, supervision }: RingDependencies,
  task: { readonly id: string; readonly service: string },
): void {
  supervision.pushed(task.service)
  void queue.push(task.service, task.id).then((pushed) => pushed || supervision.pushFailed(task.service))
}
