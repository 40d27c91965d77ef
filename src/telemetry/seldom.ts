// Limits how often a frequent event is logged.

const MINUTE_MS = 60_000

/** Counts an event, and says when to log it: the first time, then at most once every `every` ms (default: a minute). */
export class Seldom {
  readonly #every: number
  #count = 0
  #last = -Infinity

  constructor(every = MINUTE_MS) {
    this.#every = every
  }

  /** Counts one event at `now` (ms). Returns the number of events since the last line, or undefined while no line is due. */
  happened(now: number): number | undefined {
    this.#count += 1
    if (now - this.#last < this.#every) return undefined
    const count = this.#count
    this.#count = 0
    this.#last = now
    return count
  }
}
