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
  supervision.pushed(task.service)
  // Not awaited: the row is safe, and a full pass finds it without its id.
  void queue.push(stored.service, stored.id).then((pushed) => pushed || supervision.pushFailed(task.service))
  return stored
}
