// Durations and sizes with units: how they are written in a configuration, read and printed.

const DURATIONS: Readonly<Record<string, number>> = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000, ms: 1 }
const SIZES: Readonly<Record<string, number>> = { GiB: 1_073_741_824, MiB: 1_048_576, KiB: 1024, B: 1 }

/** The pattern of a duration, for the JSON Schema: a whole number and a unit, or a bare 0. */
export const DURATION_PATTERN = patternOf(DURATIONS)

/** The pattern of a size, likewise. */
export const SIZE_PATTERN = patternOf(SIZES)

/**
 * Reads a duration such as `250ms`, `30s`, `10m`, `2h` or `7d` as milliseconds. Only `0` needs no unit. Undefined for
 * anything else: spaces, signs, fractions, several units, leading zeros, or more than `Number.MAX_SAFE_INTEGER` ms.
 */
export const parseDuration = (text: string): number | undefined => parse(text, DURATIONS, DURATION_PATTERN)

/** Reads a size such as `512B`, `64KiB`, `1MiB` or `2GiB` as bytes, as strictly as `parseDuration`. */
export const parseSize = (text: string): number | undefined => parse(text, SIZES, SIZE_PATTERN)

/** Prints milliseconds (a whole number, 0 or more) in the largest unit that loses nothing: 90000 is `90s`, 0 is `0`. */
export const formatDuration = (milliseconds: number): string => format(milliseconds, DURATIONS)

/** Prints bytes (a whole number, 0 or more) in the largest unit that loses nothing: 1536 is `1536B`, 2048 is `2KiB`. */
export const formatSize = (bytes: number): string => format(bytes, SIZES)

function patternOf(units: Readonly<Record<string, number>>): string {
  return `^(?:0|(0|[1-9][0-9]*)(${Object.keys(units).join('|')}))$`
}

function parse(text: string, units: Readonly<Record<string, number>>, pattern: string): number | undefined {
  const [whole, digits, unit] = new RegExp(pattern).exec(text) ?? []
  if (whole === undefined) return undefined
  const value = Number(digits ?? 0) * (units[unit ?? ''] ?? 1)
  return Number.isSafeInteger(value) ? value : undefined
}

function format(value: number, units: Readonly<Record<string, number>>): string {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${value} is not a whole number of 0 or more`)
  const fitting = Object.entries(units).find(([, factor]) => value >= factor && value % factor === 0)
  return fitting === undefined ? '0' : `${value / fitting[1]}${fitting[0]}`
}
