// How a node takes rows: the first that are due of each service, and those of nodes that are gone.
import { CRASHES } from '../core/crashes.ts'
import { isAction } from '../core/service.ts'
import { isTaskId, LEVELS } from '../core/task.ts'
import { ALL_LEVELS, CLAIMED, type ClaimedRow, CRASHED, EVERY_LEVEL, FROM_START, LOOK } from './claimed.ts'
import { typesOf, valuesOf } from './columns.ts'
import type { Query } from './database.ts'
import { type Routine, routineOf } from './routine.ts'
import { ALIVE, goneNodes, heldBy, UNOWNED, withId } from './sql.ts'
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

/** Of so many tasks that begin one is the longest waiting of a lower level. */
export const TURN = 10
/** How long a task of a level must have been due until it may go before higher ones. */
const PATIENCE = { [LEVELS.normal]: `interval '1 minute'`, [LEVELS.low]: `interval '10 minutes'` }

/** What to claim of one service. */
export interface Wanted {
  /** Rows at most. */
  readonly count: number
  /**
   * Rows that became due before this time are passed over, ms since 1970 by Postgres' clock, for each level; 0: none. Claimed rows leave
   * dead entries in the index. A claim that begins behind those of earlier claims need not step over them. What committed late lies up to
   * 100 ms behind the last row that was taken; what lies further back is found by a claim from 0, the default.
   */
  readonly marks?: readonly number[]
  /** Which levels to look at, as bits; default: all. */
  readonly levels?: number
  /** Whether the log keeps a try that was lost with its node; default: yes. */
  readonly logged?: boolean
  /** Where several levels wait: how many tasks have begun since the last turn of a lower level. Default: none has a turn. */
  readonly begun?: number | undefined
}

/** One claim, for several services. */
export interface ClaimQuery {
  /** In the order in which the services are served. */
  readonly wanted: ReadonlyMap<string, Wanted>
  /** How many rows in all. */
  readonly limit: number
  /** Rows that were never claimed are taken only when they have been due for this long, ms. */
  readonly grace: number
  /** Hears what else waits; without it nobody looks. */
  readonly look?: (seen: readonly Seen[]) => void
}

/** What a look has found of a service. */
export interface Seen {
  readonly service: string
  /** The levels of rows that are due, as bits. */
  readonly levels: number
  /** When the next row becomes due, ms from now; null: no row waits for its time. */
  readonly next: number | null
}

const bit = (level: number): number => 1 << level
const BEGINS = `${UNOWNED} and t.service = w.service and t.priority = arm.level and t.run_at >= arm.since and t.run_at <= arm.until
        and (t.status = 'running' or t.due_at is not null or t.run_at <= now() - $10 * interval '1 millisecond') and ${myLeaseHolds('$11')}`
const LOCKED = (most: string): string => `order by t.run_at, t.id limit ${most} for update skip locked`
const sinceMark = (level: number): string => `to_timestamp(w.marks[${level + 1}] / 1000)`
const ofLevel = (level: number): string =>
  `(${level}::smallint, ${sinceMark(level)}, now(), case when w.levels & ${bit(level)} > 0 then w.room else 0 end)`
const ofPatient = (level: keyof typeof PATIENCE, most: string): string =>
  `(${level}::smallint, ${sinceMark(level)}, now() - ${PATIENCE[level]}, ${most})`
/** Where no high task is due, normal is no lower level. */
const WHERE_HIGH = `case when w.turns > 0 and (select t.id from tasks t where ${UNOWNED} and t.service = w.service
      and t.priority = ${LEVELS.high} and t.run_at >= ${sinceMark(LEVELS.high)} and t.run_at <= now() order by t.run_at limit 1) is not null then w.turns else 0 end`
/** Locks rows of a service, one level after the other, until there are enough. */
const inOrder = (other = ''): string => `
        select t.*, arm.level + 1 as nth from (values ${ALL_LEVELS.map(ofLevel).join(', ')}) arm (level, since, until, most)
        cross join lateral (select t.id, t.run_at, ${BYTES} as bytes from tasks t where ${BEGINS} ${other} ${LOCKED('arm.most')}) t
        limit w.room`
/** The same, with the turns of lower levels spread over them. */
const IN_TURNS = `
      select array(
        select t.id from (values ${ofPatient(LEVELS.normal, WHERE_HIGH)}, ${ofPatient(LEVELS.low, 'w.turns')}) arm (level, since, until, most)
        cross join lateral (select t.id, t.run_at from tasks t where ${BEGINS} ${LOCKED('arm.most')}) t
        order by t.run_at, t.id limit w.turns
      ) as ids offset 0
    ) patient cross join lateral (
      select * from (
        select t.id, t.run_at, t.bytes, 2 * (row_number() over ()) as nth from (${inOrder('and t.id <> all (patient.ids)')}
        ) t
        union all select t.id, t.run_at, ${BYTES}, 2 * (${TURN - 1} * p.turn - w.begun) + 1
        from unnest(patient.ids) with ordinality p(id, turn) join tasks t on ${withId('p.id')}
      ) found order by nth limit w.room`

// A probe of the index for each service and level: 200,000 due rows of one dead service cost the others nothing.
// What a node that is gone holds is judged in `abandoned` and locked in `orphans`. A row that changed hands in between is locked in
// its new version, but was judged by the owner of the old one: so it must still be the claim that was judged.
// The turns of lower levels are spread over a claim: whatever cuts it short leaves one of ten. A task with a time of its own has no bell,
// so the grace is not for it.
const claimWith = (turns: boolean): Routine =>
  routineOf({
    name: turns ? 'claim_in_turns' : 'claim',
    types: [
      'uuid',
      'bigint',
      'text[]',
      'integer[]',
      'double precision[]',
      'integer[]',
      'integer[]',
      'integer',
      'boolean',
      'double precision',
      'timestamptz',
      'boolean',
      'boolean[]',
    ],
    returns: typesOf(CLAIMED),
    ordered: true,
    declared: '',
    sql: `
  return query with ${goneNodes('$9')},
  wanted as (
    select service, room, array[$5[3 * place - 2], $5[3 * place - 1], $5[3 * place]] as marks, levels, begun, logged, place
    from unnest($3, $4, $6, $7, $13) with ordinality as w(service, room, levels, begun, logged, place)
  ),
  abandoned as materialized (
    select id, token, node, room, place from (
      select held.*, w.room, w.place, row_number() over (partition by w.place order by held.id) as nth
      from gone cross join lateral (${heldBy('gone.node')}) held join wanted w on w.service = held.service
      where ${myLeaseHolds('$11')}
    ) found
    where nth <= room order by nth, place limit $8
  ),
  orphans as materialized (
    select t.id, t.run_at, t.bytes, a.room, a.place from abandoned a cross join lateral (
      select t.id, t.run_at, ${BYTES} as bytes from tasks t
      where ${withId('a.id')} and t.token = a.token and t.node is not distinct from a.node and ${ALIVE}
      for update of t skip locked
    ) t
  ),
  waiting as materialized (
    select found.*, w.room, w.place
    from (select *, case when begun is null then 0 else (begun + room) / ${TURN} end as turns from wanted order by place) w
    cross join lateral (${turns ? IN_TURNS : inOrder()}
    ) found
    limit $8
  ),
  fair as (
    select id, lost, bytes, row_number() over (order by lost desc, nth, place) as turn from (
      select id, lost, bytes, room, place, row_number() over (partition by place order by lost desc, nth, run_at, id) as nth
      from (
        select id, run_at, bytes, room, place, 0 as nth, true as lost from orphans
        union all select id, run_at, bytes, room, place, nth, false from waiting
      ) both_kinds
    ) found
    where nth <= room
    order by turn limit $8
  ),
  due as (select id, lost from (select *, sum(bytes) over (order by turn) - bytes as before from fair f) ${WITHIN_BYTES}),
  logged as (
    insert into attempts (task, step, attempt, started_at, ms, node, outcome, detail)
    select t.id, t.step, t.attempt, now(), 0, n.name, 'lost', 'The node that ran the task is gone.'
    from due cross join lateral (select * from tasks t where ${withId('due.id')} offset 0) t
      join wanted w on w.service = t.service join nodes n on n.id = t.node
    where due.lost and t.attempt > 0 and w.logged
  )
  update tasks t set ${TAKE} from due where ${withId('due.id')} returning ${valuesOf(CLAIMED)};
  if $12 then
    return query select ${valuesOf({ ...CLAIMED, ...LOOK })} from unnest($3) as w(service);
  end if;`,
  })

/** The statements: of plain tasks, which cost what they would without levels, and of those of several levels. */
export const CLAIMS = { plain: claimWith(false), inTurns: claimWith(true) } as const

/** Claims the oldest due rows of each service, and those of nodes that are gone before them. Throws a `StoreError`. */
export async function claimDue(
  query: Query,
  by: Claimant,
  { wanted, limit, grace, look }: ClaimQuery,
): Promise<ClaimedRow[]> {
  const asked = [...wanted.values()]
  const { call } = asked.some(({ begun }) => begun !== undefined) ? CLAIMS.inTurns : CLAIMS.plain
  const rows = await query<ClaimedRow>(call, [
    by.node,
    by.token,
    [...wanted.keys()],
    asked.map(({ count }) => count),
    asked.flatMap(({ marks = FROM_START }) => marks),
    asked.map(({ levels = EVERY_LEVEL }) => levels),
    asked.map(({ begun = null }) => begun),
    limit,
    by.takesOver,
    grace,
    by.validUntil ?? NEVER,
    look !== undefined,
    asked.map(({ logged = true }) => logged),
  ])
  const found = rows.filter(({ id }) => id !== null)
  // Each later statement that names such an id would fail, that of the sync among them. No request can name such an action.
  if (!found.every(({ id, action }) => isTaskId(id) && isAction(action)))
    throw new StoreError('unknown', new Error('Postgres sent an id or an action that is none'))
  look?.(
    rows.flatMap(({ id, service, level, deadline }) =>
      id === null ? [{ service, levels: level, next: deadline }] : [],
    ),
  )
  return found
}

/** Whether a claim may have left rows for want of room in bytes. */
export function isFull(rows: readonly ClaimedRow[]): boolean {
  const characters = rows.reduce((sum, { body }) => sum + body.length, 0)
  // A character has at most three bytes, so nothing small is measured.
  if (characters * 3 < CLAIM_BYTES) return false
  return rows.reduce((bytes, { body }) => bytes + Buffer.byteLength(body), 0) >= CLAIM_BYTES
}
