// Named SQL fragments that keep the planner on the right index.
//
// Postgres plans a routine once per connection and caches the plan, possibly while `tasks` is empty. A plan chosen then may scan
// the whole table later. So the fragments and settings below leave the planner only one choice: the index that the statement was
// written for. The cached plan is then right for a table of any size, and does not depend on statistics.

/**
 * The row of `tasks t` with this id. Written so that the planner can only use the primary key. With `t.id = …` it could also
 * scan the table for a join.
 * @param id an SQL expression
 */
export const withId = (id: string): string => `t.id = any(array[${id}])`

/** Whether a row of `tasks t` has not ended. Written so that no index matches it: the row must be found by its id. */
export const ALIVE = `(t.status in ('pending', 'running')) is true`

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
