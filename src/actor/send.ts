// Sends one request of a task and reads its answer: one deadline over everything, capped heads and bodies, no redirects.
import type { IncomingHttpHeaders } from 'node:http'
import { type Dispatcher, Pool } from 'undici'
import { type Reply, outcomeOf } from '../core/answers.ts'
import { ERROR_BODY, MAX_BODY } from '../core/limits.ts'
import { dateOf, retryAfter } from '../core/retry-after.ts'
import { type Service, urlOf } from '../core/service.ts'
import { locationOf } from '../core/task.ts'
import { bodyOf } from './body.ts'
import { cappedConnector } from './head-limit.ts'
import { replyOf } from './trouble.ts'

/** One request of a task. */
export interface Request {
  readonly id: string
  readonly key: string
  readonly action: string
  readonly body: string
  readonly step: number
  readonly attempt: number
  /** Milliseconds for everything: connecting, sending, and reading to the end. */
  readonly timeout: number
}

/** A request that can be cut off. */
export interface InFlightRequest {
  /** What came of it; `not_begun` when `mayBegin` said no at the socket, `stopped` when it was cut off. Never rejects. */
  readonly reply: Promise<Reply | 'not_begun' | 'stopped'>
  /** Cuts it off: its socket closes, or it never begins. */
  stop(): void
}

/** A service's connections in this thread. */
export interface ServiceClient {
  readonly service: Service
  readonly pool: Pool
  /** The header fields of every request, names and values in turn. */
  readonly headers: readonly string[]
  /** The request targets of actions that were asked for lately. */
  readonly targets: Map<string, string>
}

/** How long a connection to a service may be idle, ms; 4 s where the service says nothing. */
const MOST_IDLE = 10_000

/** Request targets that a line remembers. */
const MOST_TARGETS = 1_000

/** Opens the line to a service; connections are made when they are needed. */
export function openServiceClient(service: Service, version: string): ServiceClient {
  const pool = new Pool(new URL(service.url.replaceAll('{action}', '')).origin, {
    connections: service.concurrency,
    pipelining: 1,
    connect: cappedConnector(service.timeout),
    // Whatever a service says: what is idle takes descriptors from the API.
    keepAliveMaxTimeout: MOST_IDLE,
    // Our own deadline covers the whole request.
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
  return { service, pool, headers: Object.entries(own).flat(), targets: new Map() }
}

/** The request target of an action: to parse a URL costs more than most of what is done for a request. */
function targetOf({ service, targets }: ServiceClient, action: string): string {
  const known = targets.get(action)
  if (known !== undefined) return known
  const { pathname, search } = urlOf(service, action)
  if (targets.size >= MOST_TARGETS) targets.clear()
  targets.set(action, pathname + search)
  return pathname + search
}

/** Sends a request. `mayBegin` is asked at the last moment, when a connection is there and nothing has been written. */
export function send(client: ServiceClient, request: Request, mayBegin: () => boolean): InFlightRequest {
  const reading = new Reading(mayBegin, request.timeout)
  try {
    client.pool.dispatch(
      {
        method: 'POST',
        path: targetOf(client, request.action),
        headers: headersOf(client, request),
        body: request.body,
      },
      reading,
    )
  } catch (error) {
    reading.end(replyOf(error))
  }
  return { reply: reading.done, stop: () => reading.end('stopped') }
}

function headersOf({ headers }: ServiceClient, { id, action, step, attempt, key }: Request): string[] {
  return headers.concat(
    ['task-location', locationOf(id), 'task-action', action, 'task-step', String(step)],
    ['task-attempt', String(attempt), 'idempotency-key', `"${key}.${step}"`],
  )
}

type End = Awaited<InFlightRequest['reply']>

/** Collects one answer. The first end counts: whatever the socket says later is ignored. */
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
    // A date is the service's: only its own clock says how far ahead that is.
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

/** The value of a field that should come once: the first, where it came more often. */
const one = (field: string | string[] | undefined): string | undefined => (Array.isArray(field) ? field[0] : field)
