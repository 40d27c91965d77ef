// The scripted target service: the name of an action is the script of its answers, and every request is recorded.
import { EventEmitter, once } from 'node:events'
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A request as the service saw it. */
export interface Seen {
  readonly location: string
  readonly action: string
  readonly step: number
  readonly attempt: number
  /** The value of `Idempotency-Key`, quotes included. */
  readonly key: string
  readonly body: Buffer
  readonly request: IncomingMessage
  /** `performance.now()` when it had arrived. */
  readonly at: number
  /** Whether the caller went away before it was answered. */
  aborted: boolean
  /** `performance.now()` when it was answered or cut off. */
  endedAt: number | undefined
}

interface Turn {
  readonly seen: Seen
  readonly response: ServerResponse
  /** The number behind the dot in the action's name. */
  readonly n: number
  /** How often this step of this task had been asked before. */
  readonly before: number
}

const answer = (
  { response }: Turn,
  status: number,
  body: string | Buffer = '',
  headers: Record<string, string> = {},
): void => {
  response.writeHead(status, headers).end(body)
}

/** What follows a dot in an action's name is its number: `steps.3`. */
const SCRIPTS: Readonly<Record<string, (turn: Turn) => void>> = {
  ok: (turn) => answer(turn, 200, '{"ok":true}'),
  echo: (turn) => answer(turn, 200, turn.seen.body),
  none: (turn) => answer(turn, 204),
  text: (turn) => answer(turn, 200, 'not json \u00fc'),
  /** 206 until step n, each body the next payload, then 200. */
  steps: (turn) => answer(turn, turn.seen.step < turn.n ? 206 : 200, JSON.stringify({ at: turn.seen.step + 1 })),
  /** 206 with the very payload it got until step n, then 200. */
  same: (turn) => answer(turn, turn.seen.step < turn.n ? 206 : 200, turn.seen.body),
  /** 206 with an empty body until step n, then 200 with the payload. */
  empty: (turn) => answer(turn, turn.seen.step < turn.n ? 206 : 200, turn.seen.step < turn.n ? '' : turn.seen.body),
  /** 206 for ever, each after n ms. */
  ever: (turn) => void setTimeout(() => answer(turn, 206, JSON.stringify({ at: turn.seen.step + 1 })), turn.n),
  fail: (turn) => answer(turn, 500, '{"why":"no"}'),
  /** 500 where the member n of the payload can be divided by n, and the task is no retry; else 200. */
  some: (turn) => {
    const { n } = JSON.parse(turn.seen.body.toString()) as { n: number }
    const isRetry = turn.seen.request.headers['task-retry-of'] !== undefined
    answer(turn, n % turn.n === 0 && !isRetry ? 500 : 200, '{}')
  },
  status: (turn) => answer(turn, turn.n, '{"status":"it"}'),
  /** 503 for the first n tries, then 200. */
  flaky: (turn) => answer(turn, turn.before < turn.n ? 503 : 200, '{}'),
  /** 503 once with Retry-After n, then 200. */
  later: (turn) => answer(turn, turn.before < 1 ? 503 : 200, '{}', { 'Retry-After': String(turn.n) }),
  /** 206 with Retry-After n for step 0, then 200. */
  wait: (turn) => answer(turn, turn.seen.step < 1 ? 206 : 200, '{"waited":true}', { 'Retry-After': String(turn.n) }),
  redirect: (turn) => answer(turn, 307, '', { Location: '/ok' }),
  garbage: (turn) => answer(turn, 206, '{"half":'),
  /** n bytes of JSON with 200. */
  big: (turn) => answer(turn, 200, `"${'x'.repeat(turn.n - 2)}"`),
  /** n bytes of JSON with 206. */
  large: (turn) => answer(turn, 206, `"${'x'.repeat(turn.n - 2)}"`),
  /** n bytes with 500. */
  loud: (turn) => answer(turn, 500, 'x'.repeat(turn.n)),
  slow: (turn) => void setTimeout(() => answer(turn, 200, '{"slow":true}'), turn.n),
  hang: () => {},
  /** Answered by `letGo`. */
  held: () => {},
  /** One 206 first, whose next request is then held. */
  heldstep: (turn) => (turn.seen.step === 0 ? answer(turn, 206, '{"at":1}') : undefined),
  drop: ({ response }) => void response.socket?.destroy(),
  /** Closes in the middle of the body. */
  half: ({ response }) => {
    response.writeHead(200, { 'Content-Length': '100' }).write('{"half":', () => response.socket?.destroy())
  },
}

/** A service on a free port of 127.0.0.1. */
export class ScriptedService {
  readonly requests: Seen[] = []
  /** How often each key was asked. */
  readonly #asked = new Map<string, number>()
  readonly #held = new Map<Seen, ServerResponse>()
  readonly #events = new EventEmitter().setMaxListeners(0)
  readonly #server: Server = createServer((request, response) => void this.#take(request, response))
  #open = 0
  /** The most requests that were open at once. */
  peak = 0
  /** Milliseconds before a script begins to answer. */
  pace = 0

  async start(): Promise<this> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return this
  }

  async stop(): Promise<void> {
    this.#server.close()
    this.#server.closeAllConnections()
    await once(this.#server, 'close')
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** How long it keeps an idle connection, and says so in its answers, ms. */
  set keepAlive(ms: number) {
    this.#server.keepAliveTimeout = ms
  }

  /** The URL to register. */
  get url(): string {
    return `http://127.0.0.1:${this.port}/run/{action}`
  }

  /** The requests of one task so far. */
  of(location: string): Seen[] {
    return this.requests.filter((seen) => seen.location === location)
  }

  /** Resolves once `test` holds; looked at whenever a request arrives, is cut off or is answered. */
  async until(test: (requests: readonly Seen[]) => boolean, ms = 90_000): Promise<void> {
    const late = new Error(`${ms} ms were not enough for the requests that a test waits for`)
    const signal = AbortSignal.timeout(ms)
    while (!test(this.requests))
      await once(this.#events, 'changed', { signal }).catch(() => {
        throw new Error(`${late.message}; ${this.requests.length} came`, { cause: late })
      })
  }

  /** Answers what is held. */
  letGo(status = 200, body = '{"held":true}', which: (seen: Seen) => boolean = () => true): void {
    for (const [seen, response] of this.#held) {
      if (!which(seen)) continue
      response.writeHead(status).end(body)
      this.#held.delete(seen)
    }
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.peak = Math.max(this.peak, ++this.#open)
    const chunks: Buffer[] = []
    request.on('error', () => {})
    response.on('error', () => {})
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    await once(request, 'end').catch(() => {})
    // Its caller died while it was sent: no service would ever see it.
    if (!request.complete) return void (this.#open -= 1)
    const header = (name: string): string => String(request.headers[name] ?? '')
    const seen: Seen = {
      location: header('task-location'),
      action: header('task-action'),
      step: Number(header('task-step')),
      attempt: Number(header('task-attempt')),
      key: header('idempotency-key'),
      body: Buffer.concat(chunks),
      request,
      at: performance.now(),
      aborted: false,
      endedAt: undefined,
    }
    const before = this.#asked.get(seen.key) ?? 0
    this.#asked.set(seen.key, before + 1)
    this.requests.push(seen)
    response.on('close', () => {
      this.#open -= 1
      this.#held.delete(seen)
      seen.aborted = !response.writableEnded
      seen.endedAt = performance.now()
      this.#events.emit('changed')
    })
    const [name = '', n = '0'] = seen.action.split('.')
    const script = Object.hasOwn(SCRIPTS, name) ? SCRIPTS[name] : undefined
    if (name === 'held' || (name === 'heldstep' && seen.step > 0)) this.#held.set(seen, response)
    const begin = (): unknown =>
      script ? script({ seen, response, n: Number(n), before }) : response.writeHead(404).end()
    if (this.pace > 0) setTimeout(begin, this.pace)
    else begin()
    this.#events.emit('changed')
  }
}
