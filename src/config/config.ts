// The one frozen value that a node is built from.
import type { Services } from '../core/service.ts'

/** Where everything of a node's configuration ends up. Times are milliseconds. */
export interface Config {
  readonly host: string
  /** 0: a free one. */
  readonly port: number
  /** Absent: the embedded Postgres. */
  readonly databaseUrl?: string
  /** Absent: the queue in this process. */
  readonly redisUrl?: string
  readonly redisPrefix: string
  /** Absolute path. */
  readonly dataDir: string
  readonly slots: number
  readonly drainTimeout: number
  readonly stopDelay: number
  readonly logLevel: string
  /** The services file that was read, absolute; absent: there is none, and the demo service is served. */
  readonly file?: string
  /** Empty when there is no file. */
  readonly services: Services
}
