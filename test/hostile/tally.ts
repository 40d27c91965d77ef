// The count of a run: requests, what became of them, and those that broke a law that holds for every request.
import { type Answer, shown } from './http.ts'

/** An answer takes no longer than this, whatever was asked. Milliseconds. */
export const PATIENCE = 1_000
/** What has not come by then never comes. Milliseconds. */
export const GIVE_UP = 10_000

/** An answer that was late, and how to ask for it again: the milliseconds that it takes then. */
export interface Late {
  readonly what: string
  again(): Promise<number>
}

/** Counts the requests of a run. */
export class Tally {
  #requests = 0
  #accepted = 0
  #refused = 0
  #slowest = 0
  /** Answers 5xx, each with its request. */
  readonly faults: string[] = []
  readonly late: Late[] = []

  get requests(): number {
    return this.#requests
  }

  /** Counts an answer that came after so many milliseconds. */
  count(sent: Buffer, { status, body }: Answer, took: number, again: Late['again']): void {
    this.#requests += 1
    if (status === 201 || status === 302) this.#accepted += 1
    if (status >= 400) this.#refused += 1
    this.#slowest = Math.max(this.#slowest, took)
    if (status >= 500) this.faults.push(`${status} ${body.toString()} to ${shown(sent)}`)
    if (took > PATIENCE) this.late.push({ what: `${took.toFixed()} ms until ${status} to ${shown(sent)}`, again })
  }

  /** Counts a request whose connection was closed instead of an answer. */
  countClosed(): void {
    this.#requests += 1
    this.#refused += 1
  }

  /** The one line of a run. */
  line(): string {
    const [requests, accepted, refused] = [this.#requests, this.#accepted, this.#refused].map(String)
    return `${requests} requests, ${accepted} accepted, ${refused} refused, slowest answer ${this.#slowest.toFixed()} ms`
  }
}
