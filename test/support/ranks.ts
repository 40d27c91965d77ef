// Compares two samples by ranks (Mann-Whitney), and says which shift of one of them would be noticed.

/** How far the ranks of two samples lie apart, in standard deviations; below 0: the first has the smaller values. */
export function rankZ(a: readonly number[], b: readonly number[]): number {
  const all = [...a.map((value) => ({ value, first: true })), ...b.map((value) => ({ value, first: false }))]
  all.sort((x, y) => x.value - y.value)
  let sum = 0
  for (let from = 0; from < all.length;) {
    let to = from
    while (to < all.length && all[to]?.value === all[from]?.value) to += 1
    // Equal values share the mean of their ranks.
    for (let i = from; i < to; i += 1) if (all[i]?.first) sum += (from + to + 1) / 2
    from = to
  }
  const [n, m] = [a.length, b.length]
  return (sum - (n * (n + m + 1)) / 2) / Math.sqrt((n * m * (n + m + 1)) / 12)
}

export const medianOf = (values: readonly number[]): number =>
  values.toSorted((x, y) => x - y)[Math.floor(values.length / 2)] ?? NaN

/** Drawn again so often for each shift. */
const DRAWS = 60
const SHARE = 0.95

/** The least shift, in powers of the square root of 2, that 95 % of samples such as these would show by more than `limit`. */
export function noticedShift(values: readonly number[], size: number, limit: number): number {
  const draw = (shift: number): number[] =>
    Array.from({ length: size }, () => (values[Math.floor(Math.random() * values.length)] ?? 0) + shift)
  for (let shift = 1; ; shift *= Math.SQRT2) {
    let noticed = 0
    for (let i = 0; i < DRAWS; i += 1) if (Math.abs(rankZ(draw(0), draw(shift))) > limit) noticed += 1
    if (noticed >= DRAWS * SHARE) return shift
  }
}
