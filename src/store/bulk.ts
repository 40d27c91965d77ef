// Tasks by filters, a window at a time, the oldest first: what a change of many goes through. And the retries of many.
import type { Filters } from '../core/view.ts'
import type { Query } from './database.ts'
import { type Along, ALONGS, alongOf, FILTER_TYPES, filterValues, MATCHES, windowOf } from './filters.ts'
import { type Routine, routineOf } from './routine.ts'
import { UNLESS_TAKEN } from './creations.ts'
import { NOT_ENDED, withId } from './sql.ts'

const WINDOW = `$${FILTER_TYPES.length + 1}`

const windowAlong = (along: Along): Routine =>
  routineOf({
    name: `window_by_${along}`,
    types: [...FILTER_TYPES, 'integer'],
    returns: 'id bigint, last bigint, count bigint',
    ordered: true,
    sql: `
  with seen as materialized (${windowOf(along, 'oldest first', WINDOW)})
  select matching.id, looked.last, looked.count from (select max(id) as last, count(*) from seen) looked
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
}

/** Looks at the next `most` rows after an id, the oldest first. Throws a `StoreError`. */
export async function readWindow(query: Query, filters: Filters, after: string, most: number): Promise<Window> {
  const rows = await query<{ id: string | null; last: string | null; count: string }>(BY[alongOf(filters)].call, [
    ...filterValues(after, filters),
    most,
  ])
  const [first] = rows
  const ids = rows.flatMap(({ id }) => (id === null ? [] : [id]))
  return { ids, looked: Number(first?.count ?? 0), last: first?.last ?? undefined }
}

/** Retries tasks of `asked` (id, delay) by new ones: `made` has those. */
const retried = (asked: string, which: string): string => `
  with asked as (${asked}),
  old as materialized (
    select t.id, asked.delay, now() + asked.delay * interval '1 millisecond' as due from asked join tasks t on ${withId('asked.id')}
    where not (${NOT_ENDED}) and t.retried_as is null and t.service = any($3) and ${which} for update of t skip locked
  ),
  made as (
    insert into tasks (key, service, action, payload, payload_bytes, state, step, first_step, priority, run_at, due_at, deadline_ms, expires_at,
        labels, unique_key, callback, caller, retry_of)
      select gen_random_uuid(), t.service, t.action, t.payload, t.payload_bytes, case when begins.step > 0 then coalesce(t.state, t.payload) end, begins.step, begins.step,
        t.priority, old.due, case when old.delay > 0 then old.due end, t.deadline_ms,
        case when old.delay > 0 or t.deadline_ms is not null then old.due + coalesce(t.deadline_ms, nullif(known.deadline, 0)) * interval '1 millisecond' end,
        t.labels, t.unique_key, t.callback, $5, t.id
      from old join tasks t on ${withId('old.id')} join unnest($3, $4) as known(service, deadline) on known.service = t.service
        cross join lateral (select case when t.status = 'failed' then t.step else 0 end as step) begins
      ${UNLESS_TAKEN} returning id, service, retry_of, labels, due_at is not null as late
  ),
  named as (
    insert into task_labels (label, task) select named.key || '=' || named.value, made.id from made cross join lateral jsonb_each_text(made.labels) named
  ),
  linked as (update tasks t set retried_as = made.id from made where ${withId('made.retry_of')})`

// What has been retried is not again, nor what has not ended. One whose `unique` another task holds stays as it is, also where the
// transaction of that task is open: those with `unique` are retried one by one, without a wait.
export const RETRY_MANY = routineOf({
  name: 'retry_many',
  types: ['bigint[]', 'double precision[]', 'text[]', 'bigint[]', 'text'],
  returns: 'id bigint, service text, late boolean',
  settings: ['lock_timeout = 1000'],
  declared: `
  one record;
  fresh record;`,
  sql: `
  return query ${retried('select * from unnest($1, $2) as asked(id, delay)', 't.unique_key is null')} select id, service, late from made;
  perform set_config('lock_timeout', '1', true);
  for one in select asked.id, asked.delay from unnest($1, $2) as asked(id, delay) join tasks t on ${withId('asked.id')}
    where t.unique_key is not null order by asked.id
  loop
    begin
      ${retried('select one.id, one.delay', 't.unique_key is not null')} select id, service, late into fresh from made;
      if fresh.id is not null then
        return query select fresh.id, fresh.service, fresh.late;
      end if;
    exception when lock_not_available then null;
    end;
  end loop;`,
})

/** A task to retry, and when it begins: milliseconds from now. */
export interface ManyRetried {
  readonly id: string
  readonly delay: number
}

/** Retries tasks by new ones; those that cannot be are left out. Throws a `StoreError`. */
export const retryMany = (
  query: Query,
  asked: readonly ManyRetried[],
  deadlines: ReadonlyMap<string, number>,
  caller: string | null,
): Promise<{ readonly id: string; readonly service: string; readonly late: boolean }[]> =>
  query(RETRY_MANY.call, [
    asked.map(({ id }) => id),
    asked.map(({ delay }) => delay),
    [...deadlines.keys()],
    [...deadlines.values()],
    caller,
  ])
