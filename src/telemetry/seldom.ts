// What happens often and is worth a line of the log only once in a while.

const MINUTE_MS = 60_000

/** Counts what happens, and says when a line is due: at the first time, and then at most once in `every` ms (a minute). */
export class Seldom {
  readonly #every: number
  #count = 0
  #last = -Infinity

  constructor(every = MINUTE_MS) {
    this.#every = every
  }

  /** It happened at `now` (ms): how often since the last line, this time included; undefined while no line is due. */
  happened(now: number): number | undefined {
    this.#count += 1
    if (now - this.#last < this.#every) return undefined
    const count = this.#count
    this.#count = 0
    this.#last = now
    return count
  }
}
