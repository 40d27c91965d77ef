// How long a task waits before the next request where its service does not say: backoff and polling. Times in milliseconds.
import type { Service } from './service.ts'

/** The longest wait while this node lacks a resource to send. Idle connections close in that time and free descriptors. */
const MAX_LACK_WAIT_MS = 5_000

const FIRST_POLL_WAIT_MS = 100
const MAX_POLL_WAIT_MS = 5_000

/**
 * The wait before the next try of a step: `min(maxBackoff, backoff · 2^(fails-1)) · (0.5…1)`.
 * @param fails failed tries of this step so far, 1 or more
 * @param random uniform in [0, 1)
 */
export function backoff(retry: Service['retry'], fails: number, random: number): number {
  const full = Math.min(retry.maxBackoff, retry.backoff * 2 ** Math.min(fails - 1, 60))
  return full * (0.5 + random / 2)
}

/** The wait after an answer 206 that changed nothing: 100 ms, doubling to 5 s. `repeats` is 1 or more. */
export const pollWait = (repeats: number): number =>
  Math.min(MAX_POLL_WAIT_MS, FIRST_POLL_WAIT_MS * 2 ** Math.min(repeats - 1, 30))

/** The wait after a try for which this node lacked descriptors, ports or memory: 2.5 to 5 s. `random` is uniform in [0, 1). */
export const lackWait = (random: number): number => MAX_LACK_WAIT_MS * (0.5 + random / 2)
