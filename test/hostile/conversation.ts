// One raw connection: what was sent over it, what came back, and whether it is still open.
import { EventEmitter, once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type Answer, parseAnswers } from './http.ts'
import { GIVE_UP } from './tally.ts'

/** A raw connection to a port of 127.0.0.1. */
export class Conversation {
  readonly #socket: Socket
  readonly #events = new EventEmitter()
  #received: Buffer = Buffer.alloc(0)
  #closedAt: number | undefined

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk])
      this.#events.emit('changed')
    })
    // A connection that the other side resets is closed, and that is all.
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      this.#closedAt = performance.now()
      this.#events.emit('changed')
    })
  }

  static async open(port: number): Promise<Conversation> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    await once(socket, 'connect')
    return new Conversation(socket)
  }

  /** `performance.now()` when it closed. */
  get closedAt(): number | undefined {
    return this.#closedAt
  }

  /** The whole answers so far. */
  get answers(): Answer[] {
    return parseAnswers(this.#received)
  }

  send(bytes: Buffer): void {
    if (this.#socket.writable) this.#socket.write(bytes)
  }

  /** Closes our half. */
  end(): void {
    if (this.#socket.writable) this.#socket.end()
  }

  /** Cuts the connection once all is sent. */
  async reset(): Promise<void> {
    await new Promise((resolve) => this.#socket.write('', resolve))
    this.#socket.resetAndDestroy()
  }

  close(): void {
    this.#socket.destroy()
  }

  /** Resolves once that many answers are there, or the connection is closed, or the time is up; whether they are there. */
  async answered(count: number, ms = GIVE_UP): Promise<boolean> {
    return this.#until(() => this.answers.length >= count, ms)
  }

  /** Resolves once the connection is closed or the time is up; whether it is closed. */
  async closed(ms = GIVE_UP): Promise<boolean> {
    return this.#until(() => this.#closedAt !== undefined, ms)
  }

  async #until(test: () => boolean, ms: number): Promise<boolean> {
    const signal = AbortSignal.timeout(Math.max(0, Math.ceil(ms)))
    while (!test() && this.#closedAt === undefined && !signal.aborted)
      await once(this.#events, 'changed', { signal }).catch(() => undefined)
    return test()
  }
}
