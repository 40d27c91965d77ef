// Park: the same step once more, later. The slot is given back until then.
import type { Park } from '../core/mailbox.ts'
import type { Fence, Written } from '../store/fenced.ts'
import type { Store } from '../store/store.ts'

/** Counts a failed try and gives the claim back; the task is due again after `wait`. */
export const park = (
  { store }: { store: Pick<Store, 'park'> },
  { id, token, node }: Fence,
  { wait, failure }: Park,
): Promise<Written> => store.park.add({ id, token, node, wait, error: JSON.stringify(failure) })
