// Tasks by filters, a window at a time, the oldest first: what a change of many goes through. And the retries of many.
import { MAX_AHEAD_MS } from '../core/limits.ts'
import type { Filters } from '../core/view.ts'
import type { Query } from './database.ts'
import { type Along, ALONGS, alongOf, FILTER_TYPES, filterValues, MATCHES, windowOf } from './filters.ts'
import { type Routine, routineOf } from './routine.ts'
import { UNLESS_TAKEN } from './creations.ts'
import { carriedOf, payloadOf } from './sealed.ts'
import { NOT_ENDED, withId } from './sql.ts'

const [WINDOW, UNTIL] = [`$${FILTER_TYPES.length + 1}`, `$${FILTER_TYPES.length + 2}`]

const windowAlong = (along: Along): Routine =>
  routineOf({
    name: `window_by_${along}`,
    types: [...FILTER_TYPES, 'integer', 'bigint'],
    returns: 'id bigint, last bigint, count bigint, until bigint',
    ordered: true,
    sql: `
  with seen as materialized (${windowOf(along, 'oldest first', WINDOW, UNTIL)})
  select matching.id, looked.last, looked.count, coalesce(${UNTIL}, (select max(t.id) + 1 from tasks t)) from (select max(id) as last, count(*) from seen) looked
    left join (select id from seen where ${MATCHES}) matching on true`,
  })

const BY = Object.fromEntries(ALONGS.map((along) => [along, windowAlong(along)])) as Readonly<Record<Along, Routine>>
/** The statements that read a window. */
export const BULK_WINDOWS = Object.values(BY)

/** A window of rows that was looked at. */
export interface Window {
  /** The ids of those that match. */
  readonly ids: readonly string[]
  readonly looked: number
  /** Where the next window begins; undefined: nothing was looked at. */
  readonly last: string | undefined
  /** An id above all that there were when the first window was read; undefined: there was none. */
  readonly until: string | undefined
}

/** Where a window lies: rows after an id and below another (undefined: all that there are), at most so many. */
export interface Stretch {
  readonly after: string
  readonly until: string | undefined
  readonly most: number
}

type WindowRow = Readonly<Record<'id' | 'last' | 'until', string | null>> & { readonly count: string }

/** Looks at the rows of a stretch, the oldest first. Throws a `StoreError`. */
export async function readWindow(query: Query, filters: Filters, { after, until, most }: Stretch): Promise<Window> {
  const values = [...filterValues(after, filters), most, until ?? null]
  const rows = await query<WindowRow>(BY[alongOf(filters)].call, values)
  const [first] = rows
  const ids = rows.flatMap(({ id }) => (id === null ? [] : [id]))
  return {
    ids,
    looked: Number(first?.count ?? 0),
    last: first?.last ?? undefined,
    until: first?.until ?? undefined,
  }
}

// What has been retried is not again, nor what has not ended. One whose `unique` another task holds stays as it is. Where an open
// transaction holds it, nothing is retried, and a row without an id says so.
export const RETRY_MANY = routineOf({
  name: 'retry_many',
  types: ['bigint[]', 'double precision', 'double precision', 'text[]', 'text'],
  returns: 'id bigint, service text, place double precision, late boolean',
  settings: ['lock_timeout = 100'],
  declared: '',
  sql: `
  return query with locked as materialized (
    select t.id from unnest($1) as asked(id) join tasks t on ${withId('asked.id')}
    where not (${NOT_ENDED}) and t.retried_as is null and t.service = any($4) for update of t skip locked
  ),
  placed as (select id, $2 + row_number() over (order by id) - 1 as place from locked),
  old as materialized (
    select id, place, delay, now() + delay * interval '1 millisecond' as due
    from placed cross join lateral (select least(place * $3, ${MAX_AHEAD_MS}) as delay) begins
  ),
  made as (
    insert into tasks (key, service, action, payload, payload_of, payload_bytes, state, state_of, step, first_step, priority, run_at, due_at, deadline_ms, expires_at,
        labels, unique_key, callback, caller, retry_of)
      select gen_random_uuid(), t.service, t.action, t.payload, ${payloadOf('t')}, t.payload_bytes, case when begins.step > 0 then coalesce(t.state, t.payload) end,
        case when begins.step > 0 then ${carriedOf('t', 'coalesce(t.state, t.payload)')} end, begins.step, begins.step,
        t.priority, old.due, case when old.delay > 0 then old.due end, t.deadline_ms,
        old.due + t.deadline_ms * interval '1 millisecond', t.labels, t.unique_key, t.callback, coalesce(t.caller, $5), t.id
      from old join tasks t on ${withId('old.id')}
        cross join lateral (select case when t.status = 'failed' then t.step else 0 end as step) begins
      ${UNLESS_TAKEN} returning id, service, retry_of, labels, due_at is not null as late
  ),
  named as (
    insert into task_labels (label, task) select named.key || '=' || named.value, made.id from made cross join lateral jsonb_each_text(made.labels) named
  ),
  linked as (update tasks t set retried_as = made.id from made where ${withId('made.retry_of')})
  select made.id, made.service, old.place, made.late from made join old on old.id = made.retry_of;
  exception when lock_not_available then
    return query select null::bigint, null::text, null::double precision, null::boolean;`,
})

/** Which tasks to retry. The nth of them begins (`place` + n) · `apart` ms from now, the first as n = 0. */
export interface Many {
  readonly ids: readonly string[]
  readonly place: number
  readonly apart: number
  /** The services that this node knows: tasks of others are left out. */
  readonly services: readonly string[]
  readonly caller: string | null
}

/** A task that was made. */
export interface ManyMade {
  readonly id: string
  readonly service: string
  readonly place: number
  /** Whether it begins later. */
  readonly late: boolean
}

/** Retries tasks by new ones; those that cannot be are left out. Throws a `StoreError`. */
export async function retryMany(query: Query, many: Many): Promise<readonly ManyMade[]> {
  const { ids, place, apart, services, caller } = many
  const values = [ids, place, apart, services, caller]
  const rows = await query<ManyMade | { readonly id: null }>(RETRY_MANY.call, values)
  const made = rows.filter((row): row is ManyMade => row.id !== null)
  if (made.length === rows.length) return made
  if (ids.length <= 1) return []
  // An open transaction holds what one of them needs: halves, until that one is alone.
  const half = ids.length >> 1
  const first = await retryMany(query, { ...many, ids: ids.slice(0, half) })
  const next = placeAfter(first) ?? place
  return [...first, ...(await retryMany(query, { ...many, ids: ids.slice(half), place: next }))]
}

/** The first place that is free after tasks that were made; undefined: none was made. */
export const placeAfter = (made: readonly ManyMade[]): number | undefined =>
  made.length === 0 ? undefined : Math.max(...made.map(({ place }) => place)) + 1
