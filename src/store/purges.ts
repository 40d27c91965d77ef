// Deletes tasks that ended long ago, the oldest of each service and status first.
import type { Retained } from '../core/retention.ts'
import type { Query } from './database.ts'
import { routineOf } from './routine.ts'
import { withId } from './sql.ts'

/** So many services are looked for that the node does not know; with more, those with the last names come first. */
const MOST_OTHERS = 1_000

// Backward: the newest of a service is there for long, so no entries of purged tasks lie in the way.
const LAST = 'order by t.service desc, t.status desc, t.finished_at desc limit 1'

// The services that have ended tasks are found by one look each. The groups, a service and a status, come in any order: a group with very
// many rows keeps no other waiting for long. Rows before the mark of a group were deleted, and their entries in the index may still be there.
// A row that somebody has locked is being retried or deleted: it is found by a later look.
export const PURGE = routineOf({
  name: 'purge',
  types: ['uuid', 'double precision', 'jsonb', 'jsonb', 'jsonb', 'integer'],
  returns: 'service text, status text, count bigint, last text',
  ordered: true,
  settings: ['enable_incremental_sort = off'],
  declared: '',
  sql: `
  update retention r set node = $1, turn_until = now() + $2 * interval '1 millisecond' where r.node = $1 or r.turn_until <= now();
  if not found then return; end if;
  return query with recursive ended (service, place) as (
    (select t.service, 1 from tasks t where t.finished_at is not null ${LAST})
    union all
    select below.service, ended.place + 1 from ended cross join lateral (
      select t.service from tasks t where t.finished_at is not null and t.service < ended.service ${LAST}
    ) below where ended.place < ${MOST_OTHERS}
  ),
  kept as materialized (
    select named.service, s.status, (coalesce($3 -> named.service, $4) ->> s.status)::double precision * interval '1 millisecond' as age
    from (select ended.service from ended union select jsonb_object_keys($3)) named (service)
      cross join (values ('complete'), ('failed')) s (status)
    order by random()
  ),
  old as materialized (
    select found.id from (select * from kept where age > interval '0') kept cross join lateral (
      select t.id from tasks t where t.service = kept.service and t.status = kept.status and t.finished_at <= now() - kept.age
        and t.finished_at >= coalesce(($5 ->> (kept.status || ' ' || kept.service))::timestamptz, '-infinity')
      order by t.finished_at limit $6 for update skip locked
    ) found
    limit $6
  ),
  gone as (delete from tasks t using old where ${withId('old.id')} returning t.service, t.status, t.finished_at)
  select gone.service, gone.status, count(*), max(gone.finished_at)::text from gone group by gone.service, gone.status;`,
})

/** Which tasks to delete, and by whom. */
export interface Purge {
  /** The node that asks; another one that has the turn keeps it for `turn` ms from its last statement. */
  readonly node: string
  readonly turn: number
  readonly retained: Retained
  /** When the last that was deleted had ended, by status and service. */
  readonly marks: Readonly<Record<string, string>>
  readonly most: number
}

/** Tasks of a service, ended in one way, that were deleted. */
export interface Purged {
  readonly service: string
  readonly status: 'complete' | 'failed'
  readonly count: number
  /** When the last of them had ended. */
  readonly last: string
}

/** The name of the mark of a service and a status. */
export const markOf = ({ service, status }: Pick<Purged, 'service' | 'status'>): string => `${status} ${service}`

/** Deletes ended tasks, at most so many; none where another node has the turn. Throws a `StoreError`. */
export async function purge(query: Query, { node, turn, retained, marks, most }: Purge): Promise<readonly Purged[]> {
  const texts = [retained.services, retained.others, marks].map((value) => JSON.stringify(value))
  const rows = await query<Purged & { readonly count: string }>(PURGE.call, [node, turn, ...texts, most])
  return rows.map((row) => ({ ...row, count: Number(row.count) }))
}

/** Whether this database has the defaults of the retention. Throws a `StoreError`. */
export async function retainsByDefault(query: Query): Promise<boolean> {
  const [row] = await query<{ by_default: boolean }>('select by_default from retention')
  return row?.by_default ?? false
}
