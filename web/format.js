// Numbers, times and durations as text.
import { kept } from './store.js'

/** Which clock the page shows: `local` or `utc`. */
export const clock = kept(() => localStorage, 'task_api.clock', 'local')

const WHOLE = new Intl.NumberFormat('en')

/** A count; "1000+" stays what it is. */
export const countText = (count) => (typeof count === 'number' ? WHOLE.format(count) : String(count))

/** One thing or several: `3 tasks`. */
export const nounText = (count, one, several = `${one}s`) => `${countText(count)} ${count === 1 ? one : several}`

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
]

/** A duration in ms, to two units: `2 h 5 min`, `4.2 s`, `340 ms`. */
export function durationText(ms) {
  if (ms === null || ms === undefined || Number.isNaN(ms)) return '–'
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)} s`
  const at = UNITS.findIndex(([, size]) => ms >= size)
  const [unit, size] = UNITS[at]
  const whole = Math.floor(ms / size)
  const [smaller, part] = UNITS[at + 1] ?? []
  const rest = part === undefined || whole >= 10 ? 0 : Math.floor((ms % size) / part)
  return rest > 0 ? `${whole} ${unit} ${rest} ${smaller}` : `${whole} ${unit}`
}

const two = (number) => String(number).padStart(2, '0')

/** A time as `2026-11-28 23:01:28` on the chosen clock; `parts` chooses the date, the time of day, or both where it is not today. */
export function timeText(iso, { parts = 'both', zone = clock.get() } = {}) {
  if (!iso) return '–'
  const at = new Date(iso)
  const [date, time] =
    zone === 'utc'
      ? [at.toISOString().slice(0, 10), at.toISOString().slice(11, 19)]
      : [
          `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`,
          `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`,
        ]
  if (parts === 'short') return timeText(new Date(), { zone }).startsWith(date) ? time : `${date} ${time}`
  return `${date} ${time}`
}

/** How long ago, or in how long: `3 min ago`, `in 2 h`. */
export function agoText(iso, now = Date.now()) {
  if (!iso) return '–'
  const ms = now - Date.parse(iso)
  if (Math.abs(ms) < 1_000) return 'now'
  return ms > 0 ? `${durationText(ms)} ago` : `in ${durationText(-ms)}`
}

/** A size: `1.0 MiB`, `12 KiB`, `320 bytes`. */
export function bytesText(bytes) {
  if (bytes >= 1 << 20) return `${(bytes / (1 << 20)).toFixed(1)} MiB`
  if (bytes >= 1024) return `${Math.round(bytes / 1024)} KiB`
  return nounText(bytes, 'byte')
}

/** The number of a task, from its location. */
export const idOf = (location) => location.slice(location.lastIndexOf('/') + 1)
