// Expire: tasks that wait for a slot, or for their time, end at the deadline of their service. Who holds one ends it itself.
import { deadlineExceeded } from '../core/failures.ts'
import type { Services } from '../core/service.ts'
import type { Expired } from '../store/deadlines.ts'
import type { Store } from '../store/store.ts'

/** Rows of each kind that one statement ends at most. */
const BATCH = 500

/** Fails waiting tasks of these services that are past their deadline, and says whether there may be more. Throws a `StoreError`. */
export async function expire(
  { store }: { store: Pick<Store, 'expire'> },
  services: Services,
): Promise<{ readonly expired: readonly Expired[]; readonly more: boolean }> {
  const deadlines = [...services.values()].map(({ name, deadline }) => ({
    service: name,
    deadline,
    error: JSON.stringify(deadlineExceeded(deadline)),
  }))
  const expired = deadlines.length > 0 ? await store.expire(deadlines, BATCH) : []
  return { expired, more: expired.length >= BATCH }
}
