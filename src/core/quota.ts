// The quota of a key, and its bucket: how many tasks may be created in a time. Times are arguments.
import { faultsOf, type LimitFault, MOST, PACE, type Terms, whole } from './limit.ts'

const MEMBERS = { ...PACE, waiting: whole(MOST.waiting) }

/** The faults of a value as a quota; none: it is one. */
export const faultsOfQuota = (value: unknown): readonly LimitFault[] =>
  faultsOf(value, MEMBERS, 'rate, waiting, or both')

/** How a bucket fills: one token each `interval` ms, up to `burst`. */
export type Pace = { readonly [Member in 'interval' | 'burst']: NonNullable<Terms[Member]> }

/** The tokens that were there at a time (ms). Fewer than none: a batch has overdrawn the bucket. */
export interface Bucket {
  readonly tokens: number
  readonly at: number
}

/** What has come of asking for tokens: the bucket as it is now, and ms until as many are there; 0: they were taken. */
export interface Taken {
  readonly bucket: Bucket
  readonly wait: number
}

/**
 * Takes tokens. Who wants more than a full bucket has needs a full one, and overdraws it. A bucket of before is undefined where there
 * was none; it may have had another pace.
 */
export function take(before: Bucket | undefined, { interval, burst }: Pace, wanted: number, now: number): Taken {
  const tokens = before === undefined ? burst : Math.min(burst, before.tokens + (now - before.at) / interval)
  const lacking = Math.min(wanted, burst) - tokens
  return lacking > 0
    ? { bucket: { tokens, at: now }, wait: lacking * interval }
    : { bucket: { tokens: tokens - wanted, at: now }, wait: 0 }
}
