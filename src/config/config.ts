// The configuration of a node, as one frozen value.
import type { Retention, Services } from '../core/service.ts'

/** The configuration of a node. Times are milliseconds. */
export interface Config {
  readonly host: string
  /** 0: any free port. */
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
  readonly idempotencyWindow: number
  readonly logLevel: string
  /** The services file that was read, absolute; absent: there is none, and the demo service is served. */
  readonly file?: string
  /** Empty when there is no file. */
  readonly services: Services
  /** What the services file says for all services. */
  readonly retention: Retention
}
