// Tasks that nobody holds and that have grown older than the deadline of their service.
import { NORMAL } from './claims.ts'
import type { Query } from './database.ts'
import { routineOf } from './routine.ts'
import { UNOWNED, withId } from './sql.ts'

/** A service whose tasks may grow so old. */
export interface Deadline {
  readonly service: string
  /** Milliseconds. */
  readonly deadline: number
  /** What its tasks show as their error, JSON. */
  readonly error: string
}

/** A task that was ended so. */
export interface Expired {
  readonly id: string
  readonly service: string
}

const CUTOFF = `now() - w.deadline * interval '1 millisecond'`

// Nothing is indexed by age, and 200,000 young rows may wait. A row that was never claimed is as old as its run_at, so those
// are the head of the index of waiting rows. One that was parked or released is due later than it was created: it is found
// by its id in the same index, as ids grow with age (but for statements that overlap: what one turn misses a later one finds),
// and the last id of an age is found by halving.
export const EXPIRE = routineOf({
  name: 'expire',
  types: ['text[]', 'double precision[]', 'json[]', 'integer'],
  returns: 'id bigint, service text',
  ordered: true,
  sql: `
  with recursive w as materialized (
    select * from unnest($1, $2, $3) with ordinality as w(service, deadline, error, place)
  ),
  halving (deadline, low, high) as (
    select distinct w.deadline, 0::bigint, (select coalesce(max(id), 0) from tasks) from w
    union all
    select w.deadline, case when probe.old then probe.id else w.low end, case when probe.old then w.high else middle.id - 1 end
    from halving w cross join lateral (select w.low + (w.high - w.low + 1) / 2 as id) middle left join lateral (
      select t.id, t.created_at <= ${CUTOFF} as old from tasks t where t.id between middle.id and w.high order by t.id limit 1
    ) probe on true
    where w.low < w.high
  ),
  aged as materialized (select deadline, max(low) as id from halving group by deadline),
  unclaimed as materialized (
    select found.id, w.deadline, w.error from (select * from w order by place) w cross join lateral (
      select t.id from tasks t where ${UNOWNED} and t.service = w.service and t.priority = ${NORMAL} and t.run_at <= ${CUTOFF} and t.created_at <= ${CUTOFF}
      order by t.run_at, t.id limit $4 for update skip locked
    ) found
    limit $4
  ),
  later as materialized (
    select found.id, w.deadline, w.error from w join aged on aged.deadline = w.deadline cross join lateral (
      select t.id from tasks t where ${UNOWNED} and t.service = w.service and t.priority = ${NORMAL} and t.run_at > ${CUTOFF} and t.id <= aged.id
      order by t.run_at, t.id limit $4
    ) found
    where aged.id > 0
    limit $4
  ),
  given_back as materialized (
    select t.id, w.error from later w cross join lateral (
      select t.id from tasks t where ${withId('w.id')} and ${UNOWNED} and t.created_at <= ${CUTOFF} for update of t skip locked
    ) t
  )
  update tasks t set status = 'failed', finished_at = now(), error = found.error
  from (select id, error from unclaimed union all select id, error from given_back) found
  where ${withId('found.id')} returning t.id, t.service`,
})

/** Fails waiting tasks of these services that are past their deadline, at most `2 * limit`; whoever claims one at that moment keeps it. */
export const expireTasks = (query: Query, deadlines: readonly Deadline[], limit: number): Promise<Expired[]> =>
  query<Expired>(EXPIRE.call, [
    deadlines.map(({ service }) => service),
    deadlines.map(({ deadline }) => deadline),
    deadlines.map(({ error }) => error),
    limit,
  ])
