// Park: the same step once more, later. The slot is given back until then.
import type { Park } from '../core/messages.ts'
import type { ClaimRef, Written } from '../store/fenced.ts'
import type { Store } from '../store/store.ts'

/** Counts a failed try, where it counts, and gives the claim back; the task is due again after `wait`. */
export const park = (
  { store }: { store: Pick<Store, 'park'> },
  { id, token, node, key }: ClaimRef,
  { wait, failure, uncounted, tried }: Partial<Park> & Pick<Park, 'wait' | 'failure'>,
): Promise<Written> =>
  store.park.add({
    id,
    token,
    node,
    key,
    wait,
    fails: uncounted ? 0 : 1,
    error: JSON.stringify(failure),
    tried,
  })
