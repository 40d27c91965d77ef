// What went wrong with a statement, in the only terms that matter: may it have been applied, is it worth a repeat, and is its connection?

/**
 * - `notSent`  Postgres was not reached, or refused for now: nothing was applied, a repeat may work
 * - `conflict` another statement was in the way: nothing was applied, a repeat will work
 * - `unknown`  the connection broke or went silent in mid-statement: it may have been applied
 * - `rejected` Postgres refuses these very values: no repeat will help
 * - `bug`      any other error: a fault of ours
 */
export type Trouble = 'notSent' | 'conflict' | 'unknown' | 'rejected' | 'bug'

/**
 * What an error is about, and so what is not used again:
 * - `statement`  nothing else: its connection is good
 * - `connection` the connection that said it
 * - `server`     every connection that is open: new ones may reach another server
 */
export type Blame = 'statement' | 'connection' | 'server'

/** An error of a statement with its trouble. `cause` is pg's or knex's own error. */
export class StoreError extends Error {
  readonly trouble: Trouble

  constructor(trouble: Trouble, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause })
    this.name = 'StoreError'
    this.trouble = trouble
  }
}

/** What follows from a SQLSTATE. `refuses`: Postgres is there, and does not let this node write. */
interface Verdict {
  readonly trouble: Trouble
  readonly blame: Blame
  readonly refuses?: true
}

const SILENT: Verdict = { trouble: 'unknown', blame: 'connection' }
const OTHER: Verdict = { trouble: 'bug', blame: 'statement' }

/** By SQLSTATE, or by its class where the code has no row (PostgreSQL, appendix A). */
export const VERDICTS: Readonly<Record<string, Verdict>> = {
  '08': { trouble: 'unknown', blame: 'connection' }, // the connection; also what a pooler says of its own
  '22': { trouble: 'rejected', blame: 'statement' }, // data
  '23': { trouble: 'rejected', blame: 'statement' }, // constraints
  '25006': { trouble: 'notSent', blame: 'server', refuses: true }, // read-only: a standby, or a primary of before a failover
  '25P02': { trouble: 'notSent', blame: 'connection' }, // a transaction that somebody else left behind has failed
  '25P03': { trouble: 'notSent', blame: 'connection' }, // so has one that was idle
  '25P04': { trouble: 'notSent', blame: 'connection' }, // or that took too long
  '28': { trouble: 'notSent', blame: 'connection' }, // not let in
  '3D000': { trouble: 'notSent', blame: 'connection' }, // no such database
  '40001': { trouble: 'conflict', blame: 'statement' }, // a serialization failed
  '40003': { trouble: 'unknown', blame: 'connection' }, // the statement's completion is unknown
  '40P01': { trouble: 'conflict', blame: 'statement' }, // a deadlock
  '53': { trouble: 'notSent', blame: 'connection', refuses: true }, // no room on disk, no memory, no connection left
  '54': { trouble: 'rejected', blame: 'statement' }, // a limit of Postgres
  '55P03': { trouble: 'notSent', blame: 'statement', refuses: true }, // a lock was not to be had
  '57014': { trouble: 'notSent', blame: 'statement', refuses: true }, // cancelled, by us when it takes too long
  // A backend that is told to die may have committed just before.
  '57P01': { trouble: 'unknown', blame: 'connection' }, // an administrator ended it
  '57P02': { trouble: 'unknown', blame: 'connection' }, // another backend crashed
  '57P03': { trouble: 'notSent', blame: 'connection' }, // Postgres starts, stops or recovers
  '57P04': { trouble: 'notSent', blame: 'connection' }, // the database was dropped
  '57P05': { trouble: 'notSent', blame: 'connection' }, // idle for too long
  // A row that cannot be read is found by splitting its batch, so these are no reason to wait.
  '58': { trouble: 'bug', blame: 'connection' }, // the operating system, as a disk that fails
  XX: { trouble: 'bug', blame: 'connection' }, // a defect of Postgres, or corrupted data
}

/** Judges an error that a statement under way ended with. No SQLSTATE: the outcome is unknown. */
function verdictOf(error: unknown): Verdict {
  const code = sqlState(error)
  if (code === undefined) return SILENT
  return VERDICTS[code] ?? VERDICTS[code.slice(0, 2)] ?? OTHER
}

/** Names the trouble of an error that a statement under way ended with. */
export const troubleOf = (error: unknown): Trouble => verdictOf(error).trouble

/** Says what such an error is about. */
export const blameOf = (error: unknown): Blame => verdictOf(error).blame

/** Whether Postgres answered so that it does not let this node write for now. */
/** Whether a statement was cancelled, or had waited for a lock too long: it may have been slow by itself. */
export const isSlow = (error: unknown): boolean => /^(57014|55P03)$/.test(sqlState(error) ?? '')

export const refuses = (error: unknown): boolean => verdictOf(error).refuses === true

/** The SQLSTATE of a Postgres error; undefined for anything else, as Node's own codes (ECONNRESET) are no SQLSTATEs. */
export function sqlState(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('severity' in error) || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}
