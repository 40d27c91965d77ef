// A target service that gives back what it was sent, to the byte, and remembers it.
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What the mirror puts around a payload for the time of one step. */
const FRAME = [Buffer.from('\n\t'), Buffer.from(' \r\n')] as const

interface Turn {
  readonly status: 200 | 206
  readonly body: Buffer
}

/** The answer to one step of a task. An action that is not named here is complete at once. */
const ACTIONS: Readonly<Record<string, (step: number, body: Buffer) => Turn>> = {
  /** Other bytes for one step, then the first ones again. */
  loop: (step, body) => {
    if (step === 0) return { status: 206, body: Buffer.concat([FRAME[0], body, FRAME[1]]) }
    if (step === 1) return { status: 206, body: body.subarray(FRAME[0].length, body.length - FRAME[1].length) }
    return { status: 200, body }
  },
  /** The very bytes for one step more. */
  same: (step, body) => ({ status: step === 0 ? 206 : 200, body }),
}

/** The bodies that each step of a task with this action must have, from its payload. */
export function stepsOf(action: string, payload: Buffer): Buffer[] {
  const bodies: Buffer[] = []
  let turn: Turn = { status: 206, body: payload }
  while (turn.status === 206) {
    bodies.push(turn.body)
    turn = turnOf(action, bodies.length - 1, turn.body)
  }
  return bodies
}

const turnOf = (action: string, step: number, body: Buffer): Turn =>
  (Object.hasOwn(ACTIONS, action) ? ACTIONS[action] : undefined)?.(step, body) ?? { status: 200, body }

/** The mirror, on a free port of 127.0.0.1. */
export class Mirror {
  /** The bodies of each task by its location, in the order in which they came. */
  readonly seen = new Map<string, Buffer[]>()
  /** Requests that were not as the contract says. */
  readonly odd: string[] = []
  readonly #server: Server = createServer((request, response) => void this.#take(request, response))

  async start(): Promise<void> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
  }

  async stop(): Promise<void> {
    this.#server.close()
    this.#server.closeAllConnections()
    await once(this.#server, 'close')
  }

  /** The URL to register. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/run/{action}`
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    await once(request, 'end')
    const body = Buffer.concat(chunks)
    const location = String(request.headers['task-location'])
    const action = String(request.headers['task-action'])
    const bodies = this.seen.get(location) ?? []
    const step = bodies.push(body) - 1
    this.seen.set(location, bodies)
    if (request.url !== `/run/${action}` || request.headers['task-step'] !== String(step))
      this.odd.push(`${location}: ${String(request.url)}, step ${String(request.headers['task-step'])}`)
    const turn = turnOf(action, step, body)
    response.writeHead(turn.status, { 'Content-Length': turn.body.length }).end(turn.body)
  }
}
