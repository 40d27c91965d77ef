// Asks a Postgres what a node needs to know before it can use it. Only reads.
import { postgresServers } from '../core/postgres-url.ts'
import type { Client } from './client.ts'
import { MOST_CONNECTIONS } from './connections.ts'
import { migrationSource, TABLE } from './migrate.ts'
import { ANSWER_TIMEOUT_MS, clientOf, first, type ServerSeen, seen } from './seen.ts'
import { UNOWNED } from './sql.ts'
import { sqlState } from './trouble.ts'

/** The server, and what holds for this role. */
export interface ServerFacts {
  /** As 140005. */
  readonly version: number
  readonly release: string
  readonly encoding: string
  readonly standby: boolean
  readonly readOnly: boolean
  readonly isolation: string
  readonly fsync: string
  readonly commits: string
  readonly autovacuum: string
  /** ms; 0: none. */
  readonly statementTimeout: number
  /** How many connections this role may have: the least of three limits. */
  readonly room: number
  /** How long the question took, ms. */
  readonly took: number
  /** How far its clock is ahead of the one here, ms. */
  readonly ahead: number
  /** Whether the backend is another one than that of the connection. */
  readonly pooled: boolean
}

/** The schema, and what the role may do in it. */
export interface SchemaFacts {
  /** Null: the role has none. */
  readonly schema: string | null
  /** Whether the tables of task_api are there. */
  readonly ours: boolean
  readonly creates: boolean
  readonly owns: boolean
  /** Tables that are called as ours are. */
  readonly found: readonly string[]
  /** Tables and sequences that the role may not use. */
  readonly forbidden: readonly string[]
  /** The migrations that were made, and those that this release has. */
  readonly made: readonly string[]
  readonly wanted: readonly string[]
  /** Nodes that run now. */
  readonly nodes: number
  /** Connections that one node may open. */
  readonly each: number
}

/** What others do. */
export interface LoadFacts {
  /** The oldest transaction of others. */
  readonly oldest: { readonly who: string; readonly seconds: number } | null
  /** Replication slots that nobody reads. */
  readonly slots: readonly string[]
  /** A session that keeps others from writing to `tasks`. */
  readonly locker: number | null
  readonly unvacuumed: boolean
}

/** How many pages were read to look `looks` times for a due row. */
export interface LookFacts {
  readonly pages: number
  readonly looks: number
}

/** What Postgres answered, or the error. */
export type Answer<Facts> = { readonly facts: Facts } | { readonly error: unknown }

/** The answers; those after a broken connection are missing. */
export interface Inspection {
  /** Absent: the URL names one server. The other answers are those of the primary, or of the first server without one. */
  readonly servers?: readonly ServerSeen[]
  readonly server: Answer<ServerFacts>
  readonly schema?: Answer<SchemaFacts>
  readonly load?: Answer<LoadFacts>
  readonly look?: Answer<LookFacts>
  readonly room?: Answer<object>
}

const SERVER = `
select current_setting('server_version_num')::int as version, current_setting('server_version') as release,
  pg_encoding_to_char(d.encoding) as encoding, pg_is_in_recovery() as standby,
  current_setting('default_transaction_read_only') = 'on' as "readOnly",
  current_setting('default_transaction_isolation') as isolation,
  current_setting('fsync') as fsync, current_setting('synchronous_commit') as commits,
  current_setting('autovacuum') as autovacuum,
  (select setting::int from pg_settings where name = 'statement_timeout') as "statementTimeout",
  least(nullif(d.datconnlimit, -1), nullif(r.rolconnlimit, -1), current_setting('max_connections')::int
    - current_setting('superuser_reserved_connections')::int
    - coalesce(current_setting('reserved_connections', true)::int, 0)) as room,
  extract(epoch from clock_timestamp())::float8 * 1000 as clock, pg_backend_pid() as pid
from pg_database d, pg_roles r where d.datname = current_database() and r.rolname = current_user`

const SCHEMA = `
select n.nspname::text as schema, m.oid is not null as ours,
  coalesce(has_schema_privilege(n.oid, 'create'), false) as creates, coalesce(pg_has_role(m.relowner, 'usage'), true) as owns,
  array(select name from unnest(array['nodes', 'tasks']) as name where to_regclass(name) is not null) as found,
  array(select t.relname::text from pg_class t
    where t.relnamespace = m.relnamespace and t.relowner = m.relowner and case t.relkind
      when 'r' then not (has_table_privilege(t.oid, 'select') and has_table_privilege(t.oid, 'insert')
        and has_table_privilege(t.oid, 'update') and has_table_privilege(t.oid, 'delete'))
      when 'S' then not has_sequence_privilege(t.oid, 'usage') else false end
    order by 1) as forbidden
from (values (to_regclass('${TABLE}')::oid)) as it (oid)
  left join pg_class m on m.oid = it.oid
  left join pg_namespace n on n.oid = m.relnamespace or (m.oid is null and n.nspname = current_schema())`

const USE = `
select array(select name::text from ${TABLE} order by id) as made,
  (select count(*)::int from nodes where lease_until > now()) as nodes`

const LOAD = `
select (select json_build_object('who', o.who, 'seconds', o.seconds) from (
    select 'session ' || pid || coalesce(' of ' || nullif(application_name, ''), '') as who, extract(epoch from now() - xact_start)::int as seconds
    from pg_stat_activity
    where pid <> pg_backend_pid() and xact_start is not null and backend_type not like 'autovacuum%'
      and (datname = current_database() or datname is null)
    union all
    select 'prepared transaction ' || gid, extract(epoch from now() - prepared)::int from pg_prepared_xacts
    where database = current_database()
  ) o order by o.seconds desc limit 1) as oldest,
  array(select slot_name::text from pg_replication_slots where not active order by 1) as slots,
  (select min(pid) from pg_locks where relation = to_regclass('tasks') and granted and pid <> pg_backend_pid()
    and database = (select oid from pg_database where datname = current_database())
    and mode in ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')) as locker,
  exists(select from pg_class where oid = to_regclass('tasks')
    and array_to_string(reloptions, ',') ~ 'autovacuum_enabled=(false|off|0|no)') as unvacuumed`

/** The look of a full pass: the first due row of each service and level. The pages say how many dead entries lie before it. */
const LOOK = `
explain (analyze, buffers, timing off, costs off, format json)
select (select t.id from tasks t where t.service = s.name and t.priority = level and ${UNOWNED} order by t.run_at, t.id limit 1)
from unnest($1::text[]) as s (name) cross join generate_series(0, 2) as level`
const LEVELS = 3

/** Postgres writes this to a temporary file of some 10 MB, which it removes at once. */
const ROOM = 'select count(*) from generate_series(1, 500000)'

/** Nothing that this asks for changes anything, and nothing waits for long. The other settings are those of claims, and of `ROOM`. */
const BEGIN = `begin isolation level read committed read only; set local statement_timeout = ${ANSWER_TIMEOUT_MS};
  set local lock_timeout = 1000; set local enable_seqscan = off; set local enable_bitmapscan = off; set local work_mem = 64`

/** Asks the Postgres of a URL. Never throws, and each question has a time limit. */
export async function inspect(url: string, services: readonly string[]): Promise<Inspection> {
  const { urls } = postgresServers(url)
  if (urls.length === 1) return inspectOne(url, services)
  const servers = await Promise.all(urls.map(seen))
  const best = servers.findIndex(({ is }) => is === 'primary')
  return { servers, ...(await inspectOne(urls[Math.max(0, best)] ?? url, services)) }
}

/** Asks one server, over one connection. */
async function inspectOne(url: string, services: readonly string[]): Promise<Inspection> {
  const client = clientOf(url)
  try {
    const server = await answered(async () => {
      await client.connect()
      return serverFacts(client)
    })
    if ('error' in server) return { server }
    const schema = await answered(() => schemaFacts(client))
    if (isBroken(schema)) return { server, schema }
    const load = await answered(async () => first<LoadFacts>(await asked(client, LOAD)))
    if (isBroken(load)) return { server, schema, load }
    const usable = 'facts' in schema && schema.facts.ours && !schema.facts.forbidden.includes('tasks')
    const look = usable ? { look: await answered(() => lookFacts(client, services)) } : {}
    return { server, schema, load, ...look, room: await answered(async () => first(await asked(client, ROOM))) }
  } finally {
    client.drop()
  }
}

async function serverFacts(client: Client): Promise<ServerFacts> {
  const [sent, begun] = [Date.now(), performance.now()]
  const { rows } = await client.query<ServerFacts & { clock: number; pid: number }>(SERVER)
  const took = performance.now() - begun
  const { clock, pid, ...facts } = first(rows)
  return { ...facts, took, ahead: clock - (sent + took / 2), pooled: pid !== client.backend }
}

async function schemaFacts(client: Client): Promise<SchemaFacts> {
  const facts = first<SchemaFacts>(await asked(client, SCHEMA))
  const usable = facts.ours && facts.found.includes('nodes') && facts.forbidden.length === 0
  const use = usable ? first<Pick<SchemaFacts, 'made' | 'nodes'>>(await asked(client, USE)) : { made: [], nodes: 0 }
  const wanted = (await migrationSource.getMigrations([])).map((one) => migrationSource.getMigrationName(one))
  return { ...facts, ...use, wanted, each: MOST_CONNECTIONS }
}

async function lookFacts(client: Client, services: readonly string[]): Promise<LookFacts> {
  const rows = await asked<{ 'QUERY PLAN': [{ Plan: Record<string, number> }] }>(client, LOOK, [services])
  const { Plan: plan } = first(rows)['QUERY PLAN'][0]
  const pages = (plan['Shared Hit Blocks'] ?? 0) + (plan['Shared Read Blocks'] ?? 0)
  return { pages, looks: services.length * LEVELS }
}

/** Asks in a transaction that can only read. */
async function asked<Row extends object>(client: Client, sql: string, values?: unknown[]): Promise<Row[]> {
  await client.query(BEGIN)
  try {
    return (await client.query<Row>(sql, values)).rows
  } finally {
    await client.query('rollback')
  }
}

const answered = <Facts>(question: () => Promise<Facts>): Promise<Answer<Facts>> =>
  question().then(
    (facts) => ({ facts }),
    (error: unknown) => ({ error }),
  )

/** Whether no further question has a chance. */
const isBroken = (answer: Answer<unknown>): boolean =>
  'error' in answer && /^(08|57|$)/.test(sqlState(answer.error) ?? '') && sqlState(answer.error) !== '57014'
