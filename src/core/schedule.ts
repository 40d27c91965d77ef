// What a schedule is, and what to do when one of its times has come. Pure: the time is an argument, Postgres' time where it counts.
import { type Timetable, timesAfter } from './cron.ts'
import type { NewTask } from './task.ts'

/** Whether a task is made while the newest one of the schedule has not ended. */
export const OVERLAPS = ['allow', 'skip'] as const
export type Overlap = (typeof OVERLAPS)[number]

/** Whether times that were missed get one task together, or none. */
export const MISSED = ['one', 'none'] as const
export type Missed = (typeof MISSED)[number]

/** The zone of a schedule that names none. */
export const DEFAULT_ZONE = 'UTC'
/** A time that is later than so many ms was missed. */
export const MISSED_AFTER_MS = 60_000
/** So many of its next times are shown. */
const SHOWN_TIMES = 5

/** A schedule as a caller describes it. */
export interface NewSchedule extends Timetable {
  readonly name: string
  readonly task: NewTask
  readonly overlap: Overlap
  readonly missed: Missed
  readonly paused: boolean
}

/** A schedule as its row says. Times are ms since 1970. */
export interface Schedule extends NewSchedule {
  readonly nextAt: number
  /** The time for which its last task was made; null: none was. */
  readonly lastAt: number | null
  /** The id of its newest task; null: there is none. */
  readonly lastTask: string | null
}

/** What to do about a time that has come. */
export interface Turn {
  /** The time after it. */
  readonly nextAt: number
  readonly makes: boolean
}

/**
 * What to do about the next time of a schedule, which is not after `now`. All times that were missed are one turn. Undefined: no time
 * follows. Throws a `RangeError` where this node cannot read the schedule.
 */
export function turnOf(schedule: Pick<Schedule, keyof Timetable | 'nextAt' | 'missed'>, now: number): Turn | undefined {
  const oldest = now - MISSED_AFTER_MS
  const missed = schedule.nextAt < oldest
  const [nextAt] = timesAfter(schedule, missed ? oldest - 1 : schedule.nextAt, 1)
  return nextAt === undefined ? undefined : { nextAt, makes: !missed || schedule.missed === 'one' }
}

/** The next times of a schedule, as far as this node can read it. Those of a paused one are the times at which it would make tasks if it went on now. */
export function nextTimes(schedule: Schedule, now: number): number[] {
  const { nextAt, paused } = schedule
  try {
    if (paused && nextAt <= now) return timesAfter(schedule, now, SHOWN_TIMES)
    return [nextAt, ...timesAfter(schedule, nextAt, SHOWN_TIMES - 1)]
  } catch {
    return [nextAt]
  }
}
