// Cancel: the row goes, in whatever status it is; then a notice reaches the node that runs it.
import type { Queue } from '../queue/port.ts'
import type { Store } from '../store/store.ts'

export interface CancelDependencies {
  readonly store: Pick<Store, 'remove'>
  readonly queue: Pick<Queue, 'notify'>
  /** Told of what is gone, at once; without it this node hears of it like any other. */
  readonly deleted?: (id: string) => void
}

/** Deletes a task; false when there is none. Throws a `Refusal` when Postgres is out of reach. */
export async function cancel({ store, queue, deleted }: CancelDependencies, id: string): Promise<boolean> {
  const removed = await store.remove(id)
  if (removed) deleted?.(id)
  // A notice that is lost is made up for by that node's next sync.
  if (removed?.node) queue.notify(removed.node, id)
  return removed !== undefined
}
