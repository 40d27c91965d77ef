// Release: a claim is given back with nothing to say. Whoever sweeps next takes the task up again.
import type { Fence, Written } from '../store/fenced.ts'
import type { Store } from '../store/store.ts'

/** Gives a claim back. */
export const release = ({ store }: { store: Pick<Store, 'release'> }, { id, token, node }: Fence): Promise<Written> =>
  store.release.add({ id, token, node })
