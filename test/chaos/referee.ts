// The referee: the target service of a run. It answers by plan, records every request, and so knows the truth.
import { EventEmitter, once } from 'node:events'
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Planner } from './plan.ts'

/** A request as the referee saw it. Times are `Date.now()`, which the nodes and Postgres share on one machine. */
export interface Asked {
  /** Its number among all requests, from 1; it is in the answer, and so in the payload of what follows. */
  readonly serial: number
  readonly task: number
  readonly id: string
  readonly step: number
  readonly attempt: number
  readonly key: string
  readonly node: string
  /** The serial in its payload: the request whose answer led to this one; 0 for the first step. */
  readonly by: number
  /** Whether the payload is the very one that was given out. */
  readonly intact: boolean
  readonly at: number
  /** When it was answered or cut off. */
  end: number | undefined
  /** The status that was sent in full; 0: cut off. */
  status: number
}

type Answering = (request: IncomingMessage, response: ServerResponse, body: Buffer) => void

/** The referee, on a free port of 127.0.0.1. */
export class Referee {
  readonly asked: Asked[] = []
  readonly #plan: Planner
  readonly #byTask = new Map<number, Asked[]>()
  /** Actions that answer in a way of their own, by the first part of their name. */
  readonly #others = new Map<string, Answering>()
  readonly #events = new EventEmitter().setMaxListeners(0)
  readonly #server: Server = createServer((request, response) => void this.#take(request, response))
  /** Added to the pace of every task, ms. */
  delay = 0

  constructor(plan: Planner) {
    this.#plan = plan
  }

  async start(): Promise<this> {
    this.#server.listen(0, '127.0.0.1', 4_096)
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

  /** Answers actions `name` and `name.…` in another way than by plan; they are not recorded. */
  answer(name: string, answering: Answering): void {
    this.#others.set(name, answering)
  }

  /** The requests of a task, in the order of their arrival. */
  of(task: number): readonly Asked[] {
    return this.#byTask.get(task) ?? []
  }

  /** The tasks that were ever asked. */
  get tasks(): Iterable<number> {
    return this.#byTask.keys()
  }

  /** Whether no request is under way. */
  get idle(): boolean {
    return this.asked.every(({ end }) => end !== undefined)
  }

  /** Resolves once `test` holds; looked at whenever a request arrives or ends. Rejects after `ms`. */
  async until(test: () => boolean, ms = 30_000): Promise<void> {
    const signal = AbortSignal.timeout(ms)
    while (!test()) await once(this.#events, 'changed', { signal })
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const at = Date.now()
    const chunks: Buffer[] = []
    request.on('error', () => undefined)
    response.on('error', () => undefined)
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    await once(request, 'end').catch(() => undefined)
    // The rig asks how long a connection waits until it is taken.
    if (request.method === 'GET') return void response.writeHead(204).end()
    // Its sender died while it was sent: no service would ever see it.
    if (!request.complete) return
    const body = Buffer.concat(chunks)
    const other = this.#others.get(String(request.headers['task-action']).split('.')[0] ?? '')
    if (other) return other(request, response, body)
    const asked = this.#record(request, body.toString(), at)
    const { socket } = request
    const ended = (): void => {
      socket.off('close', ended)
      asked.end ??= Date.now()
      asked.status = response.writableFinished ? response.statusCode : 0
      this.#events.emit('changed')
    }
    response.on('close', ended)
    // It may have been cut off while its body was read: then the answer does not hear of it any more.
    if (socket.destroyed) ended()
    else socket.on('close', ended)
    this.#events.emit('changed')
    setTimeout(() => this.#answer(asked, response), this.#plan(asked.task).pace + this.delay)
  }

  #record(request: IncomingMessage, body: string, at: number): Asked {
    const header = (name: string): string => String(request.headers[name] ?? '')
    const [, task = '-1', step = '-1', by = '-1'] = /^\{"task":(\d+),"at":(\d+),"by":(\d+),"pad":"/.exec(body) ?? []
    const asked: Asked = {
      serial: this.asked.length + 1,
      task: Number(task),
      id: header('task-location').replace('/tasks/', ''),
      step: Number(header('task-step')),
      attempt: Number(header('task-attempt')),
      key: header('idempotency-key'),
      node: header('x-node'),
      by: Number(by),
      intact: body === bodyOf(Number(task), Number(header('task-step')), Number(by), this.#plan(Number(task)).padding),
      at,
      end: undefined,
      status: 0,
    }
    if (Number(step) !== asked.step) Object.assign(asked, { intact: false })
    this.asked.push(asked)
    const own = this.#byTask.get(asked.task)
    if (own) own.push(asked)
    else this.#byTask.set(asked.task, [asked])
    return asked
  }

  #answer({ task, step, serial }: Asked, response: ServerResponse): void {
    const plan = this.#plan(task)
    if (step === plan.flakyStep && this.of(task).filter((one) => one.step === step).length <= plan.flakes)
      return void response.writeHead(503).end('{"flaky":true}')
    if (step >= plan.steps) return void response.writeHead(plan.end).end(`{"task":${task},"by":${serial}}`)
    const headers: Record<string, string> = step === plan.waitStep ? { 'Retry-After': '1' } : {}
    response.writeHead(206, headers).end(bodyOf(task, step + 1, serial, plan.padding))
  }
}

/** The payload of a step, as the answer to the step before gives it out. */
const bodyOf = (task: number, step: number, by: number, padding: number): string =>
  `{"task":${task},"at":${step},"by":${by},"pad":"${'x'.repeat(padding)}"}`
