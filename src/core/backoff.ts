// How long a task waits before the next request: backoff, polling, and what Retry-After asks for. Times in milliseconds.
import type { Service } from './service.ts'

/** The most that a service may ask for by `Retry-After`. */
export const MAX_RETRY_AFTER = 24 * 3_600_000

const POLL_FIRST = 100
const POLL_MAX = 5_000

/**
 * The wait before the next try of a step: `min(maxBackoff, backoff · 2^(fails-1)) · (0.5…1)`.
 * @param fails failed tries of this step so far, 1 or more
 * @param random uniform in [0, 1)
 */
export function backoff(retry: Service['retry'], fails: number, random: number): number {
  const full = Math.min(retry.maxBackoff, retry.backoff * 2 ** Math.min(fails - 1, 60))
  return full * (0.5 + random / 2)
}

/** The wait before a step is asked again whose answer 206 changed nothing: 100 ms, doubling to 5 s. `repeats` is 1 or more. */
export const pollWait = (repeats: number): number => Math.min(POLL_MAX, POLL_FIRST * 2 ** Math.min(repeats - 1, 30))

// The three forms of an HTTP date (RFC 9110, 5.6.7). The last names no zone, but means UTC like the others.
const ZONED =
  /^(?:[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4}|[A-Z][a-z]{5,8}, \d{2}-[A-Z][a-z]{2}-\d{2}) \d{2}:\d{2}:\d{2} GMT$/
const ZONELESS = /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2} \d{4}$/

/**
 * Reads a `Retry-After` header (RFC 9110, 10.2.3: seconds, or an HTTP date), capped at 24 h. Undefined where it is absent
 * or makes no sense; a date in the past is 0.
 * @param now milliseconds since the epoch
 */
export function retryAfter(header: string | undefined, now: number): number | undefined {
  const text = header?.trim() ?? ''
  if (/^\d+$/.test(text)) return Math.min(MAX_RETRY_AFTER, Number(text) * 1000)
  const date = ZONED.test(text) ? Date.parse(text) : ZONELESS.test(text) ? Date.parse(`${text} GMT`) : NaN
  return Number.isNaN(date) ? undefined : Math.min(MAX_RETRY_AFTER, Math.max(0, date - now))
}
