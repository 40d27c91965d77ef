// The times of a cron expression in a time zone, by croner. Pure: where to begin is an argument.
import { Cron } from 'croner'

/** When something is to happen. */
export interface Timetable {
  /** Five or six fields. */
  readonly cron: string
  /** An IANA time zone. */
  readonly timezone: string
}

/** The longest expression, in characters. */
export const MAX_CRON = 1_000
/** Croner also reads names such as @daily, dates, and a seventh field of years. */
export const FIELDS = /^(?:[\dA-Za-z*?,\-/#+]+[ \t]+){4,5}[\dA-Za-z*?,\-/#+]+$/
/** Offsets such as +05:30 are no names, and not known to every release of Node. */
export const ZONE = /^[A-Za-z][\w+\-/]{0,63}$/
/** Within so many years each date falls on each weekday that it can fall on, 29 February included. */
const YEARS = 41

/** Whether an expression has the form of cron, and values that croner takes. The time that it names may never come. */
export function isCron(cron: string): boolean {
  if (cron.length > MAX_CRON || !FIELDS.test(cron)) return false
  try {
    return new Cron(cron, { timezone: 'UTC' }) instanceof Cron
  } catch {
    return false
  }
}

/** The name by which the runtime knows a time zone; undefined: it knows none of this name. */
export function zoneOf(timezone: string): string | undefined {
  if (!ZONE.test(timezone)) return undefined
  try {
    return new Intl.DateTimeFormat('en', { timeZone: timezone }).resolvedOptions().timeZone
  } catch {
    return undefined
  }
}

/**
 * The first times of an expression after a time, ms since 1970; fewer where no more come. `cron` must satisfy `isCron`. Throws a
 * `RangeError` where this runtime does not know the zone.
 *
 * Where the fields of seconds, minutes and hours have no `*` and no step, a time that the clock skips comes when the gap ends, and one
 * that the clock shows twice comes once, the first time. Others go by real time: what is skipped does not come, what is shown twice does.
 */
export function timesAfter({ cron, timezone }: Timetable, after: number, count: number): number[] {
  // Croner keeps something for each name that it is given, so it is given each zone by one name.
  const zone = zoneOf(timezone)
  if (zone === undefined) throw new RangeError(`there is no time zone ${timezone}`)
  const fields = cron.split(/[ \t]+/)
  const year = new Date(after).getUTCFullYear()
  // Without years croner looks for 400 years, which takes up to a second.
  const full = [...(fields.length === 5 ? ['0'] : []), ...fields, `${year - 1}-${year + YEARS}`].join(' ')
  const times = new Cron(full, { timezone: zone, mode: '7-part', fixedTimeRule: 'no-wildcard' })
  const found = times.nextRuns(count, new Date(after)).map((time) => time.getTime())
  const last = found.at(-1)
  if (last === undefined || found.length === count) return found
  // Further ones may come after those years.
  return [...found, ...timesAfter({ cron, timezone }, last, count - found.length)]
}
