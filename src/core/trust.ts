// Trust: until when this node may begin requests, and in which epoch, shared by the supervisor with every thread.
// In `process.hrtime` nanoseconds, because `performance.now()` has another origin in each thread.

const VALID_UNTIL_CELL = 0
const EPOCH_CELL = 1

/** The memory that the supervisor shares with its threads. */
export const trustBuffer = (): SharedArrayBuffer => new SharedArrayBuffer(2 * BigInt64Array.BYTES_PER_ELEMENT)

/** Reads and extends trust. When trust is extended after a lapse, a new epoch begins: older claims must be confirmed again. */
export class Trust {
  readonly #cells: BigInt64Array
  #closed = false

  constructor(buffer: SharedArrayBuffer) {
    this.#cells = new BigInt64Array(buffer)
  }

  /** Whether requests may begin at `now` (hrtime, ns). */
  holds(now: bigint): boolean {
    return now < Atomics.load(this.#cells, VALID_UNTIL_CELL)
  }

  /** The current epoch. A claim is valid only in the epoch in which it was confirmed. */
  get epoch(): number {
    return Number(Atomics.load(this.#cells, EPOCH_CELL))
  }

  /**
   * Call this when the beat of `begun` has succeeded at `now`: trust lasts until `window` ns after `begun`. The epoch is stored
   * first, because a thread that sees the new trust must not see the old epoch.
   */
  extend(begun: bigint, now: bigint, window: bigint): void {
    if (this.#closed) return
    if (!this.holds(now)) Atomics.add(this.#cells, EPOCH_CELL, 1n)
    Atomics.store(this.#cells, VALID_UNTIL_CELL, begun + window)
  }

  /** No request may begin until the next good beat. */
  revoke(): void {
    Atomics.store(this.#cells, VALID_UNTIL_CELL, 0n)
  }

  /** Whether `close` was called on this object. */
  get closed(): boolean {
    return this.#closed
  }

  /** Prevents further requests in all threads, because this node stops. A message would reach a busy thread too late. */
  close(): void {
    this.#closed = true
    this.revoke()
  }
}
