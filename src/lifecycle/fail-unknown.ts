// Fail unknown: tasks whose service no live node has known for a while end as failed.
import type { Expired } from '../store/deadlines.ts'
import type { Store } from '../store/store.ts'

/** Fails tasks of services that no node has known for `ms`, at most 2,000. Who claims one at that moment keeps it. Throws a `StoreError`. */
export const failUnknown = (
  { store }: { store: Pick<Store, 'failUnknown'> },
  ms: number,
): Promise<readonly Expired[]> => store.failUnknown(ms)
