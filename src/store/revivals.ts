// How a node takes up again what a dead thread of its own ran.
import { CRASHES } from '../core/crashes.ts'
import { CLAIMED, type StoredRow, CRASHED } from './claimed.ts'
import { type Columns, typesOf, valuesOf } from './columns.ts'
import type { Query } from './database.ts'
import type { ClaimRef } from './fenced.ts'
import { routineOf } from './routine.ts'
import { ALIVE, withId } from './sql.ts'

/** A claim of our own whose thread died. */
export interface Orphan extends ClaimRef {
  /** The number of its last try. */
  readonly attempt: number
  /** Whether the log keeps the try that was lost; default: yes. */
  readonly logged?: boolean
}

/** What was never away from this node says nothing of the order. */
const REVIVED: Columns = {
  ...CLAIMED,
  lost: ['boolean', 'false'],
  granted: ['boolean', 'false'],
  mark: ['double precision', '0::double precision'],
}

// The number of the try judges: where it is the next one already, an earlier revive went through and its answer was lost.
export const REVIVE = routineOf({
  name: 'revive',
  types: ['bigint[]', 'bigint[]', 'uuid[]', 'integer[]', 'boolean[]'],
  returns: typesOf(CLAIMED),
  sql: `
  with w as (select * from unnest($1, $2, $3, $4, $5) as w(id, token, node, attempt, logged)),
  due as materialized (
    select t.id, w.logged, w.attempt + 1 as attempt, t.crashes + (t.attempt = w.attempt)::integer as crashes
    from (select * from w order by id) w join tasks t on ${withId('w.id')}
    where t.token = w.token and t.node is not distinct from w.node and ${ALIVE} and t.attempt in (w.attempt, w.attempt + 1)
    for update of t
  ),
  logged as (
    insert into attempts (task, step, attempt, started_at, ms, node, outcome, detail)
    select t.id, t.step, t.attempt, now(), 0, n.name, 'lost', 'The thread that ran the task has died.'
    from due join tasks t on ${withId('due.id')} left join nodes n on n.id = t.node where due.logged and due.attempt = t.attempt + 1
  )
  update tasks t set
    status = case when due.crashes >= ${CRASHES.failed} then 'failed' else t.status end,
    node = case when due.crashes >= ${CRASHES.failed} then null else t.node end,
    finished_at = case when due.crashes >= ${CRASHES.failed} then now() end,
    error = case when due.crashes >= ${CRASHES.failed} then ${CRASHED} else t.error end,
    attempt = due.attempt, crashes = due.crashes
  from due where ${withId('due.id')} returning ${valuesOf(REVIVED)}`,
})

/** Takes claims of our own up again whose thread died: the next try, one crash more. Those missing are not ours any more. */
export const reviveClaims = (query: Query, claims: readonly Orphan[]): Promise<StoredRow[]> =>
  query<StoredRow>(REVIVE.call, [
    claims.map(({ id }) => id),
    claims.map(({ token }) => token),
    claims.map(({ node }) => node),
    claims.map(({ attempt }) => attempt),
    claims.map(({ logged = true }) => logged),
  ])
