// The connections of a node to Postgres: a pool for each purpose, and what their statements say of the health of Postgres.
import { Refusal } from '../core/refusal.ts'
import type { Log } from '../telemetry/log.ts'
import { Meters } from '../telemetry/meters.ts'
import { Database, type Query } from './database.ts'
import { Health, PROBE } from './health.ts'
import type { Asks } from './idempotent.ts'
import { MOST_READ_BACKS, tryInsert } from './inserts.ts'
import { type Keys, type Seals, sealsOf } from './seal.ts'
import { Turns } from './turns.ts'
import { isCrowded, isSlow, StoreError } from './trouble.ts'
import { Servers } from './servers.ts'

/**
 * Connections of each pool. For writes: one for each kind that may be in flight. Reads have a pool of their own, so that they delay no
 * beat. So have POSTs that may wait for a lock, for example of a transaction of others; and those of them that have waited once and ask
 * again, so that they do not keep the others from asking.
 */
const CONNECTIONS = { writes: 16 + MOST_READ_BACKS, reads: 4, creates: 6, waits: 2 }

/** The most connections of a node. A migration takes 2 more. */
export const MOST_CONNECTIONS = Object.values(CONNECTIONS).reduce((sum, count) => sum + count)

/** What statements without a name are counted as. */
const OTHER_STATEMENTS = 'other'

interface ConnectionsOptions {
  readonly url: string
  readonly log: Log
  /** The keys of encryption, if there are any. */
  readonly keys?: Keys
  readonly meters?: Meters
}

export class Connections {
  readonly #writes: Database
  readonly #reads: Database
  readonly #creates: Database
  readonly #waits: Database
  readonly #health: Health
  #probing = false
  #started = false
  /** Run a statement on a connection of their pool. Throw a `StoreError`. */
  readonly write: Query
  readonly create: Asks
  readonly read: Query
  readonly seals: Seals

  readonly #meters: Meters

  constructor({ url, log, keys, meters = new Meters() }: ConnectionsOptions) {
    this.seals = sealsOf(keys)
    this.#meters = meters
    const servers = new Servers(url)
    this.#health = new Health(log, () => servers.renew())
    this.#writes = new Database(servers, CONNECTIONS.writes)
    this.#reads = new Database(servers, CONNECTIONS.reads)
    this.#creates = new Database(servers, CONNECTIONS.creates)
    this.#waits = new Database(servers, CONNECTIONS.waits)
    this.write = this.#heeded(this.#writes)
    // Many may wait for the few connections of POSTs: that says nothing about Postgres.
    this.create = {
      first: this.#heeded(this.#creates, isCrowded),
      again: this.#heeded(this.#waits, isCrowded),
      turns: new Turns(),
      seals: this.seals,
    }
    // Only writes count for the health: many reads that wait for the few connections for reads say nothing about Postgres.
    this.read = this.#timed(this.#reads)
  }

  /** Postgres has answered, and its schema is that of this release. */
  start(): void {
    this.#started = true
  }

  /** Throws a `Refusal` `unavailable` before that. */
  admit(): void {
    if (!this.#started) throw new Refusal('unavailable', 'Postgres has not answered yet; nothing was changed.')
  }

  /** Whether Postgres has answered and takes writes. */
  get ready(): boolean {
    return this.#started && !this.refusing
  }

  /** Whether the last write succeeded. */
  get healthy(): boolean {
    return this.#health.through
  }

  /** Whether Postgres refuses writes. */
  get refusing(): boolean {
    return this.#health.refusing
  }

  /** Tests whether writes are still refused. Callers avoid a node that is not ready, so there may be no other writes to show it. */
  async probe(): Promise<void> {
    if (this.#probing) return
    this.#probing = true
    await tryInsert((sql, values) => this.#writes.query(sql, values)).then(
      () => this.#health.probeSucceeded(),
      (error: unknown) => this.#health.refusing || this.#health.failed(PROBE, error),
    )
    this.#probing = false
  }

  /** From now on statements fail because this node stops: nothing more is logged of them. */
  end(): void {
    this.#health.end()
  }

  /** Closes all connections. */
  async close(): Promise<void> {
    const all = [this.#writes, this.#reads, this.#creates, this.#waits]
    await Promise.all(all.map((database) => database.close()))
  }

  /** Counts how long statements take, the wait for a connection included. */
  #timed(database: Database): Query {
    const { statements } = this.#meters
    return async <Row>(...[sql, values]: Parameters<Query>): Promise<Row[]> => {
      const begun = performance.now()
      try {
        return await database.query<Row>(sql, values)
      } finally {
        statements.of(typeof sql === 'string' ? OTHER_STATEMENTS : sql.name).observe(performance.now() - begun)
      }
    }
  }

  /** `besides`: errors that say nothing about the health of Postgres. */
  #heeded(database: Database, besides: (error: unknown) => boolean = () => false): Query {
    const query = this.#timed(database)
    return async <Row>(...[sql, values]: Parameters<Query>): Promise<Row[]> => {
      const kind = typeof sql === 'string' ? sql : sql.name
      try {
        const rows = await query<Row>(sql, values)
        this.#health.succeeded(kind)
        return rows
      } catch (error) {
        if (besides(error)) throw error
        this.#health.failed(kind, error)
        if (error instanceof StoreError && isSlow(error.cause)) void this.probe()
        throw error
      }
    }
  }
}
