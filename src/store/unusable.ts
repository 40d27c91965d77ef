// Why a node cannot use a database: one sentence that says what to do. It is logged at the start until it is done.
import { StoreError, sqlState, troubleOf } from './trouble.ts'

/** The error for a database that exists and that a node cannot use yet. Nothing was changed in the database. */
const unusable = (sentence: string, cause?: unknown): StoreError => {
  const error = new StoreError('notSent', sentence)
  error.cause = cause
  return error
}

export const notUtf8 = (encoding: string): StoreError =>
  unusable(
    `The database has the encoding ${encoding}, and payloads are kept to the byte: name one with the encoding UTF8 in DATABASE_URL.`,
  )

export const tablesOfOthers = (names: readonly string[]): StoreError =>
  unusable(
    `The database has ${names.map((name) => `a table "${name}"`).join(' and ')} that task_api did not make: name an empty database in DATABASE_URL, or a schema of its own for the role (alter role … set search_path).`,
  )

/** Part of knex's message when the schema has a migration that this release does not have. */
const NEWER_SCHEMA_ERROR = 'migration directory is corrupt'

/** Makes a `StoreError` of the error that a migration ended with. */
export function whyNot(error: unknown): StoreError {
  if (error instanceof StoreError) return error
  if (error instanceof Error && error.message.includes(NEWER_SCHEMA_ERROR))
    return unusable(
      'The database was migrated by a newer release of task_api: install that release, or restore a backup of before it.',
      error,
    )
  const sentence = SENTENCES[sqlState(error) ?? '']
  if (sentence) return unusable(sentence(said(error)), error)
  const other = new StoreError(troubleOf(error), error)
  if (sqlState(error) !== undefined) other.message = said(error)
  return other
}

/** The sentence for each SQLSTATE. */
const SENTENCES: Readonly<Record<string, (said: string) => string>> = {
  '42501': (said) =>
    `The role of DATABASE_URL lacks rights (${said}): let it own the database, or grant it usage and create on the schema, and all on its tables and sequences.`,
  '3F000': (said) =>
    `The role of DATABASE_URL has no schema to work in (${said}): create the one that its search_path names, or grant it usage and create on it.`,
}

/** Postgres' own message: knex puts the statement before it. */
function said(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return text.slice(text.lastIndexOf(' - ') + 1).replace(/^- /, '')
}
