// The schedules of all nodes: one row each, written by their callers.
import { Refusal } from '../core/refusal.ts'
import type { Bounds } from '../core/key.ts'
import { PAGE_BYTES } from '../core/limits.ts'
import type { NewSchedule, Schedule } from '../core/schedule.ts'
import type { Services } from '../core/service.ts'
import { type Columns, type RowOf, typesOf, valuesOf } from './columns.ts'
import type { Connections } from './connections.ts'
import { DUE, type Due, FIRE, type Fired, fireSchedules, type Firing, readDue } from './fires.ts'
import { Minutes } from './minutes.ts'
import { refuse, refuseRead } from './refuse.ts'
import { type Routine, routineOf } from './routine.ts'
import type { Seals } from './seal.ts'
import { type Opened, scheduleName } from './sealed.ts'
import { msOf, newestOf, SCHEDULE, scheduleOf } from './schedule-rows.ts'
import { BOUND_TYPES, boundValues, withinBounds } from './sql.ts'

const READ = { ...SCHEDULE, lastTask: ['bigint', 'newest.id', 'or null'] } as const satisfies Columns

const readingOf = (name: string, types: readonly string[], which: string): Routine =>
  routineOf({
    name,
    types,
    returns: `${typesOf(READ)}, now double precision, count bigint`,
    ordered: true,
    sql: `
  select ${valuesOf(READ)}, ${msOf('now()')}, s.count from (${which}) s left join lateral (${newestOf('s.name', 't.id')}) newest on true
  order by s.name`,
  })

const READ_ONE = readingOf(
  'schedule',
  ['text', ...BOUND_TYPES],
  `select s.*, 1::bigint as count from schedules s where s.name = $1 and ${withinBounds('s', ['$2', '$3'])}`,
)
// In the order of names, until they are too many or too many bytes; at least one.
const READ_MANY = readingOf(
  'schedules',
  ['text', 'integer', ...BOUND_TYPES],
  `select * from (
    select s.*, count(*) over (), sum(s.payload_bytes) over (order by s.name) - s.payload_bytes as before
    from (select * from schedules s where s.name > $1 and ${withinBounds('s', ['$3', '$4'])} order by s.name limit $2) s
  ) s where s.before < ${PAGE_BYTES}`,
)

/** The statements that go through schedules. */
export const SCHEDULE_ROUTINES = [READ_ONE, READ_MANY, DUE, FIRE]

interface ReadRow extends RowOf<typeof READ> {
  readonly now: number
  /** How many there were before some were left for their bytes. */
  readonly count: string
}

/** A schedule, and when it was read: ms since 1970, by Postgres' clock. */
export interface Read {
  readonly schedule: Schedule & Opened
  readonly now: number
}

function readOf(seals: Seals, { now, lastTask, count: _count, ...row }: ReadRow): Read {
  const payload = seals.open(row.payload, [scheduleName(row.name)])
  const schedule = { ...scheduleOf({ ...row, payload: payload ?? 'null' }), lastTask }
  return { now, schedule: payload === undefined ? { ...schedule, cannotDecrypt: ['payload'] } : schedule }
}

/**
 * What callers and nodes ask of schedules. Those of callers throw a `Refusal`, those of nodes a `StoreError`. A schedule beyond the bounds
 * of a caller is as absent.
 */
export interface Schedules {
  read(name: string, bounds?: Bounds): Promise<Read | undefined>
  /** Those with a later name, at most so many, and not too many bytes; and whether there are more. */
  list(
    after: string,
    most: number,
    bounds?: Bounds,
  ): Promise<{ readonly schedules: readonly Read[]; readonly more: boolean }>
  /** Postgres' time, ms since 1970. */
  now(): Promise<number>
  /**
   * Writes a schedule; whether there was none of its name. Where the expression and the zone are as before it keeps its next time, unless
   * that came during a pause which is over. It keeps its caller, too. Undefined: there is one beyond the bounds, and it stays as it is.
   */
  put(schedule: NewSchedule, nextAt: number, by?: Putter): Promise<boolean | undefined>
  /** Whether there was one. */
  remove(name: string, bounds?: Bounds): Promise<boolean>
  /** Pauses a schedule whose next time has not come yet; with `anyhow` also where it has. Whether it is paused. */
  pause(name: string, anyhow: boolean, bounds?: Bounds): Promise<boolean>
  /** Ends the pause of the schedule that was read; false where it has changed meanwhile, or has become another caller's. */
  resume(read: Schedule, nextAt: number, bounds?: Bounds): Promise<boolean>
  /** The schedules whose time has come, the oldest first, at most so many. */
  due(most: number): Promise<Due>
  /** Decides the next time of schedules; makes its task for those that are to make one. Those that others decided meanwhile are missing. */
  fire(firings: readonly Firing[], services: Services): Promise<readonly Fired[]>
}

/** Who puts a schedule. */
export interface Putter {
  readonly caller: string | null
  readonly bounds?: Bounds | undefined
}

/** The schedules on these connections. */
export function schedulesOn(
  connections: Pick<Connections, 'read' | 'write' | 'admit' | 'seals'>,
  minutes = new Minutes(connections.write),
): Schedules {
  const { read, write } = connections
  const ask = async (sql: string, values: readonly unknown[]): Promise<boolean | undefined> => {
    connections.admit()
    const rows = await write<{ told: boolean }>(sql, values).catch(refuse)
    return rows[0]?.told
  }
  const reading = async (routine: Routine, values: readonly unknown[]): Promise<ReadRow[]> => {
    connections.admit()
    return read<ReadRow>(routine.call, values).catch(refuseRead)
  }
  const opened = (row: ReadRow): Read => readOf(connections.seals, row)
  return {
    read: async (name, bounds) => (await reading(READ_ONE, [name, ...boundValues(bounds)])).map(opened)[0],
    list: async (after, most, bounds) => {
      const rows = await reading(READ_MANY, [after, most + 1, ...boundValues(bounds)])
      return {
        schedules: rows.slice(0, most).map(opened),
        more: rows.length > most || Number(rows[0]?.count ?? 0) > rows.length,
      }
    },
    now: async () => {
      connections.admit()
      const [row] = await read<{ now: number }>(`select ${msOf('now()')} as now`).catch(refuseRead)
      if (!row) throw new Refusal('unavailable', 'Postgres did not tell the time.')
      return row.now
    },
    put: ({ name, cron, timezone, task, overlap, missed, paused }, nextAt, by) =>
      ask(PUT, [
        name,
        cron,
        timezone,
        task.service,
        task.action,
        connections.seals.close(task.payload, scheduleName(name)),
        Buffer.byteLength(task.payload),
        JSON.stringify(task.options ?? {}),
        overlap,
        missed,
        paused,
        nextAt,
        by?.caller ?? null,
        ...boundValues(by?.bounds),
      ]),
    remove: async (name, bounds) => (await ask(REMOVE, [name, ...boundValues(bounds)])) === true,
    pause: async (name, anyhow, bounds) => (await ask(PAUSE, [name, anyhow, ...boundValues(bounds)])) === true,
    resume: async ({ name, cron, timezone, task }, nextAt, bounds) =>
      (await ask(RESUME, [name, cron, timezone, nextAt, task.service, ...boundValues(bounds)])) === true,
    due: (most) => readDue(write, most),
    fire: async (firings, services) => minutes.created(await fireSchedules(write, firings, services)),
  }
}

const PUT = `
  insert into schedules as s (name, cron, timezone, service, action, payload, payload_bytes, options, overlap, missed, paused, next_at, caller)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, to_timestamp($12::double precision / 1000), $13)
  on conflict (name) do update set cron = excluded.cron, timezone = excluded.timezone, service = excluded.service,
    action = excluded.action, payload = excluded.payload, payload_bytes = excluded.payload_bytes, options = excluded.options,
    overlap = excluded.overlap, missed = excluded.missed, paused = excluded.paused, revision = gen_random_uuid(),
    next_at = case when (s.cron, s.timezone) = (excluded.cron, excluded.timezone) and (excluded.paused or not s.paused or s.next_at > now())
      then s.next_at else excluded.next_at end
    where ${withinBounds('s', ['$14::text', '$15::text[]'])}
  returning xmax = 0 as told`

const PAUSE = `
  update schedules s set paused = true where s.name = $1 and (s.paused or s.next_at > now() or $2::boolean)
    and ${withinBounds('s', ['$3::text', '$4::text[]'])} returning true as told`

const REMOVE = `delete from schedules s where s.name = $1 and ${withinBounds('s', ['$2::text', '$3::text[]'])} returning true as told`

const RESUME = `
  update schedules s set next_at = case when s.paused then to_timestamp($4::double precision / 1000) else s.next_at end, paused = false
  where s.name = $1 and s.cron = $2 and s.timezone = $3 and s.service = $5 and ${withinBounds('s', ['$6::text', '$7::text[]'])} returning true as told`
