// Submit: the row first, committed. Where its service's list is empty and this node has a slot free the row is this node's own at
// once; else its id rings the bell of its service.
import type { NewTask, Submitted } from '../core/task.ts'
import type { Queue } from '../queue/port.ts'
import type { Inserted, Taker } from '../store/inserts.ts'
import type { Store } from '../store/store.ts'

/** A slot that is kept for a task while it is inserted: a claim under way. */
export interface Slot {
  readonly taker: Taker
  /** The insert is over. With a row its actor starts; without one the slot is free again. */
  over(row: Inserted | undefined): void
}

export interface SubmitDependencies {
  readonly store: Pick<Store, 'insert'>
  readonly queue: Pick<Queue, 'push'>
  /** Keeps a slot for a task of a service; undefined when it has to wait its turn. */
  slot(service: string): Slot | undefined
  /** Called when the bell did not ring: this node should look for the row by itself. */
  unheard(service: string): void
}

/** Creates a task. Throws a `Refusal`: `unavailable` (nothing was created) or `outcome_unknown`. */
export async function submit({ store, queue, slot, unheard }: SubmitDependencies, task: NewTask): Promise<Submitted> {
  const kept = slot(task.service)
  let inserted: Inserted | undefined
  try {
    inserted = await store.insert(task, kept?.taker)
  } finally {
    kept?.over(inserted?.taken === true ? inserted : undefined)
  }
  if (inserted.taken) return inserted
  // Not awaited: the row is safe, and the sweep finds it without its id.
  void queue.push(inserted.service, inserted.id).then((heard) => heard || unheard(task.service))
  return inserted
}
