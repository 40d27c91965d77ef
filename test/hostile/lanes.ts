// Kept-alive connections that carry many requests at once, one answer for each.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type Answer, parseAnswer, shown } from './http.ts'
import { GIVE_UP, type Tally } from './tally.ts'

const END_OF_LINE = '\r\n'
/** Requests that are under way at once. */
const WIDTH = 24

/** Sends requests over kept-alive connections. */
export class Lanes {
  readonly #port: number
  readonly #tally: Tally
  readonly #header: string
  readonly #idle: Socket[] = []

  /** `header`: a line that each request gets, with its CRLF; empty: none. */
  constructor(port: number, tally: Tally, header = '') {
    this.#port = port
    this.#tally = tally
    this.#header = header
  }

  /** The answer to each request, in the order of the requests. Rejects when one has none. */
  async askAll(requests: readonly Buffer[]): Promise<Answer[]> {
    const answers: Answer[] = []
    let next = 0
    const lane = async (): Promise<void> => {
      for (let turn = next++; turn < requests.length; turn = next++) {
        answers[turn] = await this.ask(requests[turn] ?? Buffer.alloc(0))
      }
    }
    await Promise.all(Array.from({ length: WIDTH }, lane))
    return answers
  }

  /** The answer to one request. */
  async ask(asked: Buffer): Promise<Answer> {
    const line = this.#header === '' ? 0 : asked.indexOf(END_OF_LINE) + END_OF_LINE.length
    const sent =
      line === 0 ? asked : Buffer.concat([asked.subarray(0, line), Buffer.from(this.#header), asked.subarray(line)])
    const { answer, took } = await this.#exchange(sent)
    this.#tally.count(sent, answer, took, async () => (await this.#exchange(sent)).took)
    return answer
  }

  close(): void {
    for (const socket of this.#idle) socket.destroy()
  }

  async #exchange(sent: Buffer): Promise<{ answer: Answer; took: number }> {
    const socket = this.#idle.pop() ?? (await this.#connect())
    const begun = performance.now()
    const answer = await exchange(socket, sent)
    const took = performance.now() - begun
    if (answer.headers.get('connection') === 'close') socket.destroy()
    else this.#idle.push(socket)
    return { answer, took }
  }

  async #connect(): Promise<Socket> {
    const socket = connect(this.#port, '127.0.0.1').setNoDelay(true)
    await once(socket, 'connect')
    return socket
  }
}

/** Writes a request and reads its answer: one, and not a byte behind it. */
function exchange(socket: Socket, sent: Buffer): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const bodiless = sent.subarray(0, 5).toString() === 'HEAD '
    let received: Buffer = Buffer.alloc(0)
    const end = (error?: Error, answer?: Answer): void => {
      clearTimeout(timer)
      socket.off('data', take).off('close', closed).off('error', closed)
      if (answer) return resolve(answer)
      socket.destroy()
      reject(new Error(`${error?.message ?? 'the connection closed'}; sent: ${shown(sent)}`))
    }
    const take = (chunk: Buffer): void => {
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk])
      try {
        const parsed = parseAnswer(received, bodiless)
        if (!parsed) return
        if (parsed.length < received.length) throw new Error(`more than one answer: ${shown(received)}`)
        end(undefined, parsed.answer)
      } catch (error) {
        end(error instanceof Error ? error : new Error(String(error)))
      }
    }
    const closed = (): void => end(new Error(`closed after ${shown(received)}`))
    const timer = setTimeout(() => end(new Error(`no answer in ${GIVE_UP} ms`)), GIVE_UP)
    socket.on('data', take).on('close', closed).on('error', closed)
    socket.write(sent)
  })
}
