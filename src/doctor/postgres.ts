// Checks of Postgres: the server, the schema and the rights of the role, and what others do there.
import type { Config } from '../config/config.ts'
import {
  type Answer,
  type Inspection,
  inspect,
  type LoadFacts,
  type LookFacts,
  type SchemaFacts,
  type ServerFacts,
} from '../store/inspection.ts'
import { type Checks, type Finding, fault, findingOf, judged, ok, warning } from './finding.ts'
import { mendOf, saidBy } from './mends.ts'
import { SERVERS_CHECKS } from './servers.ts'

const PLACE = { server: 'Postgres', setting: 'DATABASE_URL' }
const SLOW_MS = 100
const OLDEST_VERSION = 140_000
const CLOCK_MS = 5_000
const SHORTEST_TIMEOUT_MS = 4_000
const LONG_SECONDS = 300
/** A look at a service reads some 5 pages where nothing is dead. */
const PAGES = { look: 10, dead: 1_000 }

export const SERVER_CHECKS: Checks<ServerFacts> = {
  connection: {
    asks: 'whether Postgres can be reached with `DATABASE_URL`, lets the role in, and answers within 100 ms',
    mend: 'Put Postgres into the same network as the nodes, and look at what else runs there.',
    judge: ({ took }) => {
      const said = `Postgres answers in ${took.toFixed(1)} ms`
      return took <= SLOW_MS ? ok(said) : warning(said)
    },
  },
  version: {
    asks: 'whether it is Postgres 14 or newer',
    mend: 'Install Postgres 14 or newer.',
    judge: ({ version, release }) =>
      version >= OLDEST_VERSION ? ok(`Postgres ${release}`) : fault(`Postgres ${release} is too old`),
  },
  encoding: {
    asks: 'whether the database keeps text as UTF8',
    mend: 'Name a database with the encoding UTF8 in DATABASE_URL (createdb --encoding=UTF8 --template=template0).',
    judge: ({ encoding }) => (encoding === 'UTF8' ? ok(encoding) : fault(`the database has the encoding ${encoding}`)),
  },
  writes: {
    asks: 'whether the server takes writes: no standby, not read-only',
    mend: 'Set default_transaction_read_only off for the server, the database and the role.',
    judge: ({ standby, readOnly }) => {
      if (standby) return fault('this is a standby, and takes no writes', 'Name the primary in DATABASE_URL.')
      return readOnly ? fault('transactions are read-only (default_transaction_read_only)') : ok('it takes writes')
    },
  },
  clock: {
    asks: 'whether the clock of Postgres and the one here are less than 5 s apart',
    mend: 'Let NTP set the clocks of both machines: that of Postgres decides when tasks and schedules are due.',
    judge: ({ ahead }) => {
      const said = `the clock of Postgres is ${(Math.abs(ahead) / 1_000).toFixed(1)} s ${ahead < 0 ? 'behind' : 'ahead'}`
      return Math.abs(ahead) <= CLOCK_MS ? ok(said) : warning(said)
    },
  },
  durability: {
    asks: 'whether what was committed survives a crash of the server: `fsync`, `synchronous_commit`',
    mend: 'Set fsync on and synchronous_commit on.',
    judge: ({ fsync, commits }) => {
      const lost = fsync === 'off' ? 'fsync' : commits === 'off' ? 'synchronous_commit' : undefined
      return lost === undefined
        ? ok('commits are durable')
        : warning(`${lost} is off: a crash can lose tasks that were acknowledged`)
    },
  },
  isolation: {
    asks: 'whether transactions are `read committed`: others make statements repeat',
    mend: "Say alter role … set default_transaction_isolation = 'read committed'.",
    judge: ({ isolation }) =>
      isolation === 'read committed' ? ok(isolation) : warning(`${isolation}: some statements are sent again`),
  },
  timeout: {
    asks: 'whether `statement_timeout` leaves a statement the 4 s that a node gives it',
    mend: 'Say alter role … set statement_timeout = 0: a node cancels its statements itself.',
    judge: ({ statementTimeout: ms }) =>
      ms === 0 || ms >= SHORTEST_TIMEOUT_MS
        ? ok('statements get their time')
        : warning(`statement_timeout is ${ms} ms`),
  },
  autovacuum: {
    asks: 'whether autovacuum removes the dead rows that updates leave',
    mend: 'Set autovacuum on.',
    judge: ({ autovacuum }) => (autovacuum === 'on' ? ok('autovacuum is on') : warning('autovacuum is off')),
  },
  pooler: {
    asks: 'whether a pooler is in between: one of transactions works, one of statements does not',
    mend: 'Set pool_mode = transaction in the pooler.',
    judge: ({ pooled }) =>
      ok(pooled ? 'a pooler is in between: allow it 32 connections for each node' : 'none is in between'),
  },
}

export const SCHEMA_CHECKS: Checks<SchemaFacts & Pick<ServerFacts, 'room'>> = {
  schema: {
    asks: 'whether the role has a schema, without tables of others that are called `tasks` or `nodes`',
    mend: 'Name an empty database in DATABASE_URL, or a schema of its own for the role (alter role … set search_path).',
    judge: ({ schema, ours, found }) => {
      if (schema === null)
        return fault(
          'the role has no schema to work in',
          'Create the schema that its search_path names, or grant usage and create on it.',
        )
      const others = !ours && found.length > 0
      return others
        ? fault(`the schema ${schema} has tables of others: ${found.join(', ')}`)
        : ok(`the schema is ${schema}`)
    },
  },
  rights: {
    asks: 'whether the role may create functions, and use and change all tables',
    mend: 'Let the role of DATABASE_URL own the database, or grant it usage and create on the schema, and all on its tables and sequences.',
    judge: ({ schema, creates, owns, forbidden, ours, made, wanted }) => {
      if (schema === null) return []
      if (!creates) return fault(`the role may not create anything in the schema ${schema}`)
      if (forbidden.length > 0) return fault(`the role may not use ${forbidden.join(', ')}`)
      const pending = ours && wanted.some((name) => !made.includes(name))
      if (pending && !owns) return fault('the role does not own the tables, so it cannot migrate them')
      return ok('the role has the rights that a node needs')
    },
  },
  migrations: {
    asks: 'whether another release has migrated the database',
    mend: 'Update all nodes to this release: the first one that starts migrates.',
    judge: ({ ours, forbidden, made, wanted }) => {
      if (!ours) return ok('the first start creates the tables')
      if (forbidden.length > 0) return []
      const newer = made.filter((name) => !wanted.includes(name))
      if (newer.length > 0)
        return fault(
          `a newer release has migrated the database (${newer.join(', ')})`,
          'Install that release, or restore a backup of before it.',
        )
      const pending = wanted.filter((name) => !made.includes(name))
      return pending.length === 0
        ? ok('the tables are those of this release')
        : warning(`the database is of an older release (${pending.join(', ')} to come)`)
    },
  },
  connections: {
    asks: 'whether the role may have 30 connections for each node that runs, and 2 more',
    mend: 'Raise max_connections, or the limit of the database or the role; or put a pooler of transactions in between.',
    judge: ({ room, nodes, each }) => {
      const count = Math.max(1, nodes)
      const need = count * each + 2
      const said = `${room} connections are allowed, and ${count} ${count === 1 ? 'node' : 'nodes'} may need ${need}`
      return room < need ? warning(said) : ok(said)
    },
  },
}

export const LOAD_CHECKS: Checks<LoadFacts> = {
  transactions: {
    asks: 'whether a transaction is open for more than 5 minutes: it keeps dead rows',
    mend: 'End it (select pg_terminate_backend(PID), or rollback prepared), and set idle_in_transaction_session_timeout.',
    judge: ({ oldest }) => {
      if (oldest === null || oldest.seconds < LONG_SECONDS) return ok('no transaction that this role may see is old')
      return warning(`${oldest.who} has had a transaction open for ${oldest.seconds} s`)
    },
  },
  slots: {
    asks: 'whether a replication slot has no reader: it keeps rows and fills the disk',
    mend: 'Start its reader, or say select pg_drop_replication_slot(NAME).',
    judge: ({ slots }) =>
      slots.length === 0 ? ok('each slot has a reader') : warning(`nobody reads ${slots.join(', ')}`),
  },
  locks: {
    asks: 'whether a session has locked `tasks` against writes',
    mend: 'Let it end, or say select pg_terminate_backend(PID).',
    judge: ({ locker }) =>
      locker === null ? ok('nobody locks tasks') : fault(`session ${locker} has locked tasks: no task can be written`),
  },
  vacuum: {
    asks: 'whether autovacuum is switched off for `tasks`',
    mend: 'Say alter table tasks reset (autovacuum_enabled).',
    judge: ({ unvacuumed }) => (unvacuumed ? warning('autovacuum is off for tasks') : ok('tasks are vacuumed')),
  },
}

export const LOOK_CHECKS: Checks<LookFacts> = {
  index: {
    asks: 'how many pages a look for due tasks reads: dead entries of the index `tasks_due` lie before them',
    mend: 'End what keeps dead rows (postgres.transactions, postgres.slots), then say vacuum tasks.',
    judge: ({ pages, looks }) => {
      const said = `${pages} pages are read to look for due tasks`
      return pages > PAGES.dead + looks * PAGES.look ? warning(`${said}, as the index has many dead entries`) : ok(said)
    },
  },
}

export const ROOM_CHECKS: Checks<object> = {
  disk: {
    asks: 'whether Postgres can write a temporary file of 10 MB; the file goes at once',
    mend: 'Make room on the disk of Postgres.',
    judge: () => ok('a temporary file could be written'),
  },
}

/** Checks the Postgres of a configuration; nothing where the embedded one is used. */
export async function postgres({ databaseUrl, services }: Config): Promise<Finding[]> {
  return databaseUrl === undefined ? [] : postgresFindings(await inspect(databaseUrl, [...services.keys()]))
}

/** What Postgres answered, judged. */
export function postgresFindings({ servers, server, schema, load, look, room }: Inspection): Finding[] {
  const known = 'facts' in server ? server.facts.room : 0
  const withRoom = schema && 'facts' in schema ? { facts: { ...schema.facts, room: known } } : schema
  return [
    ...(servers ? judged('postgres', SERVERS_CHECKS, servers) : []),
    ...findings('connection', SERVER_CHECKS, server),
    ...findings('schema', SCHEMA_CHECKS, withRoom),
    ...findings('locks', LOAD_CHECKS, load),
    ...findings('index', LOOK_CHECKS, look),
    ...findings('disk', ROOM_CHECKS, room),
  ]
}

/** `name`: the check that has the fault where there was no answer. */
function findings<Facts>(name: string, checks: Checks<Facts>, answer: Answer<Facts> | undefined): Finding[] {
  if (answer === undefined) return []
  if ('facts' in answer) return judged('postgres', checks, answer.facts)
  const said = saidBy(answer.error)
  return [findingOf(`postgres.${name}`, fault(said), mendOf(said, PLACE))]
}
