// Cancel: the task ends as failed and is kept; then a notice reaches the node that runs it.
import type { Services } from '../core/service.ts'
import type { Queue } from '../queue/port.ts'
import type { Store } from '../store/store.ts'
import { undoOf } from './remove.ts'

export interface CancelDependencies {
  readonly store: Pick<Store, 'cancel'>
  readonly queue: Pick<Queue, 'notify'>
  readonly services: Services
  /** Told of what has ended, at once; without it this node hears of it like any other. */
  readonly deleted?: (id: string) => void
}

/** Cancels a task. `ended`: it had ended before. Throws a `Refusal` when Postgres is out of reach. */
export async function cancel(
  { store, queue, services, deleted }: CancelDependencies,
  id: string,
): Promise<'cancelled' | 'ended' | 'absent'> {
  const found = await store.cancel({ id, ...undoOf(services) })
  if (!found) return 'absent'
  if (!found.cancelled) return 'ended'
  deleted?.(id)
  if (found.node) queue.notify(found.node, id)
  return 'cancelled'
}
