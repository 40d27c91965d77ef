// The error of a start that failed for an expected reason.

/**
 * Why a start failed. `in_use`: another process holds the data folder. `no_binaries`: no programs for this platform, or programs
 * that do not run here. `unusable_folder`: the data folder cannot be written, reached or read. `not_started`: Postgres gave up.
 */
export type EmbeddedFailureCode = 'in_use' | 'no_binaries' | 'unusable_folder' | 'not_started'

/** An expected failure of a start. The message is for a person: the message names the fix, and quotes Postgres. */
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

/** Errors that say nothing about the folder: this process has run out of something. */
const OUT_OF_RESOURCES = ['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN']

/** Turns an error of the file system into a failure that names the data folder and the fix. Other errors stay as they are. */
export function folderFailure(dataDir: string, error: unknown): unknown {
  const refused = error instanceof Error && 'syscall' in error && !OUT_OF_RESOURCES.includes(errno(error))
  if (!refused) return error
  const text = `The data folder ${dataDir} cannot be used (${error.message}). Set DATA_DIR to a folder that this user may write, or DATABASE_URL to a Postgres.`
  return new EmbeddedPostgresFailure('unusable_folder', text, error)
}
