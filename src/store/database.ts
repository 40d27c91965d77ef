// Connections to Postgres: knex's pool of pg clients, with a time limit for each statement.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Knex } from 'knex'
import { type Cancellable, cancel } from './cancel.ts'
import { poolOf } from './pool.ts'
import { Servers } from './servers.ts'
import { blameOf, StoreError, sqlState, troubleOf, UNCONFIRMED } from './trouble.ts'
import { types } from './values.ts'

/** The time limit of a statement. Half of the trust window of 8 s, so that a beat that hangs can be repeated in time. */
const STATEMENT_TIMEOUT_MS = 4_000
/** When a statement is cancelled in the server. Half a second is left for the answer, which says that nothing was applied. */
const CANCEL_STATEMENT_AFTER_MS = 3_500
/** How often a statement is sent that is rolled back because of another transaction. */
const MAX_TRIES_ON_CONFLICT = 3
/** The reason that knex gets for a connection that its pool must not hand out again. */
const RENEWAL_REASON = 'replaced by a new one'
const ACQUIRE_TIMEOUT_MS = 3_000

/** A prepared statement: each connection parses it once. Two different texts must not have the same name. */
export interface Prepared {
  readonly name: string
  readonly text: string
}

/** Runs one autocommit statement with $1, $2 … It needs no session, so a PgBouncer may be in between. Throws a `StoreError`. */
export type Query = <Row>(sql: string | Prepared, values?: readonly unknown[]) => Promise<Row[]>

// invalid_sql_statement_name, duplicate_prepared_statement. Behind a PgBouncer before 1.21 each statement may run on another server
// connection, where the name is unknown or taken. Postgres reports either before the statement runs.
const PREPARED_NAME_LOST = /^(26000|42P05)$/

/** A pool of connections. It opens no connection before the first statement. */
export class Database {
  readonly knex: Knex
  readonly #servers: Servers
  /** Whether prepared statements have worked so far. */
  #keepsNames = true

  constructor(servers: Servers, max: number) {
    this.#servers = servers
    servers.onRenewal(() => this.#renew())
    this.knex = poolOf(servers, max, {
      connection: { keepAlive: true, query_timeout: STATEMENT_TIMEOUT_MS, types },
      pool: { acquireTimeoutMillis: ACQUIRE_TIMEOUT_MS, idleTimeoutMillis: 30_000 },
      acquireConnectionTimeout: ACQUIRE_TIMEOUT_MS,
    })
  }

  /** Runs one autocommit statement, and repeats it when it was rolled back because of another one. Throws a `StoreError`. */
  async query<Row>(sql: string | Prepared, values: readonly unknown[] = []): Promise<Row[]> {
    for (let tries = 1; ; tries += 1)
      try {
        return await this.#once<Row>(sql, values)
      } catch (error) {
        if (!(error instanceof StoreError) || error.trouble !== 'conflict' || tries === MAX_TRIES_ON_CONFLICT)
          throw error
      }
  }

  /** Replaces all connections that are open: they are not handed out again. */
  #renew(): void {
    const { pool } = this.knex.client as Client
    if (!pool) return
    for (const { resource } of pool.free) discard(resource, RENEWAL_REASON)
    for (const { resource } of pool.used) resource.__knex__disposed = RENEWAL_REASON
  }

  async #once<Row>(sql: string | Prepared, values: readonly unknown[]): Promise<Row[]> {
    if (typeof sql === 'string') return this.#run({ text: sql }, values)
    if (this.#keepsNames)
      try {
        return await this.#run(sql, values)
      } catch (error) {
        if (!(error instanceof StoreError) || !PREPARED_NAME_LOST.test(sqlState(error.cause) ?? '')) throw error
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
    }, CANCEL_STATEMENT_AFTER_MS)
    try {
      const { rows } = await connection.query<Row>({ ...statement, values: [...values] })
      // An answer without rows is not the answer to one statement.
      if (!Array.isArray(rows)) throw new TypeError('an answer without rows')
      if (connection.unconfirmed) throw UNCONFIRMED()
      return rows
    } catch (error) {
      if (cancelled && sqlState(error) === '57014' && error instanceof Error)
        error.message += ` (by this node, after ${CANCEL_STATEMENT_AFTER_MS / 1_000} s)`
      // After a timeout pg leaves the statement on the connection, and the next user of the connection would time out as well.
      if (blameOf(error) !== 'statement') discard(connection, error)
      if (blameOf(error) === 'server') this.#servers.leave(connection)
      throw new StoreError(troubleOf(error), error)
    } finally {
      clearTimeout(limit)
      // A late cancellation must not hit the next statement of this connection.
      if (cancelled || connection.__knex__disposed === RENEWAL_REASON) discard(connection, RENEWAL_REASON)
      void client.releaseConnection(connection)
    }
  }

  /** Closes all connections. Statements under way may end within 2 s and are then cancelled. */
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

/** Closes a connection at once. The mark keeps knex from handing it out before knex notices that it is closed. */
function discard(connection: Connection, why: unknown): void {
  connection.__knex__disposed = why
  connection.connection.stream.destroy()
}

/** Waits for at most `ms` milliseconds; false when `ended` took longer. */
export async function within(ended: Promise<boolean>, ms: number): Promise<boolean> {
  const waited = new AbortController()
  const late = sleep(ms, false, { signal: waited.signal, ref: false }).catch(() => false)
  return Promise.race([ended, late]).finally(() => waited.abort())
}

/** The used part of knex's untyped client and its pool. */
interface Client {
  acquireConnection(): Promise<Connection>
  releaseConnection(connection: Connection): Promise<void>
  /** Absent after `destroy`. */
  readonly pool?: {
    readonly free: readonly Pooled[]
    readonly used: readonly Pooled[]
  }
}
interface Pooled {
  readonly resource: Connection
}
interface Connection extends Cancellable {
  query<Row>(query: { text: string; name?: string; values: unknown[] }): Promise<{ rows: Row[] }>
  readonly connection: { readonly stream: { destroy(): void } }
  readonly era: number
  readonly unconfirmed: boolean
  /** knex's mark of a connection that its pool does not hand out again. */
  __knex__disposed?: unknown
}
