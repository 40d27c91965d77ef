// The times of schedules: which have come, and one statement that moves schedules on and makes their tasks in the same commit.
import { randomUUID } from 'node:crypto'
import { PAGE_BYTES } from '../core/limits.ts'
import type { Schedule, Turn } from '../core/schedule.ts'
import type { Services } from '../core/service.ts'
import { type Columns, type RowOf, typesOf, valuesOf } from './columns.ts'
import { GIVEN, GIVEN_AS, insertFrom } from './creations.ts'
import type { Query } from './database.ts'
import { FIRST_OWN } from './idempotent.ts'
import { routineOf } from './routine.ts'
import { isMarked, scheduleName } from './sealed.ts'
import { msOf, newestOf, SCHEDULE, scheduleOf } from './schedule-rows.ts'
import { NOT_ENDED } from './sql.ts'

const READ = { ...SCHEDULE, revision: ['uuid', 's.revision'] } as const satisfies Columns

/** A schedule whose time has come. */
export interface DueSchedule extends Omit<Schedule, 'lastTask'> {
  readonly revision: string
}

export interface Due {
  readonly schedules: readonly DueSchedule[]
  /** Postgres' time, ms since 1970. */
  readonly now: number
  /** The next time of all, likewise; null: there is none. */
  readonly next: number | null
}

// Until they are too many or too many bytes; at least one.
export const DUE = routineOf({
  name: 'due_schedules',
  types: ['integer'],
  returns: `${typesOf(READ)}, now double precision, next double precision`,
  ordered: true,
  sql: `
  with due as materialized (
    select s.*, sum(s.payload_bytes) over (order by s.next_at rows unbounded preceding) - s.payload_bytes as before
    from (select * from schedules s where not s.paused and s.next_at <= now() order by s.next_at limit $1) s
  )
  select ${valuesOf(READ)}, ${msOf('now()')},
    (select ${msOf('n.next_at')} from schedules n where not n.paused and n.next_at > now() order by n.next_at limit 1)
  from (select) one left join due s on s.before < ${PAGE_BYTES}`,
})

/** Reads the schedules whose time has come, at most so many. Throws a `StoreError`. */
export async function readDue(query: Query, most: number): Promise<Due> {
  type Row = RowOf<typeof READ> & { readonly now: number; readonly next: number | null }
  const rows = await query<Row>(DUE.call, [most])
  // Where there is none the one row has nothing but the times.
  const found = rows.filter(({ name }) => (name as string | null) !== null)
  const schedules = found.map((row) => ({ ...scheduleOf(row), revision: row.revision }))
  return { schedules, now: rows[0]?.now ?? 0, next: rows[0]?.next ?? null }
}

/** What was decided of a schedule that was read. */
export interface Firing extends Turn {
  readonly schedule: DueSchedule
}

/** A schedule that has moved on, and the task that was made for it, if any. */
export interface Fired {
  readonly name: string
  readonly id: string | null
  readonly service: string | null
}

// The first parameters, and those of the tasks, are where those of a POST are: the tasks are made by the same SQL.
const [NAMES, GUARDS, REVISIONS, NEXTS] = ['$1', '$2', '$3', '$5']
const FIRST_TYPES = ['text[]', 'double precision[]', 'uuid[]', 'text', 'double precision[]']
const MAKES = `$${FIRST_OWN + Object.keys(GIVEN).length}`

// A schedule that another node is moving on is left to it. One that was moved on or changed since it was read is no more what was read.
export const FIRE = routineOf({
  name: 'fire',
  types: [...FIRST_TYPES, ...Object.values(GIVEN).map(([type]) => `${type}[]`), 'boolean[]'],
  returns: 'name text, id bigint, service text',
  sql: `
  with locked as materialized (
    select s.name, s.caller, s.overlap, asked.place, asked.next, asked.makes
    from unnest(${NAMES}, ${GUARDS}, ${REVISIONS}, ${NEXTS}, ${MAKES}) with ordinality as asked(name, guard, revision, next, makes, place)
      join schedules s on s.name = any(array[asked.name])
    where s.next_at = to_timestamp(asked.guard / 1000) and s.revision = asked.revision and not s.paused
    order by s.name for update of s skip locked
  ),
  decided as materialized (
    select l.*, l.makes and (l.overlap = 'allow' or not exists (select from (${newestOf('l.name', 't.status')}) t where ${NOT_ENDED})) as made
    from locked l
  ),
  moved as (
    update schedules s set next_at = to_timestamp(d.next / 1000), last_at = case when d.made then s.next_at else s.last_at end
    from decided d where s.name = any(array[d.name]) returning s.name
  ),
  made as (
    ${insertFrom(`(select w.*, d.caller from decided d join ${GIVEN_AS} on w.place = d.place where d.made) w`, '', 'w.caller')} returning id, service, schedule, labels
  ),
  named as (
    insert into task_labels (label, task) select named.key || '=' || named.value, made.id from made cross join lateral jsonb_each_text(made.labels) named
  )
  select moved.name, made.id, made.service from moved left join made on made.schedule = moved.name`,
})

/** Moves schedules on and makes their tasks, as far as nobody else has meanwhile. Throws a `StoreError`; what it did then it does not twice. */
export async function fireSchedules(query: Query, firings: readonly Firing[], services: Services): Promise<Fired[]> {
  const given = firings.map(({ schedule: { task } }) => ({
    task,
    key: randomUUID(),
    service: services.get(task.service),
    // As it is, under the name of the schedule: also where this node lacks the key.
    stored: task.payload,
    payloadOf: isMarked(task.payload) ? scheduleName(task.schedule ?? '') : undefined,
  }))
  return query<Fired>(FIRE.call, [
    firings.map(({ schedule }) => schedule.name),
    firings.map(({ schedule }) => schedule.nextAt),
    firings.map(({ schedule }) => schedule.revision),
    null,
    firings.map(({ nextAt }) => nextAt),
    ...Object.values(GIVEN).map(([, value]) => given.map(value)),
    firings.map(({ makes }) => makes),
  ])
}
