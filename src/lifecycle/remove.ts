// Remove: the row goes, in whatever status it is; then a notice reaches the node that runs it.
import type { Services } from '../core/service.ts'
import type { Callback } from '../core/task.ts'
import type { Queue } from '../queue/port.ts'
import type { Store } from '../store/store.ts'

export interface RemoveDependencies {
  readonly store: Pick<Store, 'remove'>
  readonly queue: Pick<Queue, 'notify'>
  readonly services: Services
  /** Told of what is gone, at once; without it this node hears of it like any other. */
  readonly deleted?: (id: string) => void
}

/** Deletes a task; false when there is none. Throws a `Refusal` when Postgres is out of reach. */
export async function remove({ store, queue, services, deleted }: RemoveDependencies, id: string): Promise<boolean> {
  const removed = await store.remove({ id, ...undoOf(services) })
  if (removed) deleted?.(id)
  // A notice that is lost is made up for by that node's next sync.
  if (removed?.node) queue.notify(removed.node, id)
  return removed !== undefined
}

/** The services that ask for it, and the actions that they name. */
export interface Undo {
  readonly services: readonly string[]
  readonly actions: readonly string[]
  /** The callback of each such task. */
  readonly callbacks: readonly (Callback | undefined)[]
}

/** What the services of this node ask for. */
export function undoOf(services: Services): Undo {
  const asking = [...services.values()].filter(({ onCancel }) => onCancel !== undefined)
  return {
    services: asking.map(({ name }) => name),
    actions: asking.map(({ onCancel = '' }) => onCancel),
    callbacks: asking.map(({ callback }) => callback),
  }
}
