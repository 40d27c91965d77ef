// Pools of connections: knex's, with connections that are opened to the right server.
import knex, { type Knex } from 'knex'
import type { ClientConfig } from 'pg'
import type { Client } from './client.ts'
import type { Servers } from './servers.ts'

/**
 * The server version that knex assumes: the oldest supported one. Otherwise knex would ask the server, and an unexpected answer
 * would throw an error that nothing can catch.
 */
const ASSUMED_VERSION = '14'

/** Makes a pool of at most `max` guarded connections. It opens no connection before the first statement. */
export function poolOf(
  servers: Servers,
  max: number,
  { connection, pool, ...settings }: Omit<Knex.Config, 'connection'> & { readonly connection?: object } = {},
): Knex {
  const config: ClientConfig = { application_name: 'task_api', ...connection }
  const db = knex({
    ...settings,
    client: 'pg',
    version: ASSUMED_VERSION,
    connection: config as Knex.PgConnectionConfig,
    pool: { ...pool, min: 0, max },
    log: { warn() {}, error() {}, deprecate() {}, debug() {} },
  })
  const client = db.client as { _acquireOnlyConnection: () => Promise<Client> }
  client._acquireOnlyConnection = async () => {
    const made: Client & Disposable = await servers.connect(config)
    made.on('error', (error) => (made.__knex__disposed = error))
    made.on('end', () => (made.__knex__disposed = 'the connection has ended'))
    return made
  }
  return db
}

/** knex's mark of a connection that its pool does not hand out again. */
interface Disposable {
  __knex__disposed?: unknown
}
