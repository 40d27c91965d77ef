// The REST API as a part of a node: it listens, drains and stops.
import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createPlainServer, Server as NetServer } from 'node:net'
import { setTimeout as after } from 'node:timers/promises'
import { MAX_HEADERS } from '../core/limits.ts'
import type { Part } from '../core/part.ts'
import { makeApp } from './app.ts'
import { makeClientErrorListener } from './client-errors.ts'
import type { ApiDependencies } from './dependencies.ts'
import { boundedPing } from './health.ts'
import { type OpenRequests, trackOpenRequests } from './open-requests.ts'

/** What one caller may take of the server. Times are milliseconds. */
export interface ServerLimits {
  /** For the headers of a request to come in. */
  readonly headersTimeout: number
  /** For a whole request to come in. */
  readonly requestTimeout: number
  /** Between two looks at those. */
  readonly connectionsCheckingInterval: number
  /** How long a connection may be idle; longer than the 60 s of common load balancers, so that they close first. */
  readonly keepAliveTimeout: number
  readonly maxRequestsPerSocket: number
  readonly maxConnections: number
  /** How long Postgres may take to answer `/readyz`. */
  readonly ping: number
  /** How long `stop` still serves when callers have connections open, so that they learn that this node goes; and how long it then waits for the first request of those that have asked nothing yet. */
  readonly linger: number
  /** How long `stop` then waits for answers that are owed. */
  readonly grace: number
}

export const SERVER_LIMITS: ServerLimits = {
  headersTimeout: 10_000,
  requestTimeout: 15_000,
  connectionsCheckingInterval: 2_000,
  keepAliveTimeout: 65_000,
  maxRequestsPerSocket: 1_000,
  maxConnections: 4_096,
  ping: 2_000,
  linger: 250,
  grace: 5_000,
}

const LISTEN_ERRORS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'something else listens there already',
  EADDRNOTAVAIL: 'this machine has no such address',
  EACCES: 'this user may not listen on that port',
  ENOTFOUND: 'the host has no address',
}

interface Listening {
  readonly server: Server
  readonly openRequests: OpenRequests
}

export class Api implements Part {
  readonly #dependencies: ApiDependencies
  readonly #limits: ServerLimits
  #draining = false
  #listening: Promise<Listening> | undefined
  #stopping: Promise<void> | undefined
  #url: string | undefined

  constructor(dependencies: ApiDependencies, limits: ServerLimits = SERVER_LIMITS) {
    this.#dependencies = dependencies
    this.#limits = limits
  }

  /** Listens; Postgres need not be there. Rejects, and may be called again, when the address cannot be had. */
  async start(): Promise<void> {
    await this.#stopping
    this.#listening ??= this.#listen()
    try {
      await this.#listening
    } catch (error) {
      this.#listening = undefined
      throw error
    }
  }

  /** `http://host:port`, with the port that was really taken. Throws while it does not listen. */
  get url(): string {
    if (this.#url === undefined) throw new Error('The API does not listen.')
    return this.#url
  }

  /** From now on `/readyz` says 503, and every answer closes its connection. All else is served on. */
  drain(): void {
    this.#draining = true
  }

  /** Serves on for `linger` while callers are there, then takes no connection any more, waits up to `grace` for the answers that are owed, and cuts what is left. */
  async stop(): Promise<void> {
    this.#stopping ??= this.#close().finally(() => {
      this.#stopping = undefined
    })
    await this.#stopping
  }

  async #listen(): Promise<Listening> {
    const { host, port, log } = this.#dependencies
    const server = createServer({ ...this.#limits, requireHostHeader: false }, this.#answerer())
    // Node drops headers beyond its count; with one more than may be sent they are still there to be counted.
    server.maxHeadersCount = MAX_HEADERS + 1
    server.maxRequestsPerSocket = this.#limits.maxRequestsPerSocket
    server.maxConnections = this.#limits.maxConnections
    const openRequests = trackOpenRequests(server)
    // A caller may close its half behind its last request: without this Node closes the other half too, and what was done is
    // not told. Node has it as a property, and its types do not.
    Object.assign(server, { httpAllowHalfOpen: true })
    const refuse = makeClientErrorListener(openRequests)
    server.on('clientError', refuse)
    // Without a listener Node closes the connection, and with it the answers that are owed on it.
    server.on('connect', (_req, socket) => refuse(new Error('no proxy'), socket.on('error', ignore).resume()))
    // An expectation that is not known may be ignored (RFC 9110, 10.1.1).
    server.on('checkExpectation', (req, res) => server.emit('request', req, res))
    try {
      // Node lets 511 wait to be accepted, and the kernel at most `net.core.somaxconn`. What comes beyond is dropped, and tried again
      // by the caller's kernel a second or three later.
      await once(server.listen({ host, port, backlog: this.#limits.maxConnections }), 'listening')
    } catch (cause) {
      throw new CannotListen(`${host}:${port}`, cause)
    }
    server.on('error', (err) => log.event('server_failed', { err }))
    this.#url = urlOf(host, server)
    return { server, openRequests }
  }

  #answerer(): RequestListener {
    const { ping } = this.#limits
    const app = makeApp({
      ...this.#dependencies,
      draining: () => this.#draining,
      postgresAnswers: boundedPing(() => this.#dependencies.store.ping(), ping),
    })
    const answer = app.callback()
    return (req, res) => void answer(req, res)
  }

  async #close(): Promise<void> {
    const listening = await this.#listening?.catch(() => undefined)
    if (listening === undefined) return
    const { server, openRequests } = listening
    this.#draining = true
    // Meanwhile /readyz sends callers elsewhere, and so does the end of each connection.
    if (openRequests.connections > 0) await after(this.#limits.linger)
    await caughtUp(server)
    // Not yet http's own close, which cuts connections that look idle: a request may be on its way on them.
    const closed = new Promise((resolve) => NetServer.prototype.close.call(server, resolve))
    await caughtUp(server)
    // One that has asked nothing yet is about to: http's close would cut it, and a proxy would not send its request again.
    if ((await connectionsOf(server)) > openRequests.connections) await after(this.#limits.linger)
    server.close()
    const enough = new AbortController()
    const grace = after(this.#limits.grace, undefined, { signal: enough.signal }).catch(() => undefined)
    await Promise.race([openRequests.allAnswered(), grace])
    enough.abort()
    server.closeAllConnections()
    await closed
    this.#url = undefined
    this.#listening = undefined
    this.#draining = false
  }
}

/** Looks whether the address can be had right now, and leaves it free. Throws `CannotListen`. */
export async function tryAddress({ host, port }: { host: string; port: number }): Promise<void> {
  const server = createPlainServer()
  try {
    await once(server.listen({ host, port }), 'listening')
  } catch (cause) {
    throw new CannotListen(`${host}:${port}`, cause)
  }
  await new Promise((resolve) => server.close(resolve))
}

/** The address cannot be had. Its message is for a person. */
export class CannotListen extends Error {
  constructor(address: string, cause: unknown) {
    const { code, message } = cause as NodeJS.ErrnoException
    super(`Cannot listen on ${address}: ${LISTEN_ERRORS[code ?? ''] ?? message} (${code ?? 'no code'}).`, { cause })
    this.name = 'CannotListen'
  }
}

/** How long connections that come one behind the other can keep a server from closing, ms. */
const MAX_ACCEPT_DELAY_MS = 1_000

/**
 * Waits until the connections and requests that the kernel has taken for this process are taken in: when it is busy, they
 * may have waited there for long, and closing now would cut them off. Node takes in one connection a turn of its loop (libuv 1.45 on).
 */
async function caughtUp(server: Server): Promise<void> {
  let came = true
  const taken = (): void => void (came = true)
  server.on('connection', taken)
  for (const end = performance.now() + MAX_ACCEPT_DELAY_MS; came && performance.now() < end;) {
    came = false
    // The first ends in the turn of the loop that is on; between it and the second all sockets are looked at.
    await new Promise(setImmediate)
    await new Promise(setImmediate)
  }
  server.off('connection', taken)
}

const connectionsOf = (server: Server): Promise<number> =>
  new Promise((resolve) => server.getConnections((_error, count) => resolve(count)))

// A connection that fails is closed, and that is all there is to it.
const ignore = (): void => undefined

function urlOf(host: string, server: Server): string {
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}
