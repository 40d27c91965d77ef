// Group commit, for reads as well: entries that arrive during a flush form the next flush, so that one statement carries many rows.
import type { Histogram } from '../core/buckets.ts'
import { StoreError } from './trouble.ts'

/** How one kind of write, or of read, is flushed. */
export interface Writing<Entry, Result> {
  readonly name: string
  /**
   * Writes entries in one statement. Returns the results in the order of the entries. A result may be a promise, where the result is
   * known only later and the next flush need not wait. `again`: an earlier try with these entries has an unknown outcome, so a
   * result of 0 rows must be checked against the row.
   */
  flush(entries: readonly Entry[], again: boolean): Promise<(Result | PromiseLike<Result>)[]>
  /** The size of an entry in memory, for the limits of a flush and of the queue. */
  bytes(entry: Entry): number
  /** The rows of an entry. Default: 1. */
  rows?(entry: Entry): number
  /**
   * `keep`: a failed flush is repeated until it succeeds or the batch is closed, because nothing else will write the entries.
   * `refuse`: a failed flush and all waiting entries are refused at once, because callers wait for the answers.
   */
  readonly patience: 'keep' | 'refuse'
  /** How long the next flush waits after a flush of many rows, so that it carries more rows, ms. Default: 0. */
  readonly gather?: number
  /** The most rows of a flush; one entry may have more. Default: 1,000. */
  readonly most?: number
  /** Counts how many rows a flush had. */
  readonly rowsMeter?: Histogram
}

const MAX_ROWS = 1_000
const MAX_FLUSH_BYTES = 8 * 1024 * 1024
/** The most that waits in memory for callers; further entries are refused. The slots limit the writes of `keep`. */
const MAX_WAITING_BYTES = 64 * 1024 * 1024
const MAX_WAITING_ROWS = 200_000
/** After a flush of this many rows more rows are expected. */
const MANY_ROWS = 4
const RETRY_WAIT_MS = { first: 50, most: 1_000 }

interface Pending<Entry, Result> {
  readonly entry: Entry
  readonly bytes: number
  resolve(result: Result | PromiseLike<Result>): void
  reject(error: Error): void
}

/** Batches one kind of write. At most one flush is in flight. */
export class Batch<Entry, Result> {
  readonly #writing: Writing<Entry, Result>
  #waiting: Pending<Entry, Result>[] = []
  #bytes = 0
  #flushing = false
  /** Whether a waiting entry is urgent. */
  #urgent = false
  /** Ends the wait for more entries. */
  #hurry: (() => void) | undefined
  readonly #closed = new AbortController()

  constructor(writing: Writing<Entry, Result>) {
    this.#writing = writing
  }

  /**
   * Adds an entry to the next flush. An `urgent` entry ends the wait for more entries. Rejects with a `StoreError` when the entry
   * was refused, or when the batch was closed before the entry was written.
   */
  add(entry: Entry, urgent = false): Promise<Result> {
    const bytes = this.#writing.bytes(entry)
    if (this.#closed.signal.aborted) return Promise.reject(new StoreError('notSent', `${this.#writing.name}: closed`))
    const full = this.#bytes + bytes > MAX_WAITING_BYTES || this.#waiting.length >= MAX_WAITING_ROWS
    if (full && this.#writing.patience === 'refuse')
      return Promise.reject(new StoreError('notSent', `${this.#writing.name}: too much is waiting`))
    this.#bytes += bytes
    return new Promise((resolve, reject) => {
      this.#waiting.push({ entry, bytes, resolve, reject })
      this.#urgent ||= urgent
      if (urgent) this.#hurry?.()
      if (this.#flushing) return
      this.#flushing = true
      // After this tick's I/O, so that all entries of the tick share the flush.
      setImmediate(() => void this.#drain())
    })
  }

  /** Refuses the waiting entries and ends the repeats. A flush in flight goes on to its end. */
  close(): void {
    this.#closed.abort()
    this.#refuse(this.#take(Infinity, Infinity), new StoreError('notSent', 'closed'))
  }

  async #drain(): Promise<void> {
    const { gather = 0, most = MAX_ROWS } = this.#writing
    while (this.#waiting.length > 0) {
      const batch = this.#take(most, MAX_FLUSH_BYTES)
      await this.#write(batch)
      if (gather > 0 && batch.length >= MANY_ROWS) await this.#gather(gather)
    }
    this.#flushing = false
  }

  #take(rows: number, bytes: number): Pending<Entry, Result>[] {
    const { rows: rowsOf = () => 1 } = this.#writing
    let [count, filled, size] = [0, 0, 0]
    for (const { entry, bytes: more } of this.#waiting) {
      const wider = filled + rowsOf(entry)
      if (count > 0 && (wider > rows || size + more > bytes)) break
      count += 1
      filled = wider
      size += more
    }
    this.#bytes -= size
    this.#urgent = false
    return this.#waiting.splice(0, count)
  }

  /** Writes a batch until every entry is resolved or rejected. Never throws. */
  async #write(batch: Pending<Entry, Result>[], again = false): Promise<void> {
    for (let wait = RETRY_WAIT_MS.first; ; wait = Math.min(RETRY_WAIT_MS.most, wait * 2)) {
      try {
        const results = await this.#writing.flush(
          batch.map(({ entry }) => entry),
          again,
        )
        batch.forEach((pending, i) => pending.resolve(results[i] as Result))
        const { rows = () => 1, rowsMeter } = this.#writing
        rowsMeter?.observe(batch.reduce((sum, { entry }) => sum + rows(entry), 0))
        return
      } catch (thrown) {
        const error = thrown instanceof StoreError ? thrown : new StoreError('bug', thrown)
        if (error.trouble === 'rejected' || error.trouble === 'bug') return this.#split(batch, again, error)
        again ||= error.trouble === 'unknown'
        if (this.#writing.patience === 'refuse') return this.#refuseAll(batch, error)
        if (!(await this.#pause(wait))) return this.#refuse(batch, error)
      }
    }
  }

  /** One row that Postgres rejects makes the whole statement fail. Halving the batch finds that row, and writes the others. */
  async #split(batch: Pending<Entry, Result>[], again: boolean, error: StoreError): Promise<void> {
    if (batch.length === 1) return this.#refuse(batch, error)
    const middle = batch.length >> 1
    await this.#write(batch.slice(0, middle), again)
    await this.#write(batch.slice(middle), again)
  }

  #refuseAll(batch: Pending<Entry, Result>[], error: StoreError): void {
    this.#refuse(batch, error)
    this.#refuse(this.#take(Infinity, Infinity), new StoreError('notSent', error))
  }

  #refuse(batch: Pending<Entry, Result>[], error: StoreError): void {
    for (const pending of batch) pending.reject(error)
  }

  /** Waits for more entries, but not while an urgent entry waits. */
  async #gather(ms: number): Promise<void> {
    if (this.#urgent) return
    await Promise.race([this.#pause(ms), new Promise<void>((resolve) => (this.#hurry = resolve))])
    this.#hurry = undefined
  }

  /** Waits for `ms` milliseconds; false when the batch was closed. */
  #pause(ms: number): Promise<boolean> {
    const { signal } = this.#closed
    if (signal.aborted) return Promise.resolve(false)
    return new Promise((resolve) => {
      const end = (on: boolean): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', cut)
        resolve(on)
      }
      const cut = (): void => end(false)
      const timer = setTimeout(() => end(true), ms)
      signal.addEventListener('abort', cut)
    })
  }
}

/** The size of an entry in memory, in characters of its texts. */
export function sizeOf(entry: object): number {
  let bytes = 200
  for (const value of Object.values(entry)) if (typeof value === 'string') bytes += value.length
  return bytes
}
