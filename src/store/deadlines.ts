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
const OWN_ERROR = `json_build_object('code', 'deadline_exceeded', 'detail', 'The task grew older than its deadline (' || t.deadline_ms || ' ms).')`

// The deadline of a service may change, so no row keeps when it ends by that one. A task that has not begun keeps its place in the order,
// so the oldest are the head of that index. Those that were parked are in an index by when they were first due.
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
          and t.status = 'pending' and t.deadline_ms is null and ${FIRST_DUE} <= ${CUTOFF}
        order by t.run_at, t.id limit $4 for update skip locked
      ) found
    limit $4
  ),
  parked as materialized (
    select found.id, w.place from (select * from w where w.deadline > 0 order by place) w cross join lateral (
      select t.id from tasks t where t.node is null and t.status = 'running' and t.deadline_ms is null and t.service = w.service
        and ${FIRST_DUE} <= ${CUTOFF}
      order by ${FIRST_DUE} limit $4 for update skip locked
    ) found
    limit $4
  ),
  own as materialized (
    select found.id, w.place from (select * from w order by place) w cross join lateral (
      select t.id from tasks t where ${UNOWNED} and t.deadline_ms is not null and t.service = w.service and t.expires_at <= now()
      order by t.expires_at limit $4 for update skip locked
    ) found
    limit $4
  )
  update tasks t set status = 'failed', finished_at = now(), error = case when t.deadline_ms is null then w.error else ${OWN_ERROR} end
  from (select * from oldest union all select * from parked union all select * from own) found join w on w.place = found.place
  where ${withId('found.id')} returning t.id, t.service`,
})

/** Fails waiting tasks of these services that are past their deadline, at most `3 * limit`; whoever claims one at that moment keeps it. */
export const expireTasks = (query: Query, deadlines: readonly Deadline[], limit: number): Promise<Expired[]> =>
  query<Expired>(EXPIRE.call, [
    deadlines.map(({ service }) => service),
    deadlines.map(({ deadline }) => deadline),
    deadlines.map(({ error }) => error),
    limit,
  ])
