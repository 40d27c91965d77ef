// Settle: the end of a task, complete or failed. It is final.
import type { Failure } from '../core/failures.ts'
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

/** Ends a task as failed by this node's own finding: no answer of the service says so, and the step stays as the row has it. */
export const fail = (by: { store: Pick<Store, 'settle'> }, fence: Fence, failure: Failure): Promise<Written> =>
  settle(by, fence, {
    tell: 'settle',
    step: null,
    attempt: 0,
    status: 'failed',
    result: null,
    omitted: false,
    failure,
  })
