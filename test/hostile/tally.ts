// The count of a run: requests, what became of them, and those that broke a law that holds for every request.
import { type Answer, shown } from './http.ts'

/** An answer takes no longer than this, whatever was asked. Milliseconds. */
export const PATIENCE = 1_000

/** Counts the requests of a run. */
export class Tally {
  #requests = 0
  #accepted = 0
  #refused = 0
  #slowest = 0
  /** What no request may cause: each with the request that caused it. */
  readonly breaches: string[] = []

  get requests(): number {
    return this.#requests
  }

  /** Counts an answer that came after so many milliseconds. */
  count(sent: Buffer, { status, body }: Answer, took: number): void {
    this.#requests += 1
    if (status === 201 || status === 302) this.#accepted += 1
    if (status >= 400) this.#refused += 1
    this.#slowest = Math.max(this.#slowest, took)
    if (status >= 500) this.breaches.push(`${status} ${body.toString()} to ${shown(sent)}`)
    if (took > PATIENCE) this.breaches.push(`${took.toFixed()} ms until ${status} to ${shown(sent)}`)
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
