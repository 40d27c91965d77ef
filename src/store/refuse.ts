// What callers are told when a statement of theirs failed.
import { Refusal } from '../core/refusal.ts'
import { StoreError } from './trouble.ts'

/** Turns the error of a write into a `Refusal` for the caller; bugs are thrown on. */
export function refuse(error: unknown): never {
  if (error instanceof StoreError && (error.trouble === 'notSent' || error.trouble === 'conflict'))
    throw new Refusal('unavailable', 'Postgres cannot be reached; nothing was changed.')
  if (error instanceof StoreError && error.trouble === 'unknown')
    throw new Refusal('outcome_unknown', 'The connection to Postgres broke; the change may have been made.')
  throw error
}

/** Turns the error of a read into a `Refusal`: a read changes nothing, so an unknown outcome is only `unavailable`. */
export function refuseRead(error: unknown): never {
  if (error instanceof StoreError && error.trouble !== 'rejected' && error.trouble !== 'bug')
    throw new Refusal('unavailable', 'Postgres cannot be reached.')
  throw error
}

/** Refuses a POST of which nobody knows whether it created its task. */
export function unknownCommit(): never {
  throw new Refusal('outcome_unknown', 'The connection to Postgres broke during the commit.')
}
