// The configuration of a node, as one frozen value.
import type { Keys } from '../core/key.ts'
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
  /** Base64 of 32 bytes each, the first encrypts; absent: nothing is encrypted. */
  readonly encryptionKeys?: readonly string[]
  /** The services file that was read, absolute; absent: there is none, and the demo service is served. */
  readonly file?: string
  /** Empty when there is no file. */
  readonly services: Services
  /** The callers' keys; empty: everybody may do everything. */
  readonly keys: Keys
  /** What the services file says for all services. */
  readonly retention: Retention
}
