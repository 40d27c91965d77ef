// Sends one request of a task and reads the answer, with one deadline for all of it, size limits, and no redirects.
import type { IncomingHttpHeaders } from 'node:http'
import { type Dispatcher, Pool } from 'undici'
import { type Reply, outcomeOf } from '../core/answers.ts'
import { ERROR_BODY, MAX_BODY } from '../core/limits.ts'
import { dateOf, retryAfter } from '../core/retry-after.ts'
import { type Service, urlOf } from '../core/service.ts'
import { signatureFields, signingKeyOf } from '../core/signing.ts'
import { locationOf } from '../core/task.ts'
import { headersOfTrace } from '../core/trace.ts'
import { bodyOf } from './body.ts'
import { connectorOf } from './connector.ts'
import { replyOf } from './trouble.ts'

/** One request of a task. */
export interface Request {
  readonly id: string
  readonly key: string
  readonly action: string
  readonly body: string
  readonly step: number
  readonly attempt: number
  /** The id of the task that this one goes on with. */
  readonly retryOf: string | null
  /** The deadline for connecting, sending and reading together, ms. */
  readonly timeout: number
}

/** A request that was sent, or waits for a connection. */
export interface InFlightRequest {
  /** The result. `not_begun`: `mayBegin` was false when a connection was there. `stopped`: `stop` was called. Never rejects. */
  readonly reply: Promise<Reply | 'not_begun' | 'stopped'>
  /** Aborts the request: closes its connection, or prevents that the request begins. */
  stop(): void
}

/** The HTTP client of one service in this thread. */
export interface ServiceClient {
  readonly service: Service
  readonly pool: Pool
  /** The header fields of every request, names and values alternating. */
  readonly headers: readonly string[]
  /** One for each secret that signs; none: requests are not signed. */
  readonly signingKeys: readonly Uint8Array[]
  /** A cache: the request target (path and query) of each action. */
  readonly targets: Map<string, string>
}

/** The longest time that a connection stays open without a request, ms. Without a `Keep-Alive` header undici keeps it for 4 s. */
const MAX_IDLE_MS = 10_000

/** The most request targets in the cache of one client. */
const MAX_CACHED_TARGETS = 1_000

/** Opens the client of a service. Connections are opened when they are needed. `version` goes into `User-Agent`. */
export function openServiceClient(service: Service, version: string): ServiceClient {
  const pool = new Pool(new URL(service.url.replaceAll('{action}', '')).origin, {
    connections: service.concurrency,
    pipelining: 1,
    connect: connectorOf(service),
    // Also where a service asks for more: idle connections take file descriptors from the API.
    keepAliveMaxTimeout: MAX_IDLE_MS,
    // The deadline of `send` covers the whole request.
    headersTimeout: 0,
    bodyTimeout: 0,
  })
  const own = {
    ...service.headers,
    'content-type': 'application/json',
    accept: 'application/json',
    'accept-encoding': 'identity',
    'user-agent': `task_api/${version}`,
  }
  const signingKeys = (service.signing?.secrets ?? []).flatMap((secret) => signingKeyOf(secret) ?? [])
  return { service, pool, headers: Object.entries(own).flat(), signingKeys, targets: new Map() }
}

/** The request target of an action. Cached, because parsing a URL is among the most expensive parts of a request. */
function targetOf({ service, targets }: ServiceClient, action: string): string {
  const known = targets.get(action)
  if (known !== undefined) return known
  const { pathname, search } = urlOf(service, action)
  if (targets.size >= MAX_CACHED_TARGETS) targets.clear()
  targets.set(action, pathname + search)
  return pathname + search
}

/** Sends a request with this trace. `mayBegin` is called when a connection is there, right before anything is written. */
export function send(client: ServiceClient, request: Request, mayBegin: () => boolean, trace: string): InFlightRequest {
  const reading = new Reading(mayBegin, request.timeout)
  try {
    client.pool.dispatch(
      {
        method: 'POST',
        path: targetOf(client, request.action),
        headers: headersOf(client, request, trace),
        body: request.body,
      },
      reading,
    )
  } catch (error) {
    reading.end(replyOf(error))
  }
  return { reply: reading.done, stop: () => reading.end('stopped') }
}

function headersOf({ headers, signingKeys }: ServiceClient, request: Request, trace: string): string[] {
  const { id, action, step, attempt, key, retryOf, body } = request
  const all = headers.concat(
    ['task-location', locationOf(id), 'task-action', action, 'task-step', String(step)],
    ['task-attempt', String(attempt), 'idempotency-key', `"${key}.${step}"`, ...headersOfTrace(trace)],
  )
  if (retryOf !== null) all.push('task-retry-of', locationOf(retryOf))
  if (signingKeys.length > 0) all.push(...signatureFields(signingKeys, { id: `${key}_${step}`, at: Date.now(), body }))
  return all
}

type End = Awaited<InFlightRequest['reply']>

/** Collects one answer. Only the first end counts; later events of the connection are ignored. */
class Reading implements Dispatcher.DispatchHandler {
  readonly done: Promise<End>
  readonly #mayBegin: () => boolean
  readonly #timer: NodeJS.Timeout
  #resolve: (end: End) => void = () => {}
  #controller: Dispatcher.DispatchController | undefined
  #ended = false
  #status = 0
  #retryAfter: number | undefined
  #encoding: string | undefined
  #chunks: Buffer[] = []
  #size = 0
  #cap = 0

  constructor(mayBegin: () => boolean, timeout: number) {
    this.#mayBegin = mayBegin
    this.#timer = setTimeout(() => this.end({ kind: 'timeout' }), timeout)
    this.done = new Promise((resolve) => (this.#resolve = resolve))
  }

  end(end: End): void {
    if (this.#ended) return
    this.#over(end)
    this.#controller?.abort(new Error('cut off'))
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#ended) return controller.abort(new Error('cut off'))
    if (!this.#mayBegin()) this.end('not_begun')
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    if (status < 200) return
    this.#status = status
    const outcome = outcomeOf(status)
    this.#cap = outcome === 'complete' || outcome === 'progress' ? MAX_BODY : ERROR_BODY
    this.#encoding = one(headers['content-encoding'])
    const asked = headers['retry-after']
    // A date in `Retry-After` is by the service's clock, so the answer's own `Date` is subtracted.
    if (asked !== undefined) this.#retryAfter = retryAfter(asked, dateOf(one(headers['date'])) ?? Date.now())
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#ended) return
    this.#chunks.push(chunk)
    this.#size += chunk.length
    if (this.#size > this.#cap) this.#answer()
  }

  onResponseEnd(): void {
    if (!this.#ended) this.#answer()
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.end(replyOf(error))
  }

  #answer(): void {
    const large = this.#size > this.#cap
    const [first, ...more] = this.#chunks
    const bytes = (first && more.length === 0 ? first : Buffer.concat(this.#chunks)).subarray(0, this.#cap)
    this.#chunks = []
    const answer: Reply = {
      kind: 'answer',
      status: this.#status,
      retryAfter: this.#retryAfter,
      body: bodyOf({ bytes, large, cap: this.#cap, encoding: this.#encoding }),
    }
    if (large) this.end(answer)
    else this.#over(answer)
  }

  #over(end: End): void {
    this.#ended = true
    clearTimeout(this.#timer)
    this.#resolve(end)
  }
}

/** The value of a header field; the first value when the field was sent more than once. */
const one = (field: string | string[] | undefined): string | undefined => (Array.isArray(field) ? field[0] : field)
