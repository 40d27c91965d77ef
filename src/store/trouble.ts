// What went wrong with a statement, in the only terms that matter: may it have been applied, and is it worth a repeat?

/**
 * - `unsent`   Postgres was not reached, or refused for now: nothing was applied, a repeat may work
 * - `conflict` another statement was in the way: nothing was applied, a repeat will work
 * - `unknown`  the connection broke or went silent in mid-statement: it may have been applied
 * - `bad`      Postgres refuses these very values: no repeat will help
 * - `defect`   any other error: a fault of ours
 */
export type Trouble = 'unsent' | 'conflict' | 'unknown' | 'bad' | 'defect'

/** An error of a statement with its trouble. `cause` is pg's or knex's own error. */
export class StoreError extends Error {
  readonly trouble: Trouble

  constructor(trouble: Trouble, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause })
    this.name = 'StoreError'
    this.trouble = trouble
  }
}

// SQLSTATE classes and codes (PostgreSQL, appendix A). A backend that is told to die (57P01, 57P02) may have committed just before.
const UNKNOWN = /^(57P01|57P02|08...)$/
const UNSENT = /^(57P0[345]|53...|25006|25P0[234]|28...|3D000)$/
const CONFLICT = /^(40001|40P01|55P03|57014)$/
const BAD = /^(22...|23...|54...)$/

/** Names the trouble of an error that a statement under way ended with. No SQLSTATE: the outcome is unknown. */
export function troubleOf(error: unknown): Trouble {
  const code = sqlState(error)
  if (code === undefined || UNKNOWN.test(code)) return 'unknown'
  if (UNSENT.test(code)) return 'unsent'
  return CONFLICT.test(code) ? 'conflict' : BAD.test(code) ? 'bad' : 'defect'
}

/** The SQLSTATE of a Postgres error; undefined for anything else, as Node's own codes (ECONNRESET) are no SQLSTATEs. */
export function sqlState(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('severity' in error) || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}
