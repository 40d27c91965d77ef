// The one error by which the embedded Postgres says that it cannot start.

/**
 * Why, in one word. `in_use`: another node holds the data folder. `no_binaries`: none for this platform, or they do not run
 * here. `unusable_folder`: the data folder cannot be written, reached or read. `not_started`: Postgres itself gave up.
 */
export type EmbeddedFailureCode = 'in_use' | 'no_binaries' | 'unusable_folder' | 'not_started'

/** An expected end of a start. Its message is for a person: it names the fix, and carries what Postgres said. */
export class EmbeddedPostgresFailure extends Error {
  readonly code: EmbeddedFailureCode

  constructor(code: EmbeddedFailureCode, text: string, cause?: unknown) {
    super(text, cause === undefined ? undefined : { cause })
    this.name = 'EmbeddedPostgresFailure'
    this.code = code
  }
}

/** The `code` of a system error (`ENOENT`, ...), or an empty string. */
export function errno(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}

/** What this process lacks, not the folder. */
const OWN_LACK = ['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN']

/** Turns a file system's refusal about the data folder into a failure that names the fix; anything else stays as it is. */
export function folderFailure(dataDir: string, error: unknown): unknown {
  const refused = error instanceof Error && 'syscall' in error && !OWN_LACK.includes(errno(error))
  if (!refused) return error
  const text = `The data folder ${dataDir} cannot be used (${error.message}). Set DATA_DIR to a folder that this user may write, or DATABASE_URL to a Postgres.`
  return new EmbeddedPostgresFailure('unusable_folder', text, error)
}
