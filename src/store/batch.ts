// Group commit, for reads too: what arrives while one flush is under way forms the next one, so that a statement carries many rows.
import { StoreError } from './trouble.ts'

/** How one kind of write, or of read, is flushed. */
export interface Writing<Entry, Result> {
  readonly name: string
  /**
   * Writes entries in one statement; results in the order of the entries, or promises of those that are known only after the next
   * flush may go on. `again`: an earlier try of these very entries has an unknown outcome, so the row must be asked before a result
   * of 0 rows is believed.
   */
  flush(entries: readonly Entry[], again: boolean): Promise<(Result | PromiseLike<Result>)[]>
  /** The size of an entry in memory, for the limits below. */
  bytes(entry: Entry): number
  /**
   * `keep`: a flush that fails is repeated until it goes through or the batch is closed, as nobody else will write it.
   * `refuse`: it is refused at once with whatever waits behind it, as a caller waits for the answer.
   */
  readonly patience: 'keep' | 'refuse'
  /** How long the next flush waits behind one that carried several rows, ms, so that it carries more. Default: not at all. */
  readonly gather?: number
  /** The most entries of a flush. Default: 1,000. */
  readonly most?: number
}

const MAX_ROWS = 1_000
const MAX_FLUSH_BYTES = 8 * 1024 * 1024
/** What may wait in memory for callers who wait as well; beyond that they are refused. Kept writes are bounded by the slots. */
const MAX_WAITING_BYTES = 64 * 1024 * 1024
const MAX_WAITING_ROWS = 200_000
/** A flush of so many rows shows that more are coming. */
const SEVERAL = 4
const BACKOFF = { first: 50, most: 1_000 }

interface Pending<Entry, Result> {
  readonly entry: Entry
  readonly bytes: number
  resolve(result: Result | PromiseLike<Result>): void
  reject(error: Error): void
}

/** One kind of write: at most one flush in flight. */
export class Batch<Entry, Result> {
  readonly #writing: Writing<Entry, Result>
  #waiting: Pending<Entry, Result>[] = []
  #bytes = 0
  #flushing = false
  /** Whether one that waits is urgent. */
  #urgent = false
  /** Ends the wait for company. */
  #hurry: (() => void) | undefined
  readonly #closed = new AbortController()

  constructor(writing: Writing<Entry, Result>) {
    this.#writing = writing
  }

  /**
   * Adds an entry to the next flush, which gathers no more when the entry is `urgent`. Rejects with a `StoreError` when it was refused,
   * or when the batch closed before it was written.
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
      // After this tick's I/O, so that whatever came in with it shares the flush.
      setImmediate(() => void this.#drain())
    })
  }

  /** Refuses what waits and ends the repeats. A flush in flight still ends as it will. */
  close(): void {
    this.#closed.abort()
    this.#refuse(this.#take(Infinity, Infinity), new StoreError('notSent', 'closed'))
  }

  async #drain(): Promise<void> {
    const { gather = 0, most = MAX_ROWS } = this.#writing
    while (this.#waiting.length > 0) {
      const batch = this.#take(most, MAX_FLUSH_BYTES)
      await this.#write(batch)
      if (gather > 0 && batch.length >= SEVERAL) await this.#gather(gather)
    }
    this.#flushing = false
  }

  #take(rows: number, bytes: number): Pending<Entry, Result>[] {
    let count = 0
    let size = 0
    for (const { bytes: more } of this.#waiting) {
      if (count >= rows || (count > 0 && size + more > bytes)) break
      count += 1
      size += more
    }
    this.#bytes -= size
    this.#urgent = false
    return this.#waiting.splice(0, count)
  }

  /** Writes a batch to its end: every entry is resolved or rejected. Never throws. */
  async #write(batch: Pending<Entry, Result>[], again = false): Promise<void> {
    for (let wait = BACKOFF.first; ; wait = Math.min(BACKOFF.most, wait * 2)) {
      try {
        const results = await this.#writing.flush(
          batch.map(({ entry }) => entry),
          again,
        )
        batch.forEach((pending, i) => pending.resolve(results[i] as Result))
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

  /** One bad row fails the statement of all: halves find it, and the others are written. */
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

  /** Waits for company, as long as nobody is in a hurry. */
  async #gather(ms: number): Promise<void> {
    if (this.#urgent) return
    await Promise.race([this.#pause(ms), new Promise<void>((resolve) => (this.#hurry = resolve))])
    this.#hurry = undefined
  }

  /** Waits; false when the batch was closed. */
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
