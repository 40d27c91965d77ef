// The demo service: a target service on loopback that shows every way a task can go, for a first try without a file.
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { MAX_BODY } from '../core/limits.ts'
import type { Part } from '../core/part.ts'
import { type Service, SERVICE_DEFAULTS } from '../core/service.ts'
import { ACTIONS, type Answer, json } from './actions.ts'

/** The demo service on a free port of 127.0.0.1. */
export class DemoService implements Part {
  #server: Server | undefined
  #started: Promise<unknown> | undefined

  /** The URL to register, with `{action}`; throws before `start` has ended. */
  get url(): string {
    const address = this.#server?.address()
    if (typeof address !== 'object' || address === null) throw new Error('The demo service has not been started')
    return `http://127.0.0.1:${address.port}/{action}`
  }

  async start(): Promise<void> {
    if (this.#server === undefined) {
      this.#server = createServer((request, response) => void answer(request, response))
      this.#server.on('clientError', (_error, socket) => socket.destroy())
      this.#started = once(this.#server.listen(0, '127.0.0.1'), 'listening')
    }
    await this.#started
  }

  async stop(): Promise<void> {
    const [server, started] = [this.#server, this.#started]
    this.#server = undefined
    if (server === undefined) return
    await started
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    await closed
  }
}

/** The demo service as the configuration would register it. */
export const demoService = (url: string): Service => ({ name: 'demo', url, ...SERVICE_DEFAULTS })

/** What to try against the API at `url`, for a person: every indented line can be pasted as it is. */
export function demoHints(url: string): string {
  const base = url.replace(/\/$/, '')
  const tasks = `${base}/tasks`
  const post = (task: string) => `${tasks} -H 'content-type: application/json' -d '{"service":"demo",${task}}'`
  const created = (task: string) => `curl -sS -o /dev/null -w '%{redirect_url}' ${post(task)}`
  return `The page, to see and submit tasks: ${base}/ui
There is no services file, so the service "demo" is served. Its actions are ${Object.keys(ACTIONS).join(', ')}. Try them:
  Create a task of five requests; the header Location is its address:
    curl -si ${post('"action":"count","payload":{"to":5}')}
  List the tasks, the newest first:
    curl -sS '${tasks}?limit=10'
  Create a task and read it a second later:
    curl -sS "$(${created('"action":"echo","payload":[1,2]')}; sleep 1)"
  Create a task of 30 seconds and delete it while it runs:
    curl -si -X DELETE "$(${created('"action":"slow","payload":{"seconds":30}')}; sleep 1)"
`
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  // A caller that goes away ends the wait and the reading; there is nobody left to tell.
  const gone = new Promise<void>((resolve) => response.once('close', resolve))
  request.on('error', () => undefined)
  response.on('error', () => undefined)
  const body = await Promise.race([bodyOf(request), gone])
  if (body === undefined) return
  const { status, body: text, after = 0 } = decide(request, body)
  const timer = setTimeout(() => {
    response
      .writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) })
      .end(text)
  }, after)
  await gone
  clearTimeout(timer)
}

function decide(request: IncomingMessage, body: Buffer | 'too large'): Answer {
  const name = (request.url ?? '').replace(/^\//, '').replace(/\?.*$/s, '')
  const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined
  if (action === undefined) return json(404, { error: 'no such action', actions: Object.keys(ACTIONS) })
  if (request.method !== 'POST') return json(405, { error: 'actions are called with POST' })
  if (body === 'too large') return json(413, { error: `the payload is over ${MAX_BODY} bytes` })
  try {
    return action(body)
  } catch (error) {
    return json(500, { error: error instanceof RangeError ? error.message : 'unexpected' })
  }
}

/** The whole body; what is over the limit is read and dropped, so that the answer can be sent. */
async function bodyOf(request: IncomingMessage): Promise<Buffer | 'too large' | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size <= MAX_BODY) chunks.push(chunk)
    }
    return size > MAX_BODY ? 'too large' : Buffer.concat(chunks)
  } catch {
    return undefined
  }
}
