// What went wrong at Redis and was made good, in numbers.

/** Since the queue was made. */
export interface Counts {
  /** Pushes that did not get in. */
  unpushed: number
  /** Elements and hints that were no id. */
  junk: number
  /** Ids that came after their deadline and were handed out all the same. */
  late: number
  /** Keys of the wrong type that were deleted. */
  mended: number
}

/** All at nought. */
export const noCounts = (): Counts => ({ unpushed: 0, junk: 0, late: 0, mended: 0 })
