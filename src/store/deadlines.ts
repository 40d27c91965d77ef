// Tasks that nobody holds and that have grown older than the deadline of their service.
import { ALL_LEVELS } from './claimed.ts'
import type { Query } from './database.ts'
import { routineOf } from './routine.ts'
import { UNOWNED, withId } from './sql.ts'

/** A service whose tasks may grow so old. */
export interface Deadline {
  readonly service: string
  /** Milliseconds; 0: only those with a deadline of their own end. */
  readonly deadline: number
  /** What its tasks show as their error, JSON. */
  readonly error: string
}

/** A task that was ended so. */
export interface Expired {
  readonly id: string
  readonly service: string
}

const FIRST_DUE = 'coalesce(t.due_at, t.created_at)'
const CUTOFF = `now() - w.deadline * interval '1 millisecond'`
/** When a task ends at the latest; null: never. */
const EXPIRES = `${FIRST_DUE} + coalesce(t.deadline_ms, nullif(w.deadline, 0)) * interval '1 millisecond'`
const OWN_ERROR = `json_build_object('code', 'deadline_exceeded', 'detail', 'The task grew older than its deadline (' || t.deadline_ms || ' ms).')`

// A task that is not stamped keeps its place in the order, so the oldest are the head of that index. One with a deadline or time of
// its own, and one that was parked, is stamped with the time at which it ends. The stamp only leads to the row: the deadline of a
// service may have changed since, and then the row is stamped anew.
export const EXPIRE = routineOf({
  name: 'expire',
  types: ['text[]', 'double precision[]', 'json[]', 'integer'],
  returns: 'id bigint, service text',
  ordered: true,
  sql: `
  with w as materialized (
    select * from unnest($1, $2, $3) with ordinality as w(service, deadline, error, place)
  ),
  oldest as materialized (
    select found.id, w.place from (select * from w where w.deadline > 0 order by place) w
      cross join lateral (values ${ALL_LEVELS.map((level) => `(${level}::smallint)`).join(', ')}) l(level)
      cross join lateral (
        select t.id from tasks t where ${UNOWNED} and t.service = w.service and t.priority = l.level and t.run_at <= ${CUTOFF}
          and t.expires_at is null and ${FIRST_DUE} <= ${CUTOFF}
        order by t.run_at, t.id limit $4 for update skip locked
      ) found
    limit $4
  ),
  stamped as materialized (
    select found.id, w.place from (select * from w order by place) w cross join lateral (
      select t.id from tasks t where ${UNOWNED} and t.service = w.service and t.expires_at <= now()
      order by t.expires_at limit $4 for update skip locked
    ) found
    limit $4
  ),
  judged as (
    update tasks t set
      status = case when ${EXPIRES} <= now() then 'failed' else t.status end,
      finished_at = case when ${EXPIRES} <= now() then now() end,
      error = case when ${EXPIRES} > now() or ${EXPIRES} is null then t.error when t.deadline_ms is null then w.error else ${OWN_ERROR} end,
      expires_at = ${EXPIRES}
    from (select * from oldest union all select * from stamped) found join w on w.place = found.place
    where ${withId('found.id')} returning t.id, t.service, t.status
  )
  select id, service from judged where status = 'failed'`,
})

/** Fails waiting tasks of these services that are past their deadline, at most `2 * limit`; whoever claims one at that moment keeps it. */
export const expireTasks = (query: Query, deadlines: readonly Deadline[], limit: number): Promise<Expired[]> =>
  query<Expired>(EXPIRE.call, [
    deadlines.map(({ service }) => service),
    deadlines.map(({ deadline }) => deadline),
    deadlines.map(({ error }) => error),
    limit,
  ])
