// "Did you mean": finds the known name nearest to a mistyped name.

/** The most pairs of letters that are compared. It bounds the time to some milliseconds for any input. */
const MAX_LETTER_PAIRS = 100_000

/**
 * The known name nearest to `text`, when it is near enough to be a slip of the fingers; case does not count. `slip`: how
 * many letters may differ, by default a third of them. Names that come after very many others are not looked at.
 */
export function nearest(
  text: string,
  known: Iterable<string>,
  slip = Math.max(1, Math.floor(text.length / 3)),
): string | undefined {
  const typed = text.toLowerCase()
  let best: string | undefined
  let least = slip + 1
  let pairs = 0
  for (const name of known) {
    if (Math.abs(name.length - typed.length) >= least) continue
    pairs += name.length * typed.length
    if (pairs > MAX_LETTER_PAIRS) break
    const distance = slips(typed, name.toLowerCase())
    if (distance < least) [best, least] = [name, distance]
  }
  return best
}

/** A name that is not known, and the known one that it nearly is. */
export interface Misspelt {
  readonly name: string
  readonly meant: string
}

/** The set variables of an environment that are one slip from a known variable that is not set. */
export function misspelt(env: Readonly<Record<string, string | undefined>>, known: readonly string[]): Misspelt[] {
  const unset = known.filter((name) => !env[name])
  return Object.keys(env).flatMap((name) => {
    const meant = env[name] && !known.includes(name) ? nearest(name, unset, 1) : undefined
    return meant === undefined ? [] : [{ name, meant }]
  })
}

/** The edit distance of two words: letters added, removed, replaced, or swapped with their neighbour. */
function slips(a: string, b: string): number {
  let [before, last]: number[][] = [[], Array.from({ length: b.length + 1 }, (_, j) => j)]
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1
      const swapped = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? at(before, j - 2) + 1 : Infinity
      row.push(Math.min(at(last, j) + 1, at(row, j - 1) + 1, at(last, j - 1) + same, swapped))
    }
    ;[before, last] = [last, row]
  }
  return at(last, b.length)
}

const at = (row: readonly number[] | undefined, index: number): number => row?.[index] ?? Infinity
