// pg's client, which whatever its server sends can end, but not this process.
import type { Knex } from 'knex'
import pg from 'pg'
import { Frames } from './frames.ts'

/** Has knex make its connections so. Returns what it was given. */
export function guarded(db: Knex): Knex {
  const client = db.client as { driver: unknown }
  client.driver = { ...pg, Client }
  return db
}

/**
 * What knex takes the server for: the oldest that is supported. It would ask, and what it does with an answer that is none is thrown
 * out of the event loop.
 */
export const ASSUMED_VERSION = '14'

class Client extends pg.Client {
  constructor(config?: pg.ClientConfig) {
    super(config)
    guard(this.connection as unknown as Connection)
  }
}

/** What is used of pg's connection beside its types. */
interface Connection {
  readonly stream: Stream
  on(event: 'error', listener: () => void): void
  startup(config: unknown): void
  query(text: string): void
  sync(): void
  attachListeners(stream: Pick<Stream, 'on'>): void
}
interface Stream {
  on(event: string, listener: (chunk: Buffer) => void): unknown
  destroy(error?: Error): void
}

/** pg reads what comes in a listener of the socket: what it throws there would be nobody's. Here it is the end of the connection. */
function guard(connection: Connection): void {
  const frames = new Frames()
  const { startup, query, sync, attachListeners } = connection
  connection.startup = (config) => {
    frames.asked()
    startup.call(connection, config)
  }
  connection.query = (text) => {
    frames.asked()
    query.call(connection, text)
  }
  connection.sync = () => {
    frames.asked()
    sync.call(connection)
  }
  connection.attachListeners = (stream) => {
    const read = (listener: (chunk: Buffer) => void) => (chunk: Buffer) => {
      try {
        frames.read(chunk)
        listener(chunk)
      } catch (error) {
        connection.stream.destroy(unreadable(error))
      }
    }
    attachListeners.call(connection, {
      on: (event, listener) => stream.on(event, event === 'data' ? read(listener) : listener),
    })
  }
  // pg leaves the socket open when it does not get on with the way in which it is asked for a password.
  connection.on('error', () => connection.stream.destroy())
}

const unreadable = (error: unknown): Error =>
  new Error(`Postgres sent what cannot be read: ${error instanceof Error ? error.message : String(error)}`, {
    cause: error,
  })
