// Settle: the end of a task, complete or failed. It is final.
import type { Failure, FailureCode } from '../core/failures.ts'
import type { Settle } from '../core/messages.ts'
import type { ClaimRef, SettleEntry, Written } from '../store/fenced.ts'
import type { Store } from '../store/store.ts'

/** The ends that a failed try brings about: the last of those that the service's `retry.attempts` allows. */
const LAST_TRY: ReadonlySet<FailureCode> = new Set<FailureCode>(['timeout', 'service_unavailable'])

/** A claim, and the service that its end counts for. */
type Settled = ClaimRef & Pick<SettleEntry, 'service'>

/** Ends a task. `urgent`: others wait for its slot, so its write does not gather company. */
export const settle = (
  { store }: { store: Pick<Store, 'settle'> },
  { id, token, node, key, service }: Settled,
  { status, step, result, omitted, failure, tried }: Settle,
  urgent = false,
): Promise<Written> =>
  store.settle.add(
    {
      id,
      token,
      node,
      key,
      service,
      status,
      code: failure?.code,
      step,
      result,
      omitted,
      error: failure && JSON.stringify(failure),
      counts: failure !== null && LAST_TRY.has(failure.code),
      tried,
    },
    urgent,
  )

/** Ends a task as failed by this node's own finding: no answer of the service says so, and the step stays as the row has it. */
export const fail = (by: { store: Pick<Store, 'settle'> }, fence: Settled, failure: Failure): Promise<Written> =>
  settle(by, fence, {
    kind: 'settle',
    step: null,
    attempt: 0,
    status: 'failed',
    result: null,
    omitted: false,
    failure,
  })
