// The target service of all, in its own process: it answers 206 as often as a payload asks, then 200.
import { type ServerResponse, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What a task carries. */
export interface Payload {
  /** Its number. */
  readonly i: number
  /** The answers 206 to come. */
  readonly steps: number
  /** When it was posted, ns of the machine's clock. */
  readonly at: string
  /** Whether it is kept waiting until the bench lets it go. */
  readonly hold: boolean
  /** How long each of its answers takes, ms. */
  readonly delay: number
  /** Whether the time from its POST to its first request is measured. */
  readonly timed: boolean
}

/** What the bench asks of the stub: to forget what it saw, to tell when so many tasks have got their 200 or stand waiting, or to let those go. */
export type Asked =
  { readonly reset: true } | { readonly finals: number } | { readonly held: number } | { readonly release: true }

/** What it says: its port, and at each reached mark how long after its POST the first request of each timed task came, ms. */
export type Said = { readonly port: number } | { readonly latencies: readonly number[] }

const HEADERS = { 'content-type': 'application/json' }
const DONE = '{"ok":true}'

let finals = 0
let latencies: number[] = []
let begun = new Set<number>()
let held: (() => void)[] = []
let mark: { finals: number; held: number } | undefined

const say = (said: Said): void => void process.send?.(said)

function look(): void {
  if (!mark || finals < mark.finals || held.length < mark.held) return
  mark = undefined
  say({ latencies })
}

function answer(response: ServerResponse, payload: Payload): void {
  if (payload.steps > 0) {
    response.writeHead(206, HEADERS).end(JSON.stringify({ ...payload, steps: payload.steps - 1 }))
    return
  }
  response.writeHead(200, HEADERS).end(DONE)
  finals += 1
  look()
}

function run(payload: Payload, response: ServerResponse): void {
  if (payload.timed && !begun.has(payload.i)) {
    begun.add(payload.i)
    latencies.push(Number(process.hrtime.bigint() - BigInt(payload.at)) / 1e6)
  }
  if (payload.delay > 0) return void setTimeout(answer, payload.delay, response, payload)
  if (!payload.hold) return answer(response, payload)
  held.push(() => answer(response, payload))
  look()
}

const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => run(JSON.parse(Buffer.concat(chunks).toString()) as Payload, response))
})
server.keepAliveTimeout = 60_000
server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 }, () =>
  say({ port: (server.address() as AddressInfo).port }),
)

process.on('message', (asked: Asked) => {
  if ('reset' in asked) {
    finals = 0
    latencies = []
    begun = new Set()
  } else if ('release' in asked) for (const go of held.splice(0)) go()
  else {
    mark = { finals: 0, held: 0, ...asked }
    look()
  }
})
process.on('disconnect', () => process.exit())
