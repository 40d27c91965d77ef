// Release: a claim is given back with nothing to say. The next full pass of a node takes the task up again.
import type { ClaimRef, Written } from '../store/fenced.ts'
import type { Store } from '../store/store.ts'

/** Gives a claim back. */
export const release = (
  { store }: { store: Pick<Store, 'release'> },
  { id, token, node }: ClaimRef,
): Promise<Written> => store.release.add({ id, token, node })
