// The nodes' leases, what a node holds by Postgres' word, and what is cleared away behind nodes and services that are gone.
import type { Query } from './database.ts'
import { unknownService } from '../core/failures.ts'
import type { Callback } from '../core/task.ts'
import { TIMINGS } from '../core/timings.ts'
import { type Columns, namedValuesOf, type RowOf } from './columns.ts'
import { time } from './reads.ts'
import { routineOf } from './routine.ts'
import { failureLiteral, goneNodes, heldBy, UNOWNED, withId } from './sql.ts'

/** The services that a node knows. */
export interface Known {
  readonly services: readonly string[]
  /** The callbacks of its services, by name: those of tasks that are created by SQL. */
  readonly callbacks?: Readonly<Record<string, Callback>>
}

/** A node as its row names it. */
export interface NodeRow extends Known {
  readonly id: string
  readonly name: string
  /** The ids of its keys. */
  readonly keys?: readonly string[]
  /** Of its release. */
  readonly version?: string
}

/** A lease that was begun or extended. */
export interface Leased {
  /** Whether it had still been valid. */
  readonly held: boolean
  /** By Postgres' clock: until when statements may rely on it. */
  readonly until: string
}

/** Makes a node's row, its lease running from now for `lease` ms, of which statements may rely on `claimWindow`. */
export async function enroll(
  query: Query,
  { id, name, services, callbacks = {}, keys = [], version }: NodeRow,
  lease: number,
  claimWindow = lease,
): Promise<Leased> {
  const [row] = await query<{ until: string }>(
    `insert into nodes (id, name, services, callbacks, keys, version, lease_until, beat_at)
     values ($1, $2, $3, $6, $7, $8, now() + $4 * interval '1 millisecond', now())
     on conflict (id) do update set lease_until = excluded.lease_until
     returning now() + $5 * interval '1 millisecond' as until`,
    [id, name, services, lease, claimWindow, JSON.stringify(callbacks), keys, version ?? null],
  )
  return { held: true, until: row?.until ?? '-infinity' }
}

/** Whether a live node has the key of this id. */
export async function isKeyKnown(query: Query, key: string): Promise<boolean> {
  const rows = await query('select from nodes where lease_until > now() and $1 = any(keys) limit 1', [key])
  return rows.length > 0
}

/** How busy a node is: what others are told by its beats. */
export interface Load {
  readonly slots: number
  readonly running: number
  /**
   * By service, of those with anything under way: tasks running, requests open, and the most of these. A service that was removed
   * within the last minute is among them, so that its tasks do not fail at once.
   */
  readonly use: Readonly<Record<string, { readonly running: number; readonly open: number; readonly limit: number }>>
}

/** Extends the lease in the same way; undefined when the node's row is gone. */
export async function beat(
  query: Query,
  id: string,
  lease: number,
  claimWindow = lease,
  told?: Load & Known,
): Promise<Leased | undefined> {
  const rows = await query<Leased>(
    `with old as materialized (select id, lease_until > now() as held from nodes where id = $1)
     update nodes n set lease_until = now() + $2 * interval '1 millisecond', beat_at = now(),
       slots = coalesce($4, n.slots), running = coalesce($5, n.running), use = coalesce($6, n.use),
       services = coalesce($7, n.services), callbacks = coalesce($8, n.callbacks)
     from old where n.id = old.id
     returning old.held, now() + $3 * interval '1 millisecond' as until`,
    [
      id,
      lease,
      claimWindow,
      told?.slots ?? null,
      told?.running ?? null,
      told ? JSON.stringify(told.use) : null,
      told?.services ?? null,
      told?.callbacks ? JSON.stringify(told.callbacks) : null,
    ],
  )
  return rows[0]
}

const NODE = {
  name: ['text', 'n.name'],
  version: ['text', 'n.version', 'or null'],
  since: time('n.since'),
  // A node of the release before writes only its lease.
  beat: time(`coalesce(n.beat_at, n.lease_until - interval '${TIMINGS.lease} milliseconds')`),
  slots: ['integer', 'n.slots', 'or null'],
  running: ['integer', 'n.running', 'or null'],
} as const satisfies Columns

/** A live node as callers are shown it; null: it has not told yet. */
export type ShownNode = RowOf<typeof NODE> & { readonly services: readonly string[] }

/** Reads the live nodes, by name. Throws a `StoreError`. */
export const readNodes = (query: Query): Promise<ShownNode[]> =>
  query<ShownNode>(
    `select ${namedValuesOf(NODE)}, n.services from nodes n where n.lease_until > now() order by n.name, n.id`,
  )

/** What a node holds, and the highest id of all. */
export interface Holdings {
  readonly held: readonly { readonly id: string; readonly token: number }[]
  readonly highest: string | null
}

export const HOLDINGS = routineOf({
  name: 'holdings',
  types: ['uuid'],
  returns: 'id bigint, token bigint, highest bigint',
  ordered: true,
  sql: `
  select null::bigint as id, null::bigint as token, (select max(t.id) from tasks t) as highest
  union all select held.id, held.token, null from (${heldBy('$1')}) held`,
})

/** Reads which rows are this node's, by which token. */
export async function holdings(query: Query, node: string): Promise<Holdings> {
  const rows = await query<{ id: string | null; token: string | null; highest: string | null }>(HOLDINGS.call, [node])
  return {
    held: rows.flatMap(({ id, token }) => (id === null ? [] : [{ id, token: Number(token) }])),
    highest: rows[0]?.highest ?? null,
  }
}

/** Ends a node's lease: others may take over at once what it still holds. Its row stays. */
export async function resign(query: Query, id: string): Promise<void> {
  await query('update nodes set lease_until = now() where id = $1', [id])
}

/** Ends every lease but one: for the embedded Postgres, where the lock on DATA_DIR proves all others dead. */
export async function resignOthers(query: Query, id: string): Promise<void> {
  await query('update nodes set lease_until = now() where id <> $1 and lease_until > now()', [id])
}

export const FORGET_NODES = routineOf({
  name: 'forget_nodes',
  types: [],
  returns: 'id uuid',
  ordered: true,
  sql: `
  delete from nodes n where n.lease_until < now() - interval '1 day'
    and not exists (select from (${heldBy('n.id')}) held) returning n.id`,
})

/** Deletes nodes that have been gone for a day and that no task names. */
export async function forgetNodes(query: Query): Promise<void> {
  await query(FORGET_NODES.call)
}

// Steps from owner to owner in the index of held rows.
export const ADOPT = routineOf({
  name: 'adopt',
  types: [],
  returns: 'id uuid',
  ordered: true,
  sql: `
  with recursive owners (node) as (
    (select node from tasks where node is not null order by node limit 1)
    union all
    select (select t.node from tasks t where t.node > o.node order by t.node limit 1) from owners o where o.node is not null
  )
  insert into nodes (id, name, services, lease_until)
    select o.node, 'unknown', '{}', now() from owners o where o.node is not null and not exists (select from nodes n where n.id = o.node)
  on conflict (id) do nothing returning nodes.id`,
})

/** Gives owners of tasks that have no row one whose lease has run out, so that others take those tasks over. */
export async function adoptOwners(query: Query): Promise<void> {
  await query(ADOPT.call)
}

/** Whether a node knows a service, or did until a minute ago. */
const knows = (service: string): string => `(${service} = any(n.services) or n.use -> ${service} is not null)`

// Steps from service to service in the index of waiting rows, then adds those of rows that dead nodes hold.
export const FAIL_UNKNOWN = routineOf({
  name: 'fail_unknown',
  types: ['double precision'],
  returns: 'id bigint, service text',
  ordered: true,
  sql: `
  with recursive ${goneNodes('true')},
  waiting (service) as (
    (select t.service from tasks t where ${UNOWNED} order by t.service limit 1)
    union all
    select (select t.service from tasks t where ${UNOWNED} and t.service > w.service order by t.service limit 1)
    from waiting w where w.service is not null
  ),
  forgotten as materialized (
    select service from waiting w where service is not null and not exists (
      select from nodes n where ${knows('w.service')} and n.lease_until > now() - $1 * interval '1 millisecond')
  ),
  due as materialized (
    select found.id from forgotten f cross join lateral (
      select t.id from tasks t where ${UNOWNED} and t.service = f.service and t.created_at <= now() - $1 * interval '1 millisecond'
      limit 1000 for update skip locked
    ) found
    limit 1000
  ),
  abandoned as materialized (
    select held.id, held.node from gone cross join lateral (${heldBy('gone.node')}) held
    where not exists (
      select from nodes n where ${knows('held.service')} and n.lease_until > now() - $1 * interval '1 millisecond')
    limit 1000
  ),
  orphans as materialized (
    select locked.id from abandoned a
      cross join lateral (
        select t.id from tasks t where ${withId('a.id')} and t.node is not distinct from a.node for update skip locked
      ) locked
  )
  update tasks t set status = 'failed', node = null, finished_at = now(), error = ${failureLiteral(unknownService)}
  from (select id from due union all select id from orphans) found
  where ${withId('found.id')} returning t.id, t.service`,
})

/** Fails tasks of services that no node has known for `ms`; at most 2,000 at a time. */
export const failUnknown = (query: Query, ms: number): Promise<{ id: string; service: string }[]> =>
  query<{ id: string; service: string }>(FAIL_UNKNOWN.call, [ms])
