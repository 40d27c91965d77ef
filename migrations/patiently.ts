// How a migration runs its statements: on the tables' own schema, and without a long wait for a table that nodes are using.
import { setTimeout as passed } from 'node:timers/promises'
import type { Knex } from 'knex'

/** A statement waits so long for a lock at most; between two tries others have the table. */
const LOCK_WAIT = '1s'
const PAUSE_MS = 200
const MAX_TRIES = 100

/**
 * From now on the transaction looks at the schema of the tables alone. For a role named task_api the schema of `task_api.submit` would
 * come first. The path of a session would not do: behind a PgBouncer the next transaction may have another session.
 */
const IN_SCHEMA = `
  select set_config('search_path', quote_ident(n.nspname), true)
  from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = to_regclass('task_api_migrations')`

/** Runs statements in one transaction. Whatever makes a table, a function or a trigger goes through this. */
export async function run(knex: Knex, ...statements: readonly string[]): Promise<void> {
  await knex.transaction(async (within) => {
    for (const statement of [IN_SCHEMA, ...statements]) await within.raw(statement)
  })
}

/**
 * Runs statements in one transaction, again and again until it need not wait long for a lock: all others wait behind it. Throws after
 * 100 tries.
 */
export async function patiently(knex: Knex, ...statements: readonly string[]): Promise<void> {
  for (let tries = 1; ; tries += 1)
    try {
      return await run(knex, `set local lock_timeout = '${LOCK_WAIT}'`, ...statements)
    } catch (error) {
      if ((error as { code?: unknown }).code !== '55P03' || tries === MAX_TRIES) throw error
      await passed(PAUSE_MS)
    }
}
