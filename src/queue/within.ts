// A deadline for an answer from Redis that loses no answer.

/** What `within` resolves to when the time is up. */
export const OVERDUE = Symbol('overdue')

/**
 * Resolves or rejects as `answer` does, or resolves to `OVERDUE` after `ms` milliseconds. The answer itself lives on: a
 * caller that would lose something with it listens on.
 */
export function within<T>(answer: Promise<T>, ms: number): Promise<T | typeof OVERDUE> {
  return new Promise((resolve, reject) => {
    // After a stall of the event loop timers fire before sockets are read: one more turn lets an answer that is already
    // here win.
    const timer = setTimeout(() => setImmediate(resolve, OVERDUE), ms)
    answer
      .then(resolve, reject)
      .finally(() => clearTimeout(timer))
      .catch(() => {})
  })
}
