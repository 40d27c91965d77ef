// Hundreds of callers who never finish: they are sent away in time, and meanwhile nobody else waits for them.
import { expect } from 'chai'
import { SERVER_LIMITS } from '../../src/api/server.ts'
import { Conversation } from './conversation.ts'
import { expectProblem, type Ground } from './ground.ts'
import { bytes } from './http.ts'

/** Callers of each kind. */
const CROWD = 150
/** Between two pieces, ms. */
const PIECE = 1_000
/** How much later than its limit a caller may be sent away: the server looks every so often, and the machine may be busy. */
const LATE = SERVER_LIMITS.connectionsCheckingInterval + 2_000

const HEADS = 'POST /tasks HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n'

interface Kind {
  /** What is sent at once. */
  readonly first: string
  /** What is sent from time to time. */
  readonly piece: string
  /** When it is over, ms. */
  readonly limit: number
}

/** The ways to be slow. */
const KINDS: Readonly<Record<string, Kind>> = {
  'send nothing': { first: '', piece: '', limit: SERVER_LIMITS.headersTimeout },
  'send headers letter by letter': { first: `${HEADS}X-A: `, piece: 'a', limit: SERVER_LIMITS.headersTimeout },
  'send headers without end': { first: HEADS, piece: 'X-A: b\r\n', limit: SERVER_LIMITS.headersTimeout },
  'send a body letter by letter': {
    first: `${HEADS}Content-Length: 100\r\n\r\n{`,
    piece: ' ',
    limit: SERVER_LIMITS.requestTimeout,
  },
  'send chunks without end': {
    first: `${HEADS}Transfer-Encoding: chunked\r\n\r\n`,
    piece: '1\r\n \r\n',
    limit: SERVER_LIMITS.requestTimeout,
  },
}

/** A crowd of slow callers, who begin all at once. */
export class Crowd {
  readonly #callers = new Map<string, readonly Conversation[]>()
  #begun = 0
  #timer: NodeJS.Timeout | undefined

  async start(port: number): Promise<void> {
    this.#begun = performance.now()
    for (const [name, { first }] of Object.entries(KINDS)) {
      const callers = await Promise.all(Array.from({ length: CROWD }, () => Conversation.open(port)))
      for (const caller of callers) caller.send(bytes(first))
      this.#callers.set(name, callers)
    }
    this.#timer = setInterval(() => {
      for (const [name, callers] of this.#callers)
        for (const caller of callers) if (caller.closedAt === undefined) caller.send(bytes(KINDS[name]?.piece ?? ''))
    }, PIECE)
  }

  stop(): void {
    clearInterval(this.#timer)
    for (const caller of [...this.#callers.values()].flat()) caller.close()
  }

  /** Waits for the end of one kind, and holds it against its limit. */
  async expectEnd(ground: Ground, name: string, { first, limit }: Kind): Promise<void> {
    for (const caller of this.#callers.get(name) ?? []) {
      const left = this.#begun + limit + LATE - performance.now()
      expect(await caller.closed(Math.max(1, left)), 'is sent away').to.equal(true)
      const { answers, closedAt = 0 } = caller
      expect(closedAt - this.#begun, 'is given its time').to.be.at.least(limit)
      expect(answers.map(({ status }) => status)).to.deep.equal([408])
      for (const answer of answers) {
        ground.tally.count(bytes(first), answer, 0, async () => 0)
        expectProblem(answer, bytes(first))
      }
    }
  }
}

/** Declares the tests that wait for the end of a crowd. */
export function slow(ground: Ground, crowd: Crowd): void {
  for (const [name, kind] of Object.entries(KINDS))
    it(`sends ${CROWD} callers away who ${name}`, () => crowd.expectEnd(ground, name, kind))
}
