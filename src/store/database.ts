// Connections to Postgres: knex's pool of pg clients, each statement with a time limit of our own.
import { setTimeout as sleep } from 'node:timers/promises'
import knex, { type Knex } from 'knex'
import pg from 'pg'
import { type Cancellable, cancel } from './cancel.ts'
import { ASSUMED_VERSION, guarded } from './client.ts'
import { blameOf, StoreError, sqlState, troubleOf } from './trouble.ts'

/** The time limit of a statement, ms: below the 8 s trust window, so that a beat that hangs can be repeated within it. */
const STATEMENT_TIMEOUT = 4_000
/** By then it is cancelled in the server, and there is time to hear that it was: then nothing was applied. */
const CANCEL_AFTER = 3_500
/** How often a statement is sent whose transaction got in the way of another's. */
const CONFLICT_TRIES = 3
/** Why knex is told not to give a connection away. */
const RENEWED = 'replaced by a new one'
const CONNECT_TIMEOUT = 2_000
const ACQUIRE_TIMEOUT = 3_000

// json and timestamptz as Postgres writes them; pg would parse json and round microseconds.
const AS_TEXT: ReadonlySet<number> = new Set([114, 1184])
const types = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') =>
    AS_TEXT.has(oid) ? (text: string) => text : pg.types.getTypeParser(oid, format),
}

/** A statement that a connection parses once, and then knows by its name. Two texts never have one name. */
export interface Prepared {
  readonly name: string
  readonly text: string
}

/** Runs one autocommit statement with $1, $2 …; nothing needs a session (PgBouncer may stand between). Throws a `StoreError`. */
export type Query = <Row>(sql: string | Prepared, values?: readonly unknown[]) => Promise<Row[]>

// invalid_sql_statement_name, duplicate_prepared_statement: the next statement of a connection may meet another one of Postgres', as
// behind a PgBouncer before 1.21. Either is said before anything is run.
const NAME_IS_STRANGE = /^(26000|42P05)$/

/** A pool of connections. Nothing is connected until the first statement. */
export class Database {
  readonly knex: Knex
  /** Whether Postgres has kept the names of statements so far. */
  #keepsNames = true

  constructor(url: string, max: number) {
    this.knex = guarded(
      knex({
        client: 'pg',
        version: ASSUMED_VERSION,
        connection: {
          connectionString: url,
          application_name: 'task_api',
          keepAlive: true,
          connectionTimeoutMillis: CONNECT_TIMEOUT,
          query_timeout: STATEMENT_TIMEOUT,
          types,
        } as Knex.PgConnectionConfig,
        pool: { min: 0, max, acquireTimeoutMillis: ACQUIRE_TIMEOUT, idleTimeoutMillis: 30_000 },
        acquireConnectionTimeout: ACQUIRE_TIMEOUT,
        log: { warn() {}, error() {}, deprecate() {}, debug() {} },
      }),
    )
  }

  /** Runs one autocommit statement, again when it was rolled back because of another one. Throws a `StoreError`. */
  async query<Row>(sql: string | Prepared, values: readonly unknown[] = []): Promise<Row[]> {
    for (let tries = 1; ; tries += 1)
      try {
        return await this.#once<Row>(sql, values)
      } catch (error) {
        if (!(error instanceof StoreError) || error.trouble !== 'conflict' || tries === CONFLICT_TRIES) throw error
      }
  }

  /** Connections that are open now are not given away again, nor those that are being made. */
  renew(): void {
    const { pool } = this.knex.client as Client
    if (!pool) return
    const { free, used, pendingCreates } = pool
    for (const { resource } of free) discard(resource, RENEWED)
    for (const { resource } of used) resource.__knex__disposed = RENEWED
    for (const { promise } of pendingCreates)
      promise.then(
        (made) => (made.__knex__disposed = RENEWED),
        () => undefined,
      )
  }

  async #once<Row>(sql: string | Prepared, values: readonly unknown[]): Promise<Row[]> {
    if (typeof sql === 'string') return this.#run({ text: sql }, values)
    if (this.#keepsNames)
      try {
        return await this.#run(sql, values)
      } catch (error) {
        if (!(error instanceof StoreError) || !NAME_IS_STRANGE.test(sqlState(error.cause) ?? '')) throw error
        this.#keepsNames = false
      }
    return this.#run({ text: sql.text }, values)
  }

  async #run<Row>(statement: { text: string; name?: string }, values: readonly unknown[]): Promise<Row[]> {
    const client = this.knex.client as Client
    const connection = await client.acquireConnection().catch((error: unknown) => {
      throw new StoreError('notSent', error)
    })
    let cancelled = false
    const limit = setTimeout(() => {
      cancelled = true
      cancel(connection)
    }, CANCEL_AFTER)
    try {
      const { rows } = await connection.query<Row>({ ...statement, values: [...values] })
      // Whatever Postgres has said, it is no answer to one statement.
      if (!Array.isArray(rows)) throw new TypeError('an answer without rows')
      return rows
    } catch (error) {
      if (cancelled && sqlState(error) === '57014' && error instanceof Error)
        error.message += ` (by this node, after ${CANCEL_AFTER / 1_000} s)`
      // With a time limit of ours pg leaves the dead statement on the connection: whoever took it from the pool next would time out as well.
      if (blameOf(error) !== 'statement') discard(connection, error)
      throw new StoreError(troubleOf(error), error)
    } finally {
      clearTimeout(limit)
      // A cancellation that comes late must not meet the next statement.
      if (cancelled || connection.__knex__disposed === RENEWED) discard(connection, RENEWED)
      void client.releaseConnection(connection)
    }
  }

  /** Closes every connection. Statements under way get two seconds, then they are cancelled. */
  async close(): Promise<void> {
    const { pool } = this.knex.client as Client
    if (!pool) return
    const { used } = pool
    const ended = this.knex.destroy().then(() => true)
    if (await within(ended, 2_000)) return
    for (const { resource } of used) cancel(resource)
    await within(ended, 500)
  }
}

/** Closes a connection at once. knex hears of its end only later, and may be asked for a connection before that. */
function discard(connection: Connection, why: unknown): void {
  connection.__knex__disposed = why
  connection.connection.stream.destroy()
}

/** Waits for at most so many ms; false when that was not enough. */
async function within(ended: Promise<boolean>, ms: number): Promise<boolean> {
  const waited = new AbortController()
  const late = sleep(ms, false, { signal: waited.signal, ref: false }).catch(() => false)
  return Promise.race([ended, late]).finally(() => waited.abort())
}

/** What is used of knex's untyped client, and of its pool. */
interface Client {
  acquireConnection(): Promise<Connection>
  releaseConnection(connection: Connection): Promise<void>
  /** None once it was destroyed. */
  readonly pool?: {
    readonly free: readonly Pooled[]
    readonly used: readonly Pooled[]
    readonly pendingCreates: readonly { readonly promise: Promise<Connection> }[]
  }
}
interface Pooled {
  readonly resource: Connection
}
interface Connection extends Cancellable {
  query<Row>(query: { text: string; name?: string; values: unknown[] }): Promise<{ rows: Row[] }>
  readonly connection: { readonly stream: { destroy(): void } }
  /** Knex's own mark of a connection that its pool does not give away again. */
  __knex__disposed?: unknown
}
