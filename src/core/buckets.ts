// Buckets: how often durations, or numbers of rows, of each size were met. Counted in plain arrays, and what buckets tell of percentiles.

/** So many bounds for each doubling: a bucket ends at the 1.41-fold of the one before. */
const PER_DOUBLING = 2
/** Bucket 0 holds what is at most 1, the last one what is over 2 ** 22: of milliseconds that is over an hour. */
export const BUCKETS = 22 * PER_DOUBLING + 2

/** What a bucket holds at most. */
export const boundOf = (bucket: number): number => 2 ** (bucket / PER_DOUBLING)

/** The bucket of a value. */
export const bucketOf = (value: number): number =>
  value <= 1 ? 0 : Math.min(BUCKETS - 1, Math.ceil(Math.log2(value) * PER_DOUBLING))

/** Values that were counted; the counts never go down. */
export class Histogram {
  readonly counts = new Float64Array(BUCKETS)
  sum = 0

  /** Counts a value; one below 0, of a clock that was set back, counts as 0. */
  observe(value: number): void {
    const counted = Math.max(0, value)
    const bucket = bucketOf(counted)
    this.counts[bucket] = (this.counts[bucket] as number) + 1
    this.sum += counted
  }
}

/** Counts as a short array: the first bucket that is not empty, then the counts up to the last one; null: all are empty. */
export function packed(counts: ArrayLike<number>): number[] | null {
  const all = Array.from(counts)
  const first = all.findIndex((count) => count !== 0)
  return first < 0 ? null : [first, ...all.slice(first, all.findLastIndex((count) => count !== 0) + 1)]
}

/** Adds packed counts; what is no bucket is left out. */
export function addPacked(counts: Float64Array, [first = 0, ...more]: readonly number[]): void {
  for (const [i, count] of more.entries())
    if (first + i in counts) counts[first + i] = (counts[first + i] as number) + count
}

/**
 * The value below which a share of all values lies: the middle of its bucket, so it is at most 19 % off; in the first and the last
 * bucket it is the bound. Null: nothing was counted.
 */
export function percentile(counts: ArrayLike<number>, share: number): number | null {
  let all = 0
  for (let i = 0; i < counts.length; i += 1) all += counts[i] ?? 0
  if (all === 0) return null
  let bucket = 0
  for (let seen = counts[0] ?? 0; seen < all * share; seen += counts[bucket] ?? 0) bucket += 1
  const middle = bucket === 0 ? 0 : bucket === BUCKETS - 1 ? bucket - 1 : bucket - 0.5
  return Number(boundOf(middle).toPrecision(3))
}
