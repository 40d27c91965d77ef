// The quotas of keys: judges each request that creates tasks, before it creates any.
import type { Caller } from '../core/key.ts'
import { termsOf } from '../core/limit.ts'
import { type Bucket, take } from '../core/quota.ts'
import { Refusal } from '../core/refusal.ts'
import type { Store } from '../store/store.ts'

/** How many tasks of a key wait, as counted at most so long ago. */
interface Count {
  readonly waiting: Promise<number>
  /** Until when it holds, ms. */
  until: number
}

/** How long a count holds, ms. */
const HOLDS_MS = 1_000
/** One that took long holds so many times as long as it took. */
const HOLDS_TIMES = 50

export class Quotas {
  readonly #store: Pick<Store, 'waiting'>
  readonly #now: () => number
  // By the names of keys. That of a key which is gone stays: it is small, and so are the files that have keys.
  readonly #buckets = new Map<string, Bucket>()
  readonly #counts = new Map<string, Count>()

  constructor(store: Pick<Store, 'waiting'>, now = (): number => performance.now()) {
    this.#store = store
    this.#now = now
  }

  /** Lets a request create so many tasks. Throws a `Refusal`: `quota_exceeded`, or `unavailable` where waiting tasks cannot be counted. */
  async admit({ key }: Caller, tasks: number): Promise<void> {
    if (key?.quota === undefined) return
    const { name, quota } = key
    if (quota.waiting !== undefined && (await this.#waiting(name, quota.waiting)) >= quota.waiting)
      throw exceeded(`${quota.waiting} tasks of the key wait, the most that its quota allows.`)
    const { interval, burst } = termsOf(quota)
    if (interval === null || burst === null) return
    const { bucket, wait } = take(this.#buckets.get(name), { interval, burst }, tasks, this.#now())
    this.#buckets.set(name, bucket)
    if (wait > 0) throw exceeded(`The quota of the key is ${quota.rate} tasks, ${burst} at once.`, wait)
  }

  /**
   * Lets a request create tasks of which nobody knows yet how many: it needs a full bucket. What it has created is said to the function
   * that this returns. Throws a `Refusal`, likewise.
   */
  async admitMany(caller: Caller): Promise<(created: number) => void> {
    const burst = termsOf(caller.key?.quota ?? {}).burst ?? 1
    await this.admit(caller, burst)
    return (created) => {
      const bucket = this.#buckets.get(caller.name ?? '')
      if (bucket) this.#buckets.set(caller.name ?? '', { ...bucket, tokens: bucket.tokens + burst - created })
    }
  }

  /** Counts the waiting tasks of a key, to `most`, where the last count holds no longer. All who ask meanwhile wait for it. */
  #waiting(name: string, most: number): Promise<number> {
    const begun = this.#now()
    const last = this.#counts.get(name)
    if (last && begun < last.until) return last.waiting
    const count: Count = { waiting: this.#store.waiting(name, most), until: Infinity }
    this.#counts.set(name, count)
    const taken = (): number => this.#now() - begun
    count.waiting.then(
      () => (count.until = begun + taken() + Math.max(HOLDS_MS, HOLDS_TIMES * taken())),
      () => (count.until = begun),
    )
    return count.waiting
  }
}

/** The refusal of a request beyond the quota, with ms to wait. */
const exceeded = (why: string, wait = 0): Refusal =>
  new Refusal('quota_exceeded', `${why} Try again after \`Retry-After\`.`, [], Math.max(1, Math.ceil(wait / 1000)))
