// Reads `Retry-After`: the forms of RFC 9110, and other forms that servers send. Times are milliseconds.

/** The most that a service may ask for by `Retry-After`. */
export const MAX_RETRY_AFTER = 24 * 3_600_000

/** From so many seconds on, 31 years, a number is a time since 1970; from a thousand times that, one in milliseconds. */
const EPOCH_FROM_SECONDS = 1e9

const NUMBER = /^(\d+(?:\.\d*)?|\.\d+) *(?:s|secs?|seconds?)?$/i
const NUMBERS = /^[\d.]+(?: *, *[\d.]+)+$/

const DAY_NAME = '[a-z]{3,9}'
const MONTH = '(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*'
const TIME = String.raw`\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?`
const ZONE = String.raw`(?:z|gmt|utc|(?:gmt|utc)? ?[+-]\d{2}:?\d{2})`
// The comment behind a zone is that of `Date.toString` in JavaScript.
const REST = String.raw`(?: ?(?<zone>${ZONE})(?: \([^)]*\))?)?$`

/** The forms of a date, each with an optional zone at its end. */
const DATES: readonly RegExp[] = [
  // Sun, 06 Nov 1994 08:49:37 GMT · Sunday, 06-Nov-94 08:49:37 GMT
  String.raw`^(?:${DAY_NAME},? +)?\d{1,2}[ -]${MONTH}[ -]\d{2}(?:\d{2})?(?: +${TIME})?`,
  // Sun Nov  6 08:49:37 1994 · Sun Nov 06 1994 08:49:37 GMT+0000 (Coordinated Universal Time)
  String.raw`^(?:${DAY_NAME},? +)?${MONTH} +\d{1,2},? (?:${TIME} \d{4}|\d{4}(?: +${TIME})?)`,
  // 1994-11-06T08:49:37Z
  String.raw`^\d{4}-\d{2}-\d{2}(?:[t ]${TIME})?`,
].map((form) => new RegExp(form + REST, 'i'))

/** The date in a header field, in milliseconds since the epoch. Without a zone the date is UTC. Undefined: there is no date. */
export function dateOf(text: string | undefined): number | undefined {
  const trimmed = text?.trim() ?? ''
  const found = DATES.map((form) => form.exec(trimmed)).find((match) => match !== null)
  if (!found) return undefined
  const date = Date.parse(found.groups?.['zone'] === undefined ? `${trimmed}Z` : trimmed)
  return Number.isNaN(date) ? undefined : date
}

/**
 * Reads `Retry-After`, capped at 24 h: seconds, or a date, which is measured from `now`; 0 where it is in the past. The longest
 * counts where there are several. Undefined where there is none, or none makes sense.
 * @param now milliseconds since the epoch: the answer's own `Date` where it has one, as only that is of the same clock
 */
export function retryAfter(header: string | readonly string[] | undefined, now: number): number | undefined {
  const texts = header === undefined ? [] : typeof header === 'string' ? [header] : header
  const waits = texts
    .flatMap((text) => (NUMBERS.test(text.trim()) ? text.split(',') : [text]))
    .map((text) => waitOf(text, now))
  const known = waits.filter((wait) => wait !== undefined)
  return known.length === 0 ? undefined : Math.min(MAX_RETRY_AFTER, Math.max(0, ...known))
}

function waitOf(text: string, now: number): number | undefined {
  const seconds = NUMBER.exec(text.trim())?.[1]
  if (seconds === undefined) {
    const date = dateOf(text)
    return date === undefined ? undefined : date - now
  }
  const asked = Number(seconds)
  if (asked < EPOCH_FROM_SECONDS) return asked * 1000
  return (asked < EPOCH_FROM_SECONDS * 1000 ? asked * 1000 : asked) - now
}
