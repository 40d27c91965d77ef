// pg's client with a guard: bytes that it cannot read end the connection, and not this process.
import pg from 'pg'
import { Frames } from './frames.ts'

/** The part of Postgres that gives up waiting for a standby, as its notices name it in every language. */
const WAIT_FOR_STANDBY = 'SyncRepWaitForLSN'

/** One guarded connection. */
export class Client extends pg.Client {
  /** Which choice of a server it belongs to (`Servers`). */
  era = 0
  /** Whether a commit of it was applied, and the synchronous standby may not have it: Postgres calls that a success. */
  unconfirmed = false

  constructor(config?: pg.ClientConfig) {
    super(config)
    guard(this.connection as unknown as Connection)
    this.on('notice', ({ routine }) => (this.unconfirmed ||= routine === WAIT_FOR_STANDBY))
  }

  /** The process of its backend, as the server has named it. */
  get backend(): unknown {
    return (this as unknown as { readonly processID: unknown }).processID
  }

  /** Closes it at once, whatever is under way. */
  drop(): void {
    const { stream } = this.connection as unknown as Connection
    stream.destroy()
  }
}

/** The used part of pg's connection that pg's types do not have. */
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

/** pg reads in a listener of the socket, where nothing would catch its errors. The guard turns such an error into the connection's end. */
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
  // pg leaves the socket open when it does not support the server's way to authenticate.
  connection.on('error', () => connection.stream.destroy())
}

const unreadable = (error: unknown): Error =>
  new Error(`Postgres sent what cannot be read: ${error instanceof Error ? error.message : String(error)}`, {
    cause: error,
  })
