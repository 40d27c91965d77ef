// Cancel: the row goes, in whatever status it is; then a hint reaches the node that runs it.
import type { Queue } from '../queue/port.ts'
import type { Store } from '../store/store.ts'

export interface CancelDependencies {
  readonly store: Pick<Store, 'remove'>
  readonly queue: Pick<Queue, 'hint'>
  /** Told of what is gone, at once; without it this node hears a hint like any other. */
  readonly deleted?: (id: string) => void
}

/** Deletes a task; false when there is none. Throws a `Refusal` when Postgres is out of reach. */
export async function cancel({ store, queue, deleted }: CancelDependencies, id: string): Promise<boolean> {
  const removed = await store.remove(id)
  if (removed) deleted?.(id)
  // A hint that is lost is made up for by that node's next sync.
  if (removed?.node) queue.hint(removed.node, id)
  return removed !== undefined
}
