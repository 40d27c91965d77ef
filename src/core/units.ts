// Durations with units: how they are written in a configuration, read and printed.

/** Milliseconds of each unit, largest first. */
const UNITS: Readonly<Record<string, number>> = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000, ms: 1 }

/** The pattern of a duration, for the JSON Schema: a whole number and a unit, or a bare 0. */
export const DURATION_PATTERN = `^(?:0|(0|[1-9][0-9]*)(${Object.keys(UNITS).join('|')}))$`

/** The pattern of a duration that is over 0. */
export const SOME_DURATION_PATTERN = `^[1-9][0-9]*(${Object.keys(UNITS).join('|')})$`

/**
 * Reads a duration such as `250ms`, `30s`, `10m`, `2h` or `7d` as milliseconds. Only `0` needs no unit. Undefined for
 * anything else: spaces, signs, fractions, several units, leading zeros, or more than `Number.MAX_SAFE_INTEGER` ms.
 */
export function parseDuration(text: string): number | undefined {
  const [whole, digits, unit] = new RegExp(DURATION_PATTERN).exec(text) ?? []
  if (whole === undefined) return undefined
  const milliseconds = Number(digits ?? 0) * (UNITS[unit ?? ''] ?? 1)
  return Number.isSafeInteger(milliseconds) ? milliseconds : undefined
}

/**
 * Prints milliseconds in the largest unit that loses nothing: 90000 is `90s`, 0 is `0`. Throws a `RangeError` unless
 * `milliseconds` is a whole number of 0 or more.
 */
export function formatDuration(milliseconds: number): string {
  if (!Number.isSafeInteger(milliseconds) || milliseconds < 0)
    throw new RangeError(`${milliseconds} is not a whole number of 0 or more`)
  const fitting = Object.entries(UNITS).find(([, factor]) => milliseconds >= factor && milliseconds % factor === 0)
  return fitting === undefined ? '0' : `${milliseconds / fitting[1]}${fitting[0]}`
}
