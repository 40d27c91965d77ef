// Watches: callers who wait for tasks to change. One statement asks for all of them, again and again, and only while somebody waits.
import type { Version } from '../core/view.ts'
import type { Log } from '../telemetry/log.ts'

export interface WatchesDependencies {
  /** The rows of these ids that exist. Throws a `Refusal` when Postgres is out of reach. */
  readonly versions: (ids: readonly string[]) => Promise<readonly Version[]>
  readonly log: Log
}

/** What a caller waits for: the end of a task, or another version than the one that he knows. */
export type Wish = 'end' | { readonly otherThan: string }

interface Watch {
  readonly wish: Wish
  /** Which question is the first that was asked after it began: an earlier answer may be older than what the caller knows. */
  readonly from: number
  settle(seen: Version | 'gone' | undefined): void
}

/** Between two questions, ms: who waits hears of a change within twice that, and the time that a question takes. */
const PAUSE_MS = 200
/** The most callers who wait on a node, and the most of them with one key: others find room. */
const MOST_WATCHES = 3_000
const MOST_OF_ONE = MOST_WATCHES / 2

export class Watches {
  readonly #by: WatchesDependencies
  readonly #watches = new Map<string, Set<Watch>>()
  #count = 0
  /** How many of them wait with each key, by its name. */
  readonly #shares = new Map<string, number>()
  #asking = false
  #questions = 0
  #over = false

  constructor(by: WatchesDependencies) {
    this.#by = by
  }

  /** Whether the holder of a key may wait once more; null: there are no keys. */
  isOpen(caller: string | null): boolean {
    return !this.#over && this.#count < MOST_WATCHES && this.#shareOf(caller) < MOST_OF_ONE
  }

  /** Waits for a change of a task, at most so many ms. Undefined: the time is up, the caller has gone, the node drains, or too many wait. Never rejects. */
  watch(
    id: string,
    caller: string | null,
    wish: Wish,
    most: number,
    gone: AbortSignal,
  ): Promise<Version | 'gone' | undefined> {
    if (!this.isOpen(caller) || gone.aborted) return Promise.resolve(undefined)
    return new Promise((resolve) => {
      const all = this.#watches.get(id) ?? new Set()
      const settle = (seen: Version | 'gone' | undefined): void => {
        if (!all.delete(watch)) return
        clearTimeout(timer)
        gone.removeEventListener('abort', abort)
        if (all.size === 0) this.#watches.delete(id)
        this.#counted(caller, -1)
        resolve(seen)
      }
      const abort = (): void => settle(undefined)
      const watch: Watch = { wish, from: this.#questions + 1, settle }
      const timer = setTimeout(abort, most)
      gone.addEventListener('abort', abort)
      this.#watches.set(id, all.add(watch))
      this.#counted(caller, 1)
      if (!this.#asking) void this.#ask()
    })
  }

  #shareOf(caller: string | null): number {
    return caller === null ? 0 : (this.#shares.get(caller) ?? 0)
  }

  #counted(caller: string | null, more: 1 | -1): void {
    this.#count += more
    if (caller !== null) this.#shares.set(caller, this.#shareOf(caller) + more)
  }

  /** Answers all who wait; from now on nobody waits any more. */
  end(): void {
    this.#over = true
    for (const all of this.#watches.values()) for (const { settle } of all) settle(undefined)
  }

  async #ask(): Promise<void> {
    this.#asking = true
    while (this.#watches.size > 0) {
      const ids = [...this.#watches.keys()]
      const question = (this.#questions += 1)
      await this.#by.versions(ids).then(
        (rows) => this.#heard(ids, rows, question),
        // Postgres is away: who waits goes on, until his time is up.
        (error: unknown) => this.#by.log.event('watch_failed', { err: error }),
      )
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
    }
    this.#asking = false
  }

  #heard(asked: readonly string[], rows: readonly Version[], question: number): void {
    const found = new Map(rows.map((row) => [row.id, row]))
    for (const id of asked) {
      const row = found.get(id)
      for (const { wish, from, settle } of this.#watches.get(id) ?? []) {
        if (from > question) continue
        if (!row) settle('gone')
        else if (wish === 'end' ? row.ended : row.version !== wish.otherThan) settle(row)
      }
    }
  }
}
