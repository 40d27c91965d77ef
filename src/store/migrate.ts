// Brings the schema and the functions up to date, safely when many nodes start at once and when one of them is killed in the middle.
import { readdir } from 'node:fs/promises'
import knex, { type Knex } from 'knex'
import { CLAIM, REVIVE, SWEEP } from './claims.ts'
import { ASSUMED_VERSION, guarded } from './client.ts'
import { EXPIRE } from './deadlines.ts'
import { FENCED_WRITES } from './fenced.ts'
import { FIND, INSERT, REMOVE } from './inserts.ts'
import { FAIL_UNKNOWN, FORGET_NODES, HOLDINGS } from './nodes.ts'
import { PAGES, READ } from './reads.ts'
import { StoreError, troubleOf } from './trouble.ts'

const FOLDER = new URL('../../migrations/', import.meta.url)
/** Any number that nothing else on this Postgres locks. */
const LOCK = 7_220_318_511
const TABLE = 'task_api_migrations'
const BY_ID = [INSERT, REMOVE, CLAIM, REVIVE, READ, ...Object.values(FENCED_WRITES)]
const ROUTINES = [...BY_ID, SWEEP, EXPIRE, HOLDINGS, FORGET_NODES, FAIL_UNKNOWN, FIND, ...PAGES]

interface Migration {
  readonly file: string
}

/** Names migrations without their extension, so that .ts and .js files are the same migration to knex. */
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

export const migrations: Knex.MigratorConfig = { migrationSource, tableName: TABLE }

/**
 * Migrates under a lock: one connection holds it in an open transaction while knex migrates on another, so that no session
 * state is needed. Throws a `StoreError`.
 */
export async function migrate(url: string): Promise<void> {
  const db = guarded(
    knex({
      client: 'pg',
      version: ASSUMED_VERSION,
      connection: {
        connectionString: url,
        application_name: 'task_api',
        connectionTimeoutMillis: 2_000,
      } as Knex.PgConnectionConfig,
      pool: { min: 0, max: 2 },
      acquireConnectionTimeout: 60_000,
      log: { warn() {}, error() {}, deprecate() {}, debug() {} },
      migrations,
    }),
  )
  try {
    await db.transaction(async (lock) => {
      // Another node migrates: it is waited for, but not for ever, as it may hang.
      await lock.raw(`set local lock_timeout = '30s'`)
      await lock.raw('select pg_advisory_xact_lock(?)', [LOCK])
      const { rows } = await lock.raw<{ rows: { encoding: string }[] }>(
        'select pg_encoding_to_char(encoding) as encoding from pg_database where datname = current_database()',
      )
      if (rows[0]?.encoding !== 'UTF8')
        throw new StoreError('defect', 'The database must have the encoding UTF8: payloads are kept to the byte.')
      // Under our own lock, knex's lock row can only be one that a killed node left behind.
      if (await lock.schema.hasTable(`${TABLE}_lock`)) await db.migrate.forceFreeMigrationsLock()
      await db.migrate.latest()
      await createRoutines(lock)
    })
  } catch (error) {
    if (error instanceof StoreError) throw error
    // knex says so when the schema knows a migration that we do not.
    const newer = error instanceof Error && error.message.includes('migration directory is corrupt')
    throw newer
      ? new StoreError('defect', 'The database was migrated by a newer release of task_api.')
      : new StoreError(troubleOf(error), error)
  } finally {
    await db.destroy()
  }
}

/** Creates the functions that this release calls and that are not there. */
async function createRoutines(db: Knex.Transaction): Promise<void> {
  const { rows } = await db.raw<{ rows: { name: string }[] }>(
    'select name from unnest(?::text[]) as name where to_regproc(name) is null',
    [ROUTINES.map(({ name }) => name)],
  )
  const missing = new Set(rows.map(({ name }) => name))
  for (const { name, create } of ROUTINES) if (missing.has(name)) await db.raw(create)
}
