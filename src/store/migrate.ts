// Updates the schema and the functions. Many nodes may start at once, and any of them may be killed during the update.
import { readdir } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Knex } from 'knex'
import { CLAIMS } from './claim-routine.ts'
import { ATTEMPTS } from './attempts.ts'
import { BULK_WINDOWS, RETRY_MANY } from './bulk.ts'
import { CHANGE } from './changes.ts'
import { CREATE } from './creations.ts'
import { EXPIRE } from './deadlines.ts'
import { FACTS } from './facts.ts'
import { FENCED_WRITES } from './fenced.ts'
import { GRANTS } from './grants.ts'
import { FIND, INSERT, INSERT_CALLED } from './inserts.ts'
import { FORGET_KEYS } from './keys.ts'
import { FORGET_MINUTES } from './minutes.ts'
import { ADOPT, FAIL_UNKNOWN, FORGET_NODES, HOLDINGS } from './nodes.ts'
import { FAILURE_GROUPS } from './failures.ts'
import { PAGES } from './pages.ts'
import { poolOf } from './pool.ts'
import { PURGE } from './purges.ts'
import { READ, SEES } from './reads.ts'
import { CANCEL, REMOVE } from './removals.ts'
import { RETRY_TASK } from './retries.ts'
import { REVIVE } from './revivals.ts'
import { SCHEDULE_ROUTINES } from './schedules.ts'
import { Servers } from './servers.ts'
import { SERVICES } from './services.ts'
import { StoreError } from './trouble.ts'
import { notUtf8, tablesOfOthers, whyNot } from './unusable.ts'
import { WAITING } from './waiting.ts'

const FOLDER = new URL('../../migrations/', import.meta.url)
/** Any number that nothing else on this Postgres locks. */
const LOCK = 7_220_318_511
/** Without parameters, as a statement that has some keeps its snapshot until the next one. */
const TRY_LOCK = `select pg_try_advisory_xact_lock(${LOCK}) as got`
const LOCK_LIMIT_MS = 30_000
const LOCK_PAUSE_MS = 50
/** The table in which knex notes the migrations that were made. */
export const TABLE = 'task_api_migrations'
/** Of pools whose connections are used for as long as a migration takes. */
const PATIENT = { acquireConnectionTimeout: 60_000 }
const BY_ID = [INSERT, INSERT_CALLED, REMOVE, CANCEL, REVIVE, READ, SEES, ...Object.values(FENCED_WRITES)]
const ROUTINES = [
  ...BY_ID,
  CREATE,
  RETRY_TASK,
  CHANGE,
  ATTEMPTS,
  FACTS,
  ...Object.values(CLAIMS),
  ...Object.values(GRANTS),
  EXPIRE,
  HOLDINGS,
  ADOPT,
  FORGET_NODES,
  FAIL_UNKNOWN,
  FIND,
  ...PAGES,
  ...FAILURE_GROUPS,
  FORGET_KEYS,
  PURGE,
  FORGET_MINUTES,
  SERVICES,
  ...BULK_WINDOWS,
  RETRY_MANY,
  ...SCHEDULE_ROUTINES,
  WAITING,
]

interface Migration {
  readonly file: string
}

/** Names migrations without the extension, so that knex takes the .ts and the .js file for the same migration. */
export const migrationSource: Knex.MigrationSource<Migration> = {
  async getMigrations() {
    const files = await readdir(FOLDER)
    return files
      .filter((file) => /^\d+_\w+\.[jt]s$/.test(file))
      .sort()
      .map((file) => ({ file }))
  },
  getMigrationName: ({ file }) => file.replace(/\.[jt]s$/, ''),
  getMigration: ({ file }) => import(new URL(file, FOLDER).href) as Promise<Knex.Migration>,
}

const migrations: Knex.MigratorConfig = { migrationSource, tableName: TABLE }

/** knex's settings for tables in this schema. */
const migrationsIn = (schema: string | null): Knex.MigratorConfig =>
  schema === null ? migrations : { ...migrations, schemaName: schema }

/** knex's settings for the database of a URL. */
export async function migrationsOf(url: string): Promise<Knex.MigratorConfig> {
  await using db = disposable(poolOf(new Servers(url), 1))
  return migrationsIn(await schemaOf(db))
}

/**
 * Migrates under a lock. One connection holds the lock in an open transaction while knex migrates on another connection, so that
 * no session state is needed. Throws a `StoreError`.
 */
export async function migrate(url: string): Promise<void> {
  const servers = new Servers(url)
  const db = poolOf(servers, 1, PATIENT)
  try {
    // Each statement has a snapshot of its own, which ends with that statement.
    await db.transaction(
      async (lock) => {
        await locked(lock)
        const schema = await schemaOf(lock)
        if (schema !== null) await lock.raw('set local search_path to ??', [schema])
        const { rows } = await lock.raw<{ rows: { encoding: string }[] }>(
          'select pg_encoding_to_char(encoding) as encoding from pg_database where datname = current_database()',
        )
        const { encoding = 'unknown' } = rows[0] ?? {}
        if (encoding !== 'UTF8') throw notUtf8(encoding)
        const [ours, left, ...others] = await areThere(lock, [TABLE, `${TABLE}_lock`, 'nodes', 'tasks'])
        // Checked before knex creates its own tables, because the database may belong to other software.
        if (!ours && others.some(Boolean)) throw tablesOfOthers(['nodes', 'tasks'].filter((_, i) => others[i]))
        // This node holds the advisory lock, so a lock row of knex can only be the leftover of a killed node.
        await using own = disposable(poolOf(servers, 1, { ...PATIENT, migrations: migrationsIn(schema) }))
        if (left) await own.migrate.forceFreeMigrationsLock()
        // A statement with parameters keeps its snapshot until the next one, and `create index concurrently` would wait for that.
        await lock.raw('select')
        await own.migrate.latest()
        await createRoutines(lock)
      },
      { isolationLevel: 'read committed' },
    )
  } catch (error) {
    throw whyNot(error)
  } finally {
    await db.destroy()
  }
}

/**
 * Waits until no other node migrates; throws after 30 s, as that node may hang. Asked again and again: a statement that waits has a
 * snapshot, for whose end `create index concurrently` of the other node would wait.
 */
async function locked(db: Knex.Transaction): Promise<void> {
  const end = performance.now() + LOCK_LIMIT_MS
  for (;;) {
    const { rows } = await db.raw<{ rows: { got: boolean }[] }>(TRY_LOCK)
    if (rows[0]?.got === true) return
    if (performance.now() > end) throw new StoreError('notSent', 'another node has been migrating for 30 s')
    await sleep(LOCK_PAUSE_MS)
  }
}

/**
 * The schema of the tables; null: the role has none. For a role named task_api the schema `task_api`, which migrations make for
 * `task_api.submit`, would come first, and knex would make all tables anew there.
 */
async function schemaOf(db: Knex): Promise<string | null> {
  const { rows } = await db.raw<{ rows: { schema: string | null }[] }>(
    `select coalesce((select n.nspname from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = to_regclass('${TABLE}')),
      current_schema()) as schema`,
  )
  return rows[0]?.schema ?? null
}

/** A pool that is closed when it is left. */
const disposable = (db: Knex): Knex & AsyncDisposable =>
  Object.assign(db, { [Symbol.asyncDispose]: () => db.destroy() })

/** Whether there is a relation of each name, readable or not. */
async function areThere(db: Knex.Transaction, names: string[]): Promise<boolean[]> {
  const { rows } = await db.raw<{ rows: { found: boolean }[] }>(
    'select to_regclass(name) is not null as found from unnest(?::text[]) with ordinality as w(name, place) order by place',
    [names],
  )
  return rows.map(({ found }) => found)
}

/** Creates the functions of this release that do not exist yet. */
async function createRoutines(db: Knex.Transaction): Promise<void> {
  const { rows } = await db.raw<{ rows: { name: string }[] }>(
    'select name from unnest(?::text[]) as name where to_regproc(name) is null',
    [ROUTINES.map(({ name }) => name)],
  )
  const missing = new Set(rows.map(({ name }) => name))
  for (const { name, create } of ROUTINES) if (missing.has(name)) await db.raw(create)
}
