// Turns: what has one name is run one after the other, in the order of its coming.
import { within } from './database.ts'

export class Turns {
  /** By name: ends when the last one has had its turn, and all before it. */
  readonly #last = new Map<string, Promise<true>>()

  /** Runs `body` when its turn has come; undefined when that takes longer than `ms` milliseconds. */
  async run<T>(name: string, ms: number, body: () => Promise<T>): Promise<T | undefined> {
    const before = this.#last.get(name)
    let end = (): void => {}
    const own = new Promise<true>((resolve) => (end = () => resolve(true)))
    const last = before ? before.then(() => own) : own
    this.#last.set(name, last)
    void last.then(() => this.#last.get(name) === last && this.#last.delete(name))
    try {
      if (before && !(await within(before, ms))) return undefined
      return await body()
    } finally {
      end()
    }
  }
}
