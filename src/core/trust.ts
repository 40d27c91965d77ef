// Trust: until when this node may begin requests, and in which epoch, shared by the supervisor with every thread.
// In `process.hrtime` nanoseconds, because `performance.now()` has another origin in each thread.

const VALID_UNTIL_CELL = 0
const EPOCH_CELL = 1

/** The memory that the supervisor shares with its threads. */
export const trustBuffer = (): SharedArrayBuffer => new SharedArrayBuffer(2 * BigInt64Array.BYTES_PER_ELEMENT)

/** Reads and extends trust. A lapse that was survived starts a new epoch, in which every older claim is doubtful. */
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

  /** The epoch of now. A claim is good only in the epoch in which it was confirmed. */
  get epoch(): number {
    return Number(Atomics.load(this.#cells, EPOCH_CELL))
  }

  /**
   * A beat that was started at `begun` has succeeded at `now`: trust reaches `window` ns beyond its start. The epoch is
   * stored first: a thread that sees the new trust must not see the old epoch.
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

  /** Whether it was closed here. */
  get closed(): boolean {
    return this.#closed
  }

  /** No request begins any more, in any thread: this node stops. A thread that is busy would read a message too late. */
  close(): void {
    this.#closed = true
    this.revoke()
  }
}
