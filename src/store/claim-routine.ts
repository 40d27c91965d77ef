// The statement of a claim: which rows it takes, in which order, and what it writes.
import { CRASHES } from '../core/crashes.ts'
import { LEVELS } from '../core/task.ts'
import { ALL_LEVELS, CLAIMED, CRASHED, LOOK } from './claimed.ts'
import { typesOf, valuesOf } from './columns.ts'
import { type Routine, routineOf } from './routine.ts'
import { ALIVE, goneNodes, heldBy, NOT_ENDED, UNOWNED, withId } from './sql.ts'

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

const myLeaseHolds = (validUntil: string): string =>
  `${validUntil}::timestamptz > now() and exists (select from nodes me where me.id = $1 and me.lease_until > now())`

/** Of so many tasks that begin one is the longest waiting of a lower level. */
export const TURN = 10
/** How long a task of a level must have been due until it may go before higher ones. */
const PATIENCE = { [LEVELS.normal]: `interval '1 minute'`, [LEVELS.low]: `interval '10 minutes'` }

const bit = (level: number): number => 1 << level
const begins = (
  other: string,
): string => `${UNOWNED} and t.service = w.service and t.priority = arm.level and t.run_at >= arm.since and t.run_at <= arm.until
        and (t.status = 'running' or t.due_at is not null or t.run_at <= now() - $10 * interval '1 millisecond') and ${myLeaseHolds('$11')} ${other}`
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
        cross join lateral (select t.id, t.run_at, ${BYTES} as bytes from tasks t where ${begins(other)} ${LOCKED('arm.most')}) t
        limit w.room`
/** The same, with the turns of lower levels spread over them. */
const inTurns = (other = ''): string => `
      select array(
        select t.id from (values ${ofPatient(LEVELS.normal, WHERE_HIGH)}, ${ofPatient(LEVELS.low, 'w.turns')}) arm (level, since, until, most)
        cross join lateral (select t.id, t.run_at from tasks t where ${begins(other)} ${LOCKED('arm.most')}) t
        order by t.run_at, t.id limit w.turns
      ) as ids offset 0
    ) patient cross join lateral (
      select * from (
        select t.id, t.run_at, t.bytes, 2 * (row_number() over ()) as nth from (${inOrder(`and t.id <> all (patient.ids) ${other}`)}
        ) t
        union all select t.id, t.run_at, ${BYTES}, 2 * (${TURN - 1} * p.turn - w.begun) + 1
        from unnest(patient.ids) with ordinality p(id, turn) join tasks t on ${withId('p.id')}
      ) found order by nth limit w.room`

/** What a claim of a limited service has beside that of others. */
export interface Granting {
  readonly name: string
  /** Types of $14, $15 … */
  readonly types: readonly string[]
  readonly declared: string
  /** Runs before the claim, and says by `allowed` how many rows it may take. */
  readonly before: string
  /** Runs behind it. */
  readonly after: string
}

const TYPES = [
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
]

/** Those that have begun and wait for their next turn come first, then others. Written so that only `tasks_granted` serves. */
const RESUMED = `
  resumed as materialized (
    select t.id, t.run_at, ${BYTES} as bytes from tasks t
    where t.service = $3[1] and t.granted is not null and not t.granted and (t.node is null) is true and ${NOT_ENDED} and t.run_at <= now() and ${myLeaseHolds('$11')}
    order by t.run_at, t.id limit allowed for update skip locked
  ),`

/**
 * Before a look: the services that have rows that nobody owns, by one probe each. So services without any cost nothing, however many a node
 * knows. Where others have more of them than are asked for, all that are asked for are looked at.
 */
const NARROW = `if $12 then
    with recursive any_waiting (service, place) as (
      (select t.service, 1 from tasks t where ${UNOWNED} order by t.service limit 1)
      union all
      select (select t.service from tasks t where ${UNOWNED} and t.service > a.service order by t.service limit 1), a.place + 1
      from any_waiting a where a.service is not null and a.place <= cardinality($3)
    )
    select case when count(a.service) > cardinality($3) then $3 else array_agg(a.service) filter (where a.service = any($3)) end
      into looked_at from any_waiting a;
  end if;`

const AFTER = `if $12 then
    return query select ${valuesOf({ ...CLAIMED, ...LOOK })} from unnest(looked_at) as w(service);
  end if;`

// A probe of the index for each service and level: 200,000 due rows of one dead service cost the others nothing.
// What a node that is gone holds is judged in `abandoned` and locked in `orphans`. A row that changed hands in between is locked in
// its new version, but was judged by the owner of the old one: so it must still be the claim that was judged.
// The turns of lower levels are spread over a claim: whatever cuts it short leaves one of ten. A task with a time of its own has no bell,
// so the grace is not for it.
/** The routine of a claim: with turns where several levels wait, with grants where the service has a limit. */
export function claimWith(turns: boolean, granting?: Granting): Routine {
  const room = granting ? 'least(room, allowed - (select count(*) from resumed))::integer as room' : 'room'
  const others = granting ? 'and t.granted is not false' : ''
  const take = granting ? `${TAKE}, granted = true` : TAKE
  return routineOf({
    name: (granting?.name ?? 'claim') + (turns ? '_in_turns' : ''),
    types: [...TYPES, ...(granting?.types ?? [])],
    returns: typesOf(CLAIMED),
    ordered: true,
    declared: granting?.declared ?? 'looked_at text[] := $3;',
    sql: `${granting?.before ?? NARROW}
  return query with ${goneNodes('$9')},${granting ? RESUMED : ''}
  wanted as (
    select service, ${room}, array[$5[3 * place - 2], $5[3 * place - 1], $5[3 * place]] as marks, levels, begun, logged, place
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
    from (select *, case when begun is null then 0 else (begun + room) / ${TURN} end as turns from wanted ${granting ? '' : 'where service = any(looked_at)'} order by place) w
    cross join lateral (${turns ? inTurns(others) : inOrder(others)}
    ) found
    limit $8
  ),
  fair as (
    select id, lost, bytes, row_number() over (order by lost desc, nth, place) as turn from (
      select id, lost, bytes, room, place, row_number() over (partition by place order by lost desc, nth, run_at, id) as nth
      from (
        select id, run_at, bytes, room, place, 0 as nth, true as lost from orphans
        union all select id, run_at, bytes, ${granting ? '$4[1]' : 'room'}, place, nth, false from waiting
        ${granting ? `union all select id, run_at, bytes, $4[1], 1, 0, false from resumed` : ''}
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
  update tasks t set ${take} from due where ${withId('due.id')} returning ${valuesOf(CLAIMED)};
  ${granting?.after ?? AFTER}`,
  })
}

/** The statements: of plain tasks, which cost what they would without levels, and of those of several levels. */
export const CLAIMS = { plain: claimWith(false), inTurns: claimWith(true) } as const
