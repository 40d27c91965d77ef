// Classifies the error of a statement: may the statement have been applied, can a repeat help, can its connection be used again?
import knex from 'knex'

/**
 * - `notSent`  Postgres was not reached, or refused for now: nothing was applied, a repeat may succeed
 * - `conflict` another statement was in the way: nothing was applied, a repeat will succeed
 * - `unknown`  the connection broke or timed out during the statement: the statement may have been applied
 * - `rejected` Postgres refuses these values: no repeat will help
 * - `bug`      any other error: a bug of task_api
 */
export type Trouble = 'notSent' | 'conflict' | 'unknown' | 'rejected' | 'bug'

/**
 * What an error is about, and therefore what must not be used again:
 * - `statement`  only the statement: its connection can be used again
 * - `connection` the statement's connection
 * - `server`     all open connections: new connections may reach another server
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

/** What follows from a SQLSTATE. `refuses`: Postgres was reached and does not accept writes of this node. */
interface Verdict {
  readonly trouble: Trouble
  readonly blame: Blame
  readonly refuses?: true
}

/** It broke or hung: the server may be gone, and the other connections with it. */
const SILENT: Verdict = { trouble: 'unknown', blame: 'server' }
const OTHER: Verdict = { trouble: 'bug', blame: 'statement' }

/** By SQLSTATE, or by its class where the code has no row (PostgreSQL, appendix A). */
export const VERDICTS: Readonly<Record<string, Verdict>> = {
  '08': { trouble: 'unknown', blame: 'connection' }, // a connection failure; poolers use it for their own connections too
  '22': { trouble: 'rejected', blame: 'statement' }, // data
  '23': { trouble: 'rejected', blame: 'statement' }, // constraints
  '25006': { trouble: 'notSent', blame: 'server', refuses: true }, // read-only: a standby, or the old primary after a failover
  '25P02': { trouble: 'notSent', blame: 'connection' }, // a failed transaction, which another client of a pooler left open
  '25P03': { trouble: 'notSent', blame: 'connection' }, // likewise, a transaction that was idle for too long
  '25P04': { trouble: 'notSent', blame: 'connection' }, // likewise, a transaction that took too long
  '28': { trouble: 'notSent', blame: 'connection' }, // authorization failed
  '3D000': { trouble: 'notSent', blame: 'connection' }, // no such database
  '40001': { trouble: 'conflict', blame: 'statement' }, // a serialization failed
  '40003': { trouble: 'unknown', blame: 'connection' }, // the statement's completion is unknown
  '40P01': { trouble: 'conflict', blame: 'statement' }, // a deadlock
  '53': { trouble: 'notSent', blame: 'connection', refuses: true }, // no disk space, memory or connection left
  '54': { trouble: 'rejected', blame: 'statement' }, // a limit of Postgres
  '55P03': { trouble: 'notSent', blame: 'statement', refuses: true }, // a lock was not available
  '57014': { trouble: 'notSent', blame: 'statement', refuses: true }, // cancelled; this node cancels a statement that takes too long
  // A backend that is terminated may have committed right before.
  '57P01': { trouble: 'unknown', blame: 'connection' }, // an administrator terminated the backend
  '57P02': { trouble: 'unknown', blame: 'connection' }, // another backend crashed
  '57P03': { trouble: 'notSent', blame: 'connection' }, // Postgres is starting, stopping or recovering
  '57P04': { trouble: 'notSent', blame: 'connection' }, // the database was dropped
  '57P05': { trouble: 'notSent', blame: 'connection' }, // idle for too long
  TA003: { trouble: 'unknown', blame: 'server', refuses: true }, // committed, but not on the synchronous standby: our own code
  // No reason to wait: splitting the batch finds the row that cannot be read.
  '58': { trouble: 'bug', blame: 'connection' }, // an error of the operating system, as of a failing disk
  XX: { trouble: 'bug', blame: 'connection' }, // a bug of Postgres, or corrupted data
}

/** The error for a statement that has succeeded without the synchronous standby, which may be the primary by now. */
export const UNCONFIRMED = (): Error =>
  Object.assign(new Error('committed, but the synchronous standby has not confirmed it'), {
    severity: 'WARNING',
    code: 'TA003',
  })

/** Classifies an error with which a statement under way ended. Without a SQLSTATE the outcome is unknown. */
function verdictOf(error: unknown): Verdict {
  const code = sqlState(error)
  if (code === undefined) return SILENT
  return VERDICTS[code] ?? VERDICTS[code.slice(0, 2)] ?? OTHER
}

/** The trouble of an error with which a statement under way ended. */
export const troubleOf = (error: unknown): Trouble => verdictOf(error).trouble

/** What such an error is about. */
export const blameOf = (error: unknown): Blame => verdictOf(error).blame

/** Whether a statement was cancelled or waited for a lock too long. Postgres may accept other writes. */
export const isSlow = (error: unknown): boolean => /^(57014|55P03)$/.test(sqlState(error) ?? '')

/** Whether no connection of the pool became free in time: that says nothing about Postgres. */
export const isCrowded = (error: unknown): boolean =>
  error instanceof StoreError && error.cause instanceof knex.KnexTimeoutError

/** Whether Postgres answered that it does not accept writes of this node for now. */
export const refuses = (error: unknown): boolean => verdictOf(error).refuses === true

/** The SQLSTATE of a Postgres error; undefined for other errors. Node's own codes, as ECONNRESET, are no SQLSTATEs. */
export function sqlState(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('severity' in error) || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}
