// One connection to Redis that is thrown away at the first sign of trouble and built anew.
import type { RedisAddress } from '../core/redis-address.ts'
import { connectionTo } from './connection.ts'
import { placeOf } from './place.ts'
import { reasonOf } from './reasons.ts'
import type { Redis } from './replies.ts'
import { OVERDUE, within } from './within.ts'

export interface LinkOptions {
  readonly address: RedisAddress
  /** A key that never exists, where all keys are. */
  readonly probe: string
  /** Shown by CLIENT LIST. */
  readonly name: string
  readonly pipelined?: boolean
  /** Asks Redis something that only a good connection answers well; before the link is up (`first`), and then once `every` ms. */
  readonly check: (client: Redis, first: boolean) => Promise<unknown>
  readonly every?: number
  readonly times: LinkTimes
  readonly up?: () => void
  /** Called for every connection that was lost or could not be made. */
  readonly down?: (reason: string) => void
}

/** In milliseconds. */
export interface LinkTimes {
  /** How long a command may take. */
  readonly answer: number
  /** How long a connection may take until its first check is answered. */
  readonly connect: number
  /** The first pause before a new connection; it doubles from one failure to the next, up to `maxPause`. */
  readonly pause: number
  readonly maxPause: number
}

/**
 * ioredis left to its own reconnects repeats commands, waits for ever on a half-open connection, or stops trying in rare
 * orders of events. So a client here lives as long as its socket, never queues, never repeats. After an error, a missed
 * deadline or the end of the socket the link drops it and, after a pause, builds the next.
 */
export class Link {
  readonly #options: LinkOptions
  readonly #ending = new Set<Promise<void>>()
  /** Connections to those that know where Redis is. */
  readonly #asked = new Set<Redis>()
  readonly #waiting = new Set<(client: Redis | undefined) => void>()
  #running = false
  #current: Redis | undefined
  #place: string | undefined
  #upSince: number | undefined
  #failures = 0
  #timer: NodeJS.Timeout | undefined

  constructor(options: LinkOptions) {
    this.#options = options
  }

  /** The client, while it is up. */
  get client(): Redis | undefined {
    return this.#upSince === undefined ? undefined : this.#current
  }

  /** The URL of the Redis that the client is at, while it is up. */
  get place(): string | undefined {
    return this.client && this.#place
  }

  /** Begins to connect. Resolves after the first try, well or not. */
  async start(): Promise<void> {
    if (this.#running) return
    this.#running = true
    this.#failures = 0
    await this.#open()
  }

  /** Closes the connection and resolves when its socket is gone: at once, or after half a second when Redis is silent. */
  async stop(): Promise<void> {
    this.#running = false
    if (this.#current) this.drop(this.#current, 'stopped')
    for (const client of this.#asked) this.#endAsked(client)
    clearTimeout(this.#timer)
    this.#wake(undefined)
    await Promise.all(this.#ending)
  }

  /** The client as soon as it is up; undefined when the signal aborts or the link stops before that. */
  whenUp(signal: AbortSignal): Promise<Redis | undefined> {
    if (this.client || signal.aborted || !this.#running) return Promise.resolve(this.client)
    return new Promise((resolve) => {
      const settle = (client: Redis | undefined): void => {
        signal.removeEventListener('abort', abort)
        this.#waiting.delete(settle)
        resolve(client)
      }
      const abort = (): void => settle(undefined)
      signal.addEventListener('abort', abort)
      this.#waiting.add(settle)
    })
  }

  /** Throws the client away if it is up at another place. */
  follow(place: string | undefined): void {
    if (this.client && place !== undefined && this.#place !== place) this.drop(this.client, 'Redis has moved')
  }

  /** Throws a client away, if it is still the one in use. Answers that are under way may still arrive for half a second. */
  drop(client: Redis, trouble: unknown): void {
    if (client !== this.#current) return
    const lasted = this.#upSince === undefined ? 0 : performance.now() - this.#upSince
    this.#current = undefined
    this.#upSince = undefined
    clearTimeout(this.#timer)
    this.#end(client)
    this.#failed(lasted, trouble)
  }

  #failed(lasted: number, trouble: unknown): void {
    if (this.#running) {
      // A connection that is accepted and then refused again and again must not be tried at full speed.
      this.#failures = lasted > this.#options.times.maxPause ? 1 : this.#failures + 1
      this.#timer = setTimeout(() => void this.#open(), pauseAfter(this.#failures, this.#options.times))
    }
    this.#options.down?.(reasonOf(trouble, this.#options.address))
  }

  async #open(): Promise<void> {
    const { address, probe, times } = this.#options
    let place: string
    try {
      const begin = (client: Redis): void => void this.#asked.add(client)
      place = await placeOf({ address, probe, ms: times.connect, begin, end: this.#endAsked })
    } catch (error) {
      return this.#failed(0, error)
    }
    if (this.#running) await this.#connect(place)
  }

  async #connect(place: string): Promise<void> {
    const { name, pipelined, check, times } = this.#options
    const client = connectionTo(place, { name, pipelined: pipelined ?? false, connect: times.connect })
    this.#current = client
    this.#place = place
    let trouble: unknown
    client.on('error', (error) => (trouble = error))
    client.on('end', () => this.drop(client, trouble ?? 'connection closed'))
    try {
      const answer = await within(
        client.connect().then(() => check(client, true)),
        times.connect,
      )
      if (answer === OVERDUE) this.drop(client, 'no answer')
      // ioredis goes on in database 0 when Redis refuses the one that was asked for.
      else if (trouble !== undefined) this.drop(client, trouble)
    } catch (error) {
      this.drop(client, trouble ?? error)
    }
    if (client !== this.#current) return
    this.#upSince = performance.now()
    this.#wake(client)
    this.#options.up?.()
    this.#checkLater(client)
  }

  #checkLater(client: Redis): void {
    const { check, every, times } = this.#options
    if (every === undefined || client !== this.#current) return
    this.#timer = setTimeout(() => {
      within(check(client, false), times.answer).then(
        (answer) => (answer === OVERDUE ? this.drop(client, 'no answer') : this.#checkLater(client)),
        (error: unknown) => this.drop(client, error),
      )
    }, every)
  }

  #wake(client: Redis | undefined): void {
    for (const settle of this.#waiting) settle(client)
  }

  readonly #endAsked = (client: Redis): void => {
    this.#asked.delete(client)
    this.#end(client)
  }

  #end(client: Redis): void {
    if (client.status === 'end') return
    const ended = new Promise<void>((resolve) => client.once('end', resolve))
    this.#ending.add(ended)
    void ended.then(() => this.#ending.delete(ended))
    client.disconnect()
  }
}

/** The pause after the nth failure in a row: doubled each time, capped, and between half and all of that. */
function pauseAfter(failures: number, times: LinkTimes): number {
  return Math.min(times.maxPause, times.pause * 2 ** (failures - 1)) * (0.5 + Math.random() / 2)
}
