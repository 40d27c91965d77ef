// Settle: the end of a task, complete or failed. It is final.
import type { Settle } from '../core/mailbox.ts'
import type { Fence, Written } from '../store/fenced.ts'
import type { Store } from '../store/store.ts'

/** Ends a task. */
export const settle = (
  { store }: { store: Pick<Store, 'settle'> },
  { id, token, node }: Fence,
  { status, step, result, omitted, failure }: Settle,
): Promise<Written> =>
  store.settle.add({ id, token, node, status, step, result, omitted, error: failure && JSON.stringify(failure) })
