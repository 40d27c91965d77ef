// A scripted HTTP API on a real socket, and the command line run against it.
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Io, runCli } from '../../src/cli/cli.ts'

/** One scripted answer; a number is a status without a body, `hang` never answers. */
export type Answer = number | 'hang' | { status: number; body?: string; headers?: Record<string, string> }

interface Seen {
  readonly line: string
  /** The body's bytes, as Latin-1. */
  readonly body: string
  readonly headers: IncomingMessage['headers']
}

/** Gives the answers in their order, and keeps every request. */
export class FakeApi {
  answers: Answer[] = []
  /** Answers by `METHOD /path`, before those. */
  routes: Readonly<Record<string, Answer>> = {}
  seen: Seen[] = []
  readonly #server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const line = `${request.method} ${request.url}`
      this.seen.push({ line, body: Buffer.concat(chunks).toString('latin1'), headers: request.headers })
      const answer = this.routes[line] ?? this.answers.shift() ?? 500
      if (answer === 'hang') return
      const { status, body, headers } = typeof answer === 'number' ? { status: answer } : answer
      response.writeHead(status, headers).end(body)
    })
  })

  async start(): Promise<void> {
    await once(this.#server.listen(0, '127.0.0.1'), 'listening')
  }

  async stop(): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.#server.closeAllConnections()
    await closed
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Forgets what was asked, and answers with these from now on. */
  script(...answers: Answer[]): void {
    this.answers = answers
    this.routes = {}
    this.seen = []
  }

  /** Runs a command line against this API. */
  async run(argv: readonly string[], io: Partial<Io> = {}): Promise<{ code: number; out: string; err: string }> {
    const out: string[] = []
    const err: string[] = []
    const stdout = { write: (text: string) => out.push(text) }
    const stderr = { write: (text: string) => err.push(text) }
    const code = await runCli([...argv], { version: '1.2.3', stdout, stderr, env: { TASK_API_URL: this.url }, ...io })
    return { code, out: out.join(''), err: err.join('') }
  }
}

/** A payload that no parser may touch: long numbers, line breaks, brackets in strings, a name twice. */
export const PAYLOAD = '{"n":12345678901234567890.10,\r\n "a":[1,"]",{"b":"\\"}"}], "a":"\\u0000"}'

/** A task as the API shows it. */
export const task = (id: number, status: string, more = ''): string =>
  `{"location":"/tasks/${id}","service":"demo","action":"count","payload":${PAYLOAD},"status":"${status}"${more}}`

/** A refusal as the API gives it. */
export const problem = (status: number, code: string, more = {}): Answer => ({
  status,
  headers: { 'content-type': 'application/problem+json' },
  body: JSON.stringify({ type: 'about:blank', title: 'A title', status, detail: 'a detail', code, ...more }),
})
