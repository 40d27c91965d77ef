// The HTTP server of the REST API: listens, drains and stops.
import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createPlainServer, Server as NetServer } from 'node:net'
import { setTimeout as after } from 'node:timers/promises'
import { MAX_HEADERS } from '../core/limits.ts'
import type { Part } from '../core/part.ts'
import type { Metrics } from '../telemetry/registry.ts'
import { makeApp } from './app.ts'
import { makeClientErrorListener } from './client-errors.ts'
import type { ApiDependencies } from './dependencies.ts'
import { boundedPing } from './health.ts'
import { Quotas } from './quotas.ts'
import { Refusals } from './refusals.ts'
import { metricsOf } from './metrics.ts'
import { Watches } from './watches.ts'
import { type OpenRequests, trackOpenRequests } from './open-requests.ts'

/** Limits of the server. Times are milliseconds. */
export interface ServerLimits {
  /** How long the headers of a request may take. */
  readonly headersTimeout: number
  /** How long a whole request may take to arrive. */
  readonly requestTimeout: number
  /** How often those two limits are checked. */
  readonly connectionsCheckingInterval: number
  /** How long a connection may be idle. Longer than the 60 s of common load balancers, so that the load balancer closes first. */
  readonly keepAliveTimeout: number
  readonly maxRequestsPerSocket: number
  readonly maxConnections: number
  /** How long Postgres may take to answer `/readyz`. */
  readonly ping: number
  /** How long `stop` goes on serving while connections are open, so that callers learn of the stop. Then the same time again for the first requests of new connections. */
  readonly linger: number
  /** How long `stop` then waits for open requests to be answered. */
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
  readonly #metrics: () => Metrics
  #draining = false
  #watches: Watches
  #listening: Promise<Listening> | undefined
  #stopping: Promise<void> | undefined
  #url: string | undefined

  constructor(dependencies: ApiDependencies, limits: ServerLimits = SERVER_LIMITS) {
    this.#dependencies = dependencies
    this.#limits = limits
    this.#watches = this.#newWatches()
    this.#metrics = metricsOf(dependencies)
  }

  /** Listens; Postgres need not be reachable. Rejects with `CannotListen` when the address is not available, and may be called again. */
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

  /** `http://host:port`, with the actual port. Throws while the server does not listen. */
  get url(): string {
    if (this.#url === undefined) throw new Error('The API does not listen.')
    return this.#url
  }

  /** From now on `/readyz` answers 503, and every answer closes its connection. All requests are still served. */
  drain(): void {
    this.#draining = true
    this.#watches.end()
  }

  /** Serves for `linger` while connections are open, then accepts no connections, waits up to `grace` for open requests, and closes the rest. */
  async stop(): Promise<void> {
    this.#stopping ??= this.#close().finally(() => {
      this.#stopping = undefined
    })
    await this.#stopping
  }

  async #listen(): Promise<Listening> {
    const { host, port, log } = this.#dependencies
    const server = createServer({ ...this.#limits, requireHostHeader: false }, this.#answerer())
    // Node drops headers beyond this count. One more than allowed shows that there are too many.
    server.maxHeadersCount = MAX_HEADERS + 1
    server.maxRequestsPerSocket = this.#limits.maxRequestsPerSocket
    server.maxConnections = this.#limits.maxConnections
    const openRequests = trackOpenRequests(server)
    // A caller may half-close the connection after its last request. Without this option Node closes the other half too, and the
    // answer is lost. Node has the property; its types do not.
    Object.assign(server, { httpAllowHalfOpen: true })
    const refuse = makeClientErrorListener(openRequests)
    server.on('clientError', refuse)
    // Without a listener Node closes the connection, and the answers to earlier requests are lost.
    server.on('connect', (_req, socket) => refuse(new Error('no proxy'), socket.on('error', ignore).resume()))
    // An unknown expectation may be ignored (RFC 9110, 10.1.1).
    server.on('checkExpectation', (req, res) => server.emit('request', req, res))
    try {
      // Node's default backlog is 511; the kernel's limit is `net.core.somaxconn`. Connections beyond the backlog are dropped, and
      // the caller's kernel tries again after 1 to 3 s.
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
      watches: this.#watches,
      quotas: new Quotas(this.#dependencies.store),
      refusals: new Refusals(this.#dependencies.log),
      metrics: this.#metrics,
      postgresAnswers: boundedPing(() => this.#dependencies.store.ping(), ping),
    })
    const answer = app.callback()
    return (req, res) => void answer(req, res)
  }

  async #close(): Promise<void> {
    const listening = await this.#listening?.catch(() => undefined)
    if (listening === undefined) return
    const { server, openRequests } = listening
    this.drain()
    // During this time /readyz and the end of each connection send callers to other nodes.
    if (openRequests.connections > 0) await after(this.#limits.linger)
    await caughtUp(server)
    // Not http's own `close` yet: it closes idle connections, and a request may already be on its way there.
    const closed = new Promise((resolve) => NetServer.prototype.close.call(server, resolve))
    await caughtUp(server)
    // A connection without a request is about to send one. http's `close` would close the connection, and a proxy would not retry.
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
    this.#watches = this.#newWatches()
  }

  #newWatches(): Watches {
    const { store, log } = this.#dependencies
    return new Watches({ versions: (ids) => store.versions(ids), log })
  }
}

/** Checks that the address is available now, and does not keep it. Throws `CannotListen`. */
export async function tryAddress({ host, port }: { host: string; port: number }): Promise<void> {
  const server = createPlainServer()
  try {
    await once(server.listen({ host, port }), 'listening')
  } catch (cause) {
    throw new CannotListen(`${host}:${port}`, cause)
  }
  await new Promise((resolve) => server.close(resolve))
}

/** The address is not available. The message is for a person. */
export class CannotListen extends Error {
  constructor(address: string, cause: unknown) {
    const { code, message } = cause as NodeJS.ErrnoException
    super(`Cannot listen on ${address}: ${LISTEN_ERRORS[code ?? ''] ?? message} (${code ?? 'no code'}).`, { cause })
    this.name = 'CannotListen'
  }
}

/** How long a stream of new connections can delay the close of a server, ms. */
const MAX_ACCEPT_DELAY_MS = 3_000

/**
 * Waits until the process has accepted the connections and read the requests that wait in the kernel. A busy process may leave
 * them there for long, and closing now would lose them. Node accepts one connection per turn of its event loop (since libuv 1.45).
 */
async function caughtUp(server: Server): Promise<void> {
  let came = true
  const taken = (): void => void (came = true)
  server.on('connection', taken)
  for (const end = performance.now() + MAX_ACCEPT_DELAY_MS; came && performance.now() < end;) {
    came = false
    // The first one ends in the current turn of the loop; between the first and the second all sockets are polled.
    await new Promise(setImmediate)
    await new Promise(setImmediate)
  }
  server.off('connection', taken)
}

const connectionsOf = (server: Server): Promise<number> =>
  new Promise((resolve) => server.getConnections((_error, count) => resolve(count)))

// A failed connection is closed; nothing else is needed.
const ignore = (): void => undefined

function urlOf(host: string, server: Server): string {
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}
