// The rows of schedules, as statements return them.
import type { Missed, Overlap, Schedule } from '../core/schedule.ts'
import type { TaskOptions } from '../core/task.ts'
import type { Columns, RowOf } from './columns.ts'

/** A time as its routines return and take it: ms since 1970. */
export const msOf = (time: string): string => `(extract(epoch from ${time}) * 1000)::double precision`

/** The columns of `schedules s` that make a schedule. */
export const SCHEDULE = {
  name: ['text', 's.name'],
  cron: ['text', 's.cron'],
  timezone: ['text', 's.timezone'],
  service: ['text', 's.service'],
  action: ['text', 's.action'],
  payload: ['json', 's.payload'],
  options: ['text', 's.options::text'],
  overlap: ['text', 's.overlap'],
  missed: ['text', 's.missed'],
  paused: ['boolean', 's.paused'],
  nextAt: ['double precision', msOf('s.next_at')],
  lastAt: ['double precision', msOf('s.last_at'), 'or null'],
} as const satisfies Columns

/** The newest task of a schedule, along its index and no other. */
export const newestOf = (name: string, what: string): string =>
  `select ${what} from tasks t where t.schedule = ${name} order by t.id desc nulls last limit 1`

/** The schedule that a row says. */
export const scheduleOf = (row: RowOf<typeof SCHEDULE>): Omit<Schedule, 'lastTask'> => {
  const { name, cron, timezone, service, action, payload, paused, nextAt, lastAt } = row
  const options = JSON.parse(row.options) as TaskOptions
  const task = { service, action, payload, options, schedule: name }
  return {
    name,
    cron,
    timezone,
    task,
    overlap: row.overlap as Overlap,
    missed: row.missed as Missed,
    paused,
    nextAt,
    lastAt,
  }
}
