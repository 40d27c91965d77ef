// The calls that an actor's reports make: each through its verb, as the claim that it was drawn for.
import { checkpoint } from '../../src/lifecycle/checkpoint.ts'
import { park } from '../../src/lifecycle/park.ts'
import { release } from '../../src/lifecycle/release.ts'
import { retry } from '../../src/lifecycle/retry.ts'
import { settle } from '../../src/lifecycle/settle.ts'
import type { Failure } from '../../src/core/failures.ts'
import type { Written } from '../../src/store/fenced.ts'
import type { Report } from './report.ts'
import type { Claim, Op } from './world.ts'

/** Milliseconds that a test does not see the end of. */
const LONG = 86_400_000

const tell = async (written: Promise<Written>): Promise<Report> => ({ kind: await written })
const fenceOf = ({ id, token, node }: Claim) => ({ id, token, node })

/** A claim whose actor knows where it stands. */
export type Known = Claim & { step: number }

export const isKnown = (claim: Claim): claim is Known => claim.step !== undefined

/** The failure of a try, which says whose it was. */
const failureOf = (code: Failure['code'], { token, step, attempt }: Known): Failure => ({
  code,
  detail: `token ${token}, step ${step}, try ${attempt}`,
})

/** An answer 206. `twist`: with a wait, without a body, or the report of the step before told once more. */
export function checkpointOf(claim: Known, twist: number): Op {
  const echo = twist === 1 && claim.step > 0
  const step = echo ? claim.step - 1 : claim.step
  const wait = twist === 2 ? 0 : twist === 3 ? LONG : null
  const state = twist === 4 ? null : `{"step": ${step + 1}, "token": ${claim.token}}`
  const repeats = twist === 4 ? 1 : 0
  return {
    asked: { verb: 'checkpoint', ...fenceOf(claim), step, state, repeats, wait },
    by: claim.by,
    claim,
    run: () => tell(checkpoint(claim.by, claim, { kind: 'checkpoint', step, state, repeats, wait })),
    learn: (report) => {
      if (report.kind !== 'written' || echo) return
      Object.assign(claim, { step: step + 1, attempt: 1 })
    },
  }
}

/** A failed try that is repeated soon. `twist`: the report of the try before told once more. */
export function retryOf(claim: Known, twist: number): Op {
  const echo = twist === 1 && claim.attempt > 1
  const attempt = echo ? claim.attempt - 1 : claim.attempt
  const failure = failureOf('service_unavailable', { ...claim, attempt })
  return {
    asked: { verb: 'retry', ...fenceOf(claim), attempt, error: failure.detail },
    by: claim.by,
    claim,
    run: () => tell(retry(claim.by, claim, { kind: 'retry', step: claim.step, attempt, failure })),
    learn: (report) => {
      if (report.kind === 'written' && !echo) claim.attempt = attempt + 1
    },
  }
}

/** A failed try that is repeated later. `twist`: at once. */
export function parkOf(claim: Known, twist: number): Op {
  const { step, attempt } = claim
  const wait = twist % 2 === 0 ? 0 : LONG
  const failure = failureOf('timeout', claim)
  return {
    asked: { verb: 'park', ...fenceOf(claim), wait, error: failure.detail },
    by: claim.by,
    claim,
    run: () => tell(park(claim.by, claim, { kind: 'park', step, attempt, wait, failure })),
  }
}

/** An end. `twist`: complete, failed by its last try, or failed by its answer. */
export function settleOf(claim: Known, twist: number): Op {
  const { step, attempt } = claim
  const complete = twist % 4 !== 0
  const tried = twist === 4
  const failure = complete ? null : failureOf(tried ? 'timeout' : 'service_error', claim)
  const status = complete ? 'complete' : 'failed'
  const result = complete ? `{"by": ${claim.token}}` : null
  const error = failure && failure.detail
  const asked = { verb: 'settle', ...fenceOf(claim), status, step, result, error, tried } as const
  return {
    asked,
    by: claim.by,
    claim,
    run: () =>
      tell(settle(claim.by, claim, { kind: 'settle', step, attempt, status, result, omitted: false, failure })),
  }
}

/** A claim that is given back. */
export const releaseOf = (claim: Claim): Op => ({
  asked: { verb: 'release', ...fenceOf(claim) },
  by: claim.by,
  claim,
  run: () => tell(release(claim.by, claim)),
})
