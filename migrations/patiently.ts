// How a migration changes a table that nodes are using: it never waits long for the lock, since all others wait behind it.
import { setTimeout as passed } from 'node:timers/promises'
import type { Knex } from 'knex'

/** A statement waits so long for a lock at most; between two tries others have the table. */
const LOCK_WAIT = '1s'
const PAUSE_MS = 200
const MAX_TRIES = 100

/** Runs statements in one transaction, again and again until it need not wait long for a lock. Throws after 100 tries. */
export async function patiently(knex: Knex, ...statements: readonly string[]): Promise<void> {
  for (let tries = 1; ; tries += 1)
    try {
      await knex.transaction(async (within) => {
        await within.raw(`set local lock_timeout = '${LOCK_WAIT}'`)
        for (const statement of statements) await within.raw(statement)
      })
      return
    } catch (error) {
      if ((error as { code?: unknown }).code !== '55P03' || tries === MAX_TRIES) throw error
      await passed(PAUSE_MS)
    }
}
