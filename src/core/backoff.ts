// How long a task waits before the next request where its service does not say: backoff and polling. Times in milliseconds.
import type { Service } from './service.ts'

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
