// Named SQL fragments. Most of them keep the planner on the right index.
//
// Postgres plans a routine once per connection and caches the plan, possibly while `tasks` is empty. A plan chosen then may scan
// the whole table later. So the fragments and settings below leave the planner only one choice: the index that the statement was
// written for. The cached plan is then right for a table of any size, and does not depend on statistics.

import type { Failure } from '../core/failures.ts'
import type { Bounds } from '../core/key.ts'
import { NOT_ENDED as STATUSES } from '../core/task.ts'

/**
 * The row of `tasks t` with this id. Written so that the planner can only use the primary key. With `t.id = …` it could also
 * scan the table for a join.
 * @param id an SQL expression
 */
export const withId = (id: string): string => `t.id = any(array[${id}])`

/** A condition on rows of `tasks t`: they have not ended. */
export const NOT_ENDED = `t.status in (${STATUSES.map((status) => `'${status}'`).join(', ')})`

/** A condition on rows of `tasks t`: nobody owns them and they have not ended. It is the condition of the index `tasks_due`. */
export const UNOWNED = `t.node is null and ${NOT_ENDED}`

/**
 * A condition on rows of `tasks t`: a request is granted, and open as far as Postgres knows. Written so that with `order by t.run_at, t.id`
 * only the index `tasks_granted` serves.
 */
export const OPEN_GRANT = `t.granted is not null and t.granted and (t.node is null) is false and ${NOT_ENDED}`

/** The same as `NOT_ENDED`, written so that no index matches it: the row must be found by its id. */
export const ALIVE = `(${NOT_ENDED}) is true`

/** The CTE `gone` (node): nodes whose lease has run out. Empty unless `wanted` (SQL) holds. */
export const goneNodes = (wanted: string): string => `gone as materialized (
    select n.id as node from nodes n where ${wanted} and n.lease_until <= now()
  )`

/**
 * What a node (SQL) holds, as a subquery (id, token, node, service). `offset 0` keeps other conditions out, so that the planner can only
 * use the index of held rows. A row that is held is running, so its status need not be asked.
 */
export const heldBy = (owner: string): string =>
  `select t.id, t.token, t.node, t.service from tasks t where t.node = ${owner} offset 0`

/** The types of the two parameters that bound a caller, and their values. */
export const BOUND_TYPES = ['text', 'text[]'] as const
export const boundValues = ({ caller, services }: Bounds = {}): unknown[] => [caller ?? null, services ?? null]

/**
 * A condition on rows that have a caller and a service: they lie within the bounds.
 * @param bounds the two parameters; null does not bound
 */
export const withinBounds = (row: string, [caller, services]: readonly string[]): string =>
  `(${caller} is null or ${row}.caller = ${caller}) and (${services} is null or ${row}.service = any(${services}))`

/** A failure as an SQL literal of type json. Only for constants of the code, never for a value from outside. */
export const failureLiteral = (failure: Failure): string => `'${JSON.stringify(failure).replaceAll("'", "''")}'::json`

/** Settings of every routine: one plan for all calls, and index lookups in place of scans of the table. */
export const INDEX_LOOKUPS = [
  'plan_cache_mode = force_generic_plan',
  'enable_seqscan = off',
  'enable_hashjoin = off',
  'enable_mergejoin = off',
]

/**
 * Further settings of a routine that reads some rows in the order of an index: it must not read all rows to sort them. A sort
 * that is needed all the same looks so expensive with these settings that Postgres would compile the plan, hence `jit = off`.
 */
export const INDEX_ORDER = ['enable_sort = off', 'enable_bitmapscan = off', 'jit = off']

/** The trace of a task, as what follows from the task keeps it; the same as `traceOfTask` in core/trace.ts. */
export const traceSql = (t: string): string => {
  const id = `replace(${t}.key::text, '-', '')`
  return `coalesce(${t}.trace, '00-' || ${id} || '-' || left(${id}, 16) || '-01')`
}
