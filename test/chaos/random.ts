// Seeded chance: one number decides everything that a run draws.

/** A stream of draws. The same seed and name give the same stream. */
export class Random {
  readonly #seed: number
  #state: number

  constructor(seed: number) {
    this.#seed = seed >>> 0
    this.#state = this.#seed
  }

  /** A stream of its own, which others' draws do not move. */
  fork(name: string | number): Random {
    return new Random(mix(`${this.#seed}/${name}`))
  }

  /** Uniform in [0, 1). */
  next(): number {
    // mulberry32, in the public domain (Tommy Ettinger).
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let t = this.#state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }

  /** An integer from `from` up to and with `to`. */
  within(from: number, to: number): number {
    return from + Math.floor(this.next() * (to - from + 1))
  }

  chance(probability: number): boolean {
    return this.next() < probability
  }

  /** One of them. Throws when there is none. */
  pick<T>(of: readonly T[]): T {
    const [one] = of.slice(Math.floor(this.next() * of.length))
    if (one === undefined) throw new Error('nothing to pick from')
    return one
  }

  /** All of them, in another order. */
  shuffle<T>(of: readonly T[]): T[] {
    return of
      .map((one) => ({ one, place: this.next() }))
      .sort((x, y) => x.place - y.place)
      .map(({ one }) => one)
  }
}

/** FNV-1a. */
function mix(text: string): number {
  let hash = 0x811c9dc5
  for (const character of text) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193)
  return hash >>> 0
}
