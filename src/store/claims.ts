// How a node takes rows: the oldest that are due, those of nodes that are gone, and again what a dead thread ran.
import { CRASHES } from '../core/crashes.ts'
import { crashed } from '../core/failures.ts'
import { isAction } from '../core/service.ts'
import { isTaskId } from '../core/task.ts'
import { type Columns, type RowOf, typesOf, valuesOf } from './columns.ts'
import type { Query } from './database.ts'
import type { ClaimRef } from './fenced.ts'
import { routineOf } from './routine.ts'
import { ALIVE, failureLiteral, goneNodes, heldBy, UNOWNED, withId } from './sql.ts'
import { StoreError } from './trouble.ts'

/** Who claims, and what it may take. */
export interface Claimant {
  readonly node: string
  /** Random, 53 bits, one for each statement. */
  readonly token: number
  /** Whether rows of owners whose lease has run out may be taken. */
  readonly takesOver: boolean
  /**
   * From this time of Postgres' clock on the claim takes nothing; default: never. A statement that arrives late, after an outage, must
   * not judge leases that ran out meanwhile.
   */
  readonly validUntil?: string
}

/** How late a row may be committed, behind one that became due after it, and still be found from the mark. */
const LATE_COMMIT = `interval '100 milliseconds'`

/** What a claim returns of each row. */
const CLAIMED = {
  id: ['bigint', 't.id'],
  key: ['uuid', 't.key'],
  service: ['text', 't.service'],
  action: ['text', 't.action'],
  /** The payload of the next request. */
  body: ['json', 'coalesce(t.state, t.payload)'],
  step: ['integer', 't.step'],
  attempt: ['integer', 't.attempt'],
  fails: ['integer', 't.fails'],
  repeats: ['integer', 't.repeats'],
  crashes: ['integer', 't.crashes'],
  /** Milliseconds since the task was created. */
  age: ['double precision', '(extract(epoch from now() - t.created_at) * 1000)::double precision'],
  /** Whether the task had been lost too often, and has ended with this statement. */
  failed: ['boolean', `t.status = 'failed'`],
  /** Whether it was taken over from an owner whose lease had run out. */
  lost: ['boolean', 'due.lost'],
  /** Where the next claim of the service may begin: see `Wanted.mark`. */
  mark: [
    'double precision',
    `floor(extract(epoch from least(t.run_at, now() - ${LATE_COMMIT})) * 1000)::double precision`,
  ],
} as const satisfies Columns

/** A row that was claimed. */
export type ClaimedRow = RowOf<typeof CLAIMED>

const CRASHED = failureLiteral(crashed(CRASHES.failed))

/**
 * The payloads that one claim brings, in bytes: its answer must arrive within a statement's time limit and fit in memory. At
 * least one row comes, whatever its size.
 */
export const CLAIM_BYTES = 32 * 1024 * 1024
const BYTES = 'coalesce(octet_length(t.state::text), t.payload_bytes)'
const WITHIN_BYTES = `where before < ${CLAIM_BYTES}`

/** Sets of a claim on `t`, `due` saying whether an owner was lost: it fails at the last crash, and is the claimant's ($1, $2) otherwise. */
const TAKE = `
  status = case when due.lost and t.crashes + 1 >= ${CRASHES.failed} then 'failed' else 'running' end,
  node = case when due.lost and t.crashes + 1 >= ${CRASHES.failed} then null else $1::uuid end,
  finished_at = case when due.lost and t.crashes + 1 >= ${CRASHES.failed} then now() end,
  error = case when due.lost and t.crashes + 1 >= ${CRASHES.failed} then ${CRASHED} else t.error end,
  token = $2, attempt = t.attempt + 1, crashes = t.crashes + due.lost::integer, started_at = coalesce(t.started_at, now())`

const NEVER = 'infinity'

const myLeaseHolds = (validUntil: string): string =>
  `${validUntil}::timestamptz > now() and exists (select from nodes me where me.id = $1 and me.lease_until > now())`

/** What to claim of one service. */
export interface Wanted {
  /** Rows at most. */
  readonly count: number
  /**
   * Rows that became due before this time are passed over, ms since 1970 by Postgres' clock; 0: none. Claimed rows leave dead entries in
   * the index. A claim that begins behind those of earlier claims need not step over them. What committed late lies up to 100 ms behind
   * the last row that was taken; what lies further back is found by a claim from 0.
   */
  readonly mark: number
}

/** One claim, for several services. */
export interface ClaimQuery {
  /** In the order in which the services are served. */
  readonly wanted: ReadonlyMap<string, Wanted>
  /** How many rows in all. */
  readonly limit: number
  /** Rows that were never claimed are taken only when they have been due for this long, ms. */
  readonly grace: number
}

/** The level of a task that asks for none: 0 is high, 1 normal, 2 low. */
export const NORMAL = 1

// A probe of the index for each service: 200,000 due rows of one dead service cost the others nothing.
// What a node that is gone holds is judged in `abandoned` and locked in `orphans`. A row that changed hands in between is locked in
// its new version, but was judged by the owner of the old one: so it must still be the claim that was judged.
export const CLAIM = routineOf({
  name: 'claim',
  types: [
    'uuid',
    'bigint',
    'text[]',
    'integer[]',
    'double precision[]',
    'integer',
    'boolean',
    'double precision',
    'timestamptz',
  ],
  returns: typesOf(CLAIMED),
  ordered: true,
  sql: `
  with ${goneNodes('$7')},
  wanted as (
    select service, room, to_timestamp(mark / 1000) as since, place
    from unnest($3, $4, $5) with ordinality as w(service, room, mark, place)
  ),
  abandoned as materialized (
    select id, token, node, room, place from (
      select held.*, w.room, w.place, row_number() over (partition by w.place order by held.id) as nth
      from gone cross join lateral (${heldBy('gone.node')}) held join wanted w on w.service = held.service
      where ${myLeaseHolds('$9')}
    ) found
    where nth <= room order by nth, place limit $6
  ),
  orphans as materialized (
    select t.id, t.run_at, t.bytes, a.room, a.place from abandoned a cross join lateral (
      select t.id, t.run_at, ${BYTES} as bytes from tasks t
      where ${withId('a.id')} and t.token = a.token and t.node is not distinct from a.node and ${ALIVE}
      for update of t skip locked
    ) t
  ),
  waiting as materialized (
    select found.*, w.room, w.place from (select * from wanted order by place) w cross join lateral (
      select t.id, t.run_at, ${BYTES} as bytes from tasks t
      where ${UNOWNED} and t.service = w.service and t.priority = ${NORMAL}
        and t.run_at >= w.since and t.run_at <= now()
        and (t.status = 'running' or t.run_at <= now() - $8 * interval '1 millisecond') and ${myLeaseHolds('$9')}
      order by t.run_at, t.id limit w.room for update skip locked
    ) found
    limit $6
  ),
  fair as (
    select id, lost, bytes, row_number() over (order by lost desc, nth, place) as turn from (
      select *, row_number() over (partition by place order by lost desc, run_at, id) as nth
      from (select *, true as lost from orphans union all select *, false from waiting) both_kinds
    ) found
    where nth <= room
    order by turn limit $6
  ),
  due as (select id, lost from (select *, sum(bytes) over (order by turn) - bytes as before from fair f) ${WITHIN_BYTES})
  update tasks t set ${TAKE} from due where ${withId('due.id')} returning ${valuesOf(CLAIMED)}`,
})

/** Claims the oldest due rows of each service, and those of nodes that are gone before them. Throws a `StoreError`. */
export async function claimDue(
  query: Query,
  by: Claimant,
  { wanted, limit, grace }: ClaimQuery,
): Promise<ClaimedRow[]> {
  const rows = await query<ClaimedRow>(CLAIM.call, [
    by.node,
    by.token,
    [...wanted.keys()],
    [...wanted.values()].map(({ count }) => count),
    [...wanted.values()].map(({ mark }) => mark),
    limit,
    by.takesOver,
    grace,
    by.validUntil ?? NEVER,
  ])
  // Each later statement that names such an id would fail, that of the sync among them. No request can name such an action.
  if (rows.every(({ id, action }) => isTaskId(id) && isAction(action))) return rows
  throw new StoreError('unknown', new Error('Postgres sent an id or an action that is none'))
}

/** Whether a claim may have left rows for want of room in bytes. */
export function isFull(rows: readonly ClaimedRow[]): boolean {
  const characters = rows.reduce((sum, { body }) => sum + body.length, 0)
  // A character has at most three bytes, so nothing small is measured.
  if (characters * 3 < CLAIM_BYTES) return false
  return rows.reduce((bytes, { body }) => bytes + Buffer.byteLength(body), 0) >= CLAIM_BYTES
}

/** A claim of our own whose thread died. */
export interface Orphan extends ClaimRef {
  /** The number of its last try. */
  readonly attempt: number
}

/** What was never away from this node says nothing of the order. */
const REVIVED: Columns = { ...CLAIMED, lost: ['boolean', 'false'], mark: ['double precision', '0::double precision'] }

// The number of the try judges: where it is the next one already, an earlier revive went through and its answer was lost.
export const REVIVE = routineOf({
  name: 'revive',
  types: ['bigint[]', 'bigint[]', 'uuid[]', 'integer[]'],
  returns: typesOf(CLAIMED),
  sql: `
  with w as (select * from unnest($1, $2, $3, $4) as w(id, token, node, attempt)),
  due as materialized (
    select t.id, w.attempt + 1 as attempt, t.crashes + (t.attempt = w.attempt)::integer as crashes
    from (select * from w order by id) w join tasks t on ${withId('w.id')}
    where t.token = w.token and t.node is not distinct from w.node and ${ALIVE} and t.attempt in (w.attempt, w.attempt + 1)
    for update of t
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
export const reviveClaims = (query: Query, claims: readonly Orphan[]): Promise<ClaimedRow[]> =>
  query<ClaimedRow>(REVIVE.call, [
    claims.map(({ id }) => id),
    claims.map(({ token }) => token),
    claims.map(({ node }) => node),
    claims.map(({ attempt }) => attempt),
  ])
