// How a node takes rows: by popped ids, by sweeping, and again after a thread died with them.
import type { Query } from './database.ts'
import type { Fence } from './fenced.ts'
import { failureLiteral } from './literal.ts'
import { goneOwners, heldBy } from './owners.ts'
import { ALIVE, routineOf, withId } from './routine.ts'

/** How often a task may lose its node or thread without progress before it fails as `crashed`. */
const MAX_CRASHES = 10

/** An id that was popped from the list of a service. */
export interface Popped {
  readonly id: string
  readonly service: string
}

/** Who claims, and what it may take. */
export interface Claimant {
  readonly node: string
  /** Random, 53 bits, one for each statement. */
  readonly token: number
  /** Whether rows of owners whose lease has run out may be taken. */
  readonly takesOver: boolean
  /**
   * From this time of Postgres' clock on the claim is void; default: never. A statement that comes late, after an outage, must not
   * judge by what has become of everybody's leases meanwhile.
   */
  readonly voidFrom?: string
}

/** A row that was claimed. `failed`: it had been lost too often, and has ended with this statement. */
export interface ClaimedRow {
  readonly id: string
  readonly key: string
  readonly service: string
  readonly action: string
  /** The payload of the next request. */
  readonly body: string
  readonly step: number
  readonly attempt: number
  readonly fails: number
  readonly repeats: number
  readonly crashes: number
  /** Milliseconds since the task was created. */
  readonly age: number
  readonly failed: boolean
  /** Whether it was taken over from an owner whose lease had run out. */
  readonly lost: boolean
}

const CRASHED = failureLiteral({
  code: 'crashed',
  detail: `The task lost its node or thread ${MAX_CRASHES} times without progress.`,
})

const RETURNING = `
  returning t.id, t.key, t.service, t.action, coalesce(t.state, t.payload) as body, t.step, t.attempt, t.fails, t.repeats,
    t.crashes, (extract(epoch from now() - t.created_at) * 1000)::double precision as age, t.status = 'failed' as failed`

/**
 * The payloads that one claim brings, in bytes: its answer must arrive within a statement's time limit and fit in memory. At
 * least one row comes, whatever its size.
 */
export const CLAIM_BYTES = 32 * 1024 * 1024
const BYTES = 'coalesce(octet_length(t.state::text), t.payload_bytes)'
const WITHIN_BYTES = `where before < ${CLAIM_BYTES}`

const CLAIMED = `id bigint, key uuid, service text, action text, body json, step integer, attempt integer, fails integer, repeats integer,
  crashes integer, age double precision, failed boolean, lost boolean`

/** Sets of a claim on `t`, `due` saying whether an owner was lost: it fails at the last crash, and is the claimant's ($1, $2) otherwise. */
const TAKE = `
  status = case when due.lost and t.crashes + 1 >= ${MAX_CRASHES} then 'failed' else 'running' end,
  node = case when due.lost and t.crashes + 1 >= ${MAX_CRASHES} then null else $1::uuid end,
  finished_at = case when due.lost and t.crashes + 1 >= ${MAX_CRASHES} then now() end,
  error = case when due.lost and t.crashes + 1 >= ${MAX_CRASHES} then ${CRASHED} else t.error end,
  token = $2, attempt = t.attempt + 1, crashes = t.crashes + due.lost::integer, started_at = coalesce(t.started_at, now())`

const NEVER = 'infinity'

const myLeaseHolds = (voidFrom: string): string =>
  `${voidFrom}::timestamptz > now() and exists (select from nodes me where me.id = $1 and me.lease_until > now())`

// Judged in `seen`, locked in `due`: a row that changed hands in between is locked in its new version, but Postgres would
// judge that version by the owner that was joined to the old one. So it must still be the very claim that was judged.
export const CLAIM = routineOf({
  name: 'claim_ids',
  types: ['uuid', 'bigint', 'bigint[]', 'boolean', 'text[]', 'timestamptz'],
  returns: CLAIMED,
  sql: `
  with seen as materialized (
    select t.id, t.token, t.node
    from (select distinct * from unnest($3, $5) as w(id, service)) w
      cross join lateral (select * from tasks t where ${withId('w.id')} and t.service is not distinct from w.service offset 0) t
      left join nodes owner on owner.id = t.node
    where t.status in ('pending', 'running') and ${myLeaseHolds('$6')}
      and case when t.node is null then t.run_at <= now()
               else $4 and (owner.id is null or owner.lease_until <= now()) end
  ),
  locked as materialized (
    select seen.id, seen.node is not null as lost, t.bytes
    from (select * from seen order by id) seen cross join lateral (
      select ${BYTES} as bytes from tasks t
      where ${withId('seen.id')} and t.token = seen.token and t.node is not distinct from seen.node and ${ALIVE}
      for update skip locked
    ) t
  ),
  due as (select id, lost from (select *, sum(bytes) over (order by id) - bytes as before from locked) l ${WITHIN_BYTES})
  update tasks t set ${TAKE} from due where ${withId('due.id')} ${RETURNING}, due.lost`,
})

/** Claims those of the popped ids that are claimable now. An id in the list of another service is foreign: its room was not asked for. */
export const claimIds = (query: Query, by: Claimant, popped: readonly Popped[]): Promise<ClaimedRow[]> =>
  query<ClaimedRow>(CLAIM.call, [
    by.node,
    by.token,
    popped.map(({ id }) => id),
    by.takesOver,
    popped.map(({ service }) => service),
    by.voidFrom ?? NEVER,
  ])

/** What a sweep looks for. */
export interface SweepQuery {
  /** How many rows of each service may be taken at most; services in the order in which they are served. */
  readonly room: ReadonlyMap<string, number>
  /** How many in all. */
  readonly limit: number
  /** Pending rows are taken only when they have been due for this long, ms: until then their id is left to the queue. */
  readonly grace: number
  /** Rows that had been parked or released are taken only when they have been due for this long, ms. */
  readonly parkedGrace: number
}

// A probe of the index for each service: 200,000 due rows of one dead service cost the others nothing.
export const SWEEP = routineOf({
  name: 'claim_due',
  types: [
    'uuid',
    'bigint',
    'text[]',
    'boolean',
    'integer[]',
    'integer',
    'double precision',
    'double precision',
    'timestamptz',
  ],
  returns: CLAIMED,
  ordered: true,
  sql: `
  with recursive ${goneOwners('$4')},
  wanted as (
    select * from unnest($3, $5) with ordinality as w(service, room, place)
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
      where t.node is null and t.status in ('pending', 'running') and t.service = w.service
        and t.run_at <= now() - (case t.status when 'pending' then $7 else $8 end) * interval '1 millisecond'
        and t.run_at <= now() and ${myLeaseHolds('$9')}
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
  due as (select id, lost from (select *, sum(bytes) over (order by turn) - bytes as before from fair) f ${WITHIN_BYTES})
  update tasks t set ${TAKE} from due where ${withId('due.id')} ${RETURNING}, due.lost`,
})

/** Claims the oldest due rows of each service that has room, and those of dead nodes first. */
export const claimDue = (
  query: Query,
  by: Claimant,
  { room, limit, grace, parkedGrace }: SweepQuery,
): Promise<ClaimedRow[]> =>
  query<ClaimedRow>(SWEEP.call, [
    by.node,
    by.token,
    [...room.keys()],
    by.takesOver,
    [...room.values()],
    limit,
    grace,
    parkedGrace,
    by.voidFrom ?? NEVER,
  ])

/** A claim of our own whose thread died. */
export interface Orphan extends Fence {
  /** The number of its last try. */
  readonly attempt: number
}

// The number of the try judges: where it is the next one already, an earlier revive went through and its answer was lost.
export const REVIVE = routineOf({
  name: 'revive',
  types: ['bigint[]', 'bigint[]', 'uuid[]', 'integer[]'],
  returns: CLAIMED,
  sql: `
  with w as (select * from unnest($1, $2, $3, $4) as w(id, token, node, attempt)),
  due as materialized (
    select t.id, w.attempt + 1 as attempt, t.crashes + (t.attempt = w.attempt)::integer as crashes
    from (select * from w order by id) w join tasks t on ${withId('w.id')}
    where t.token = w.token and t.node is not distinct from w.node and ${ALIVE} and t.attempt in (w.attempt, w.attempt + 1)
    for update of t
  )
  update tasks t set
    status = case when due.crashes >= ${MAX_CRASHES} then 'failed' else t.status end,
    node = case when due.crashes >= ${MAX_CRASHES} then null else t.node end,
    finished_at = case when due.crashes >= ${MAX_CRASHES} then now() end,
    error = case when due.crashes >= ${MAX_CRASHES} then ${CRASHED} else t.error end,
    attempt = due.attempt, crashes = due.crashes
  from due where ${withId('due.id')} ${RETURNING}, false as lost`,
})

/** Takes claims of our own up again whose thread died: the next try, one crash more. Those missing are not ours any more. */
export const reviveClaims = (query: Query, claims: readonly Orphan[]): Promise<ClaimedRow[]> =>
  query<ClaimedRow>(REVIVE.call, [
    claims.map(({ id }) => id),
    claims.map(({ token }) => token),
    claims.map(({ node }) => node),
    claims.map(({ attempt }) => attempt),
  ])
