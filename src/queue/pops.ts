// Taking ids from the lists: the pop that waits, and the take that does not. An answer that comes too late is lost, and costs a second.
import type { Redis } from 'ioredis'
import { idIn, type Keys } from './keys.ts'
import type { Link } from './link.ts'
import { isWrongType, mend } from './mend.ts'
import type { Popped } from './port.ts'
import { OVERDUE, within } from './within.ts'

/** In milliseconds. */
export interface PopTimes {
  /** How long a pop waits for an id. */
  readonly popWait: number
  /** How long after that Redis may take to say that there was none. */
  readonly popGrace: number
  /** How long any other command may take. */
  readonly answer: number
}

export interface PopsOptions {
  readonly keys: Keys
  readonly commands: Link
  /** Makes the connection that waits; its check is to ask for the connection's id, and whether it may wait. */
  readonly popLink: (check: (client: Redis) => Promise<void>) => Link
  readonly times: PopTimes
  readonly mended: (keys: readonly string[]) => void
}

/** The shortest wait that Redis is asked for, ms: 0 is for ever, and Redis before 7.0.8 takes a millisecond for 0 (redis/redis#11687). */
const SHORTEST = 10

/** A waiting pop has a connection of its own, since BRPOP blocks its connection. */
export class Pops {
  readonly #keys: Keys
  readonly #commands: Link
  readonly #link: Link
  readonly #times: PopTimes
  readonly #mended: (keys: readonly string[]) => void
  #connectionId: number | undefined
  #stop: AbortController | undefined
  #ended: Promise<unknown> = Promise.resolve()

  constructor({ keys, commands, popLink, times, mended }: PopsOptions) {
    this.#keys = keys
    this.#commands = commands
    this.#times = times
    this.#mended = mended
    this.#link = popLink(async (client) => {
      this.#connectionId = undefined
      // A user that may not ask waits for the end of each BRPOP instead of interrupting it.
      const asked = client.client('ID').catch(() => undefined)
      const waited = client.brpop(keys.probe, SHORTEST / 1_000).catch((error: unknown) => {
        if (!isWrongType(error)) throw error
      })
      ;[this.#connectionId] = await Promise.all([asked, waited])
    })
  }

  start(): Promise<void> {
    return this.#link.start()
  }

  /** Ends the waiting pop, if need be without an answer, and closes its connection. */
  async stop(): Promise<void> {
    this.interrupt()
    await within(this.#ended, this.#times.answer / 2)
    await this.#link.stop()
  }

  pop(services: readonly string[]): Promise<Popped | undefined> {
    if (this.#stop) return Promise.resolve(undefined)
    const stop = new AbortController()
    this.#stop = stop
    const popping = this.#pop(services, stop.signal).finally(() => (this.#stop = undefined))
    this.#ended = popping
    return popping
  }

  interrupt(): void {
    this.#stop?.abort()
  }

  async take(service: string, count: number): Promise<number> {
    const client = this.#commands.client
    if (!client) return 0
    const key = this.#keys.list(service)
    try {
      const elements = await within(client.rpopBuffer(key, count), this.#times.answer)
      if (elements !== OVERDUE) return elements?.length ?? 0
      this.#commands.drop(client, 'no answer')
    } catch (error) {
      await this.#refused(this.#commands, client, [key], error)
    }
    return 0
  }

  async #pop(services: readonly string[], stop: AbortSignal): Promise<Popped | undefined> {
    const until = performance.now() + this.#times.popWait
    const keys = services.map((service) => this.#keys.list(service))
    for (;;) {
      const left = until - performance.now()
      if (stop.aborted || left < 1) return undefined
      const client = keys.length > 0 ? await this.#whenUp(left, stop) : await nothing(left, stop)
      const ms = Math.max(until - performance.now(), SHORTEST)
      const popped = client ? await this.#wait(client, keys, ms, stop) : undefined
      if (popped) return popped
    }
  }

  #whenUp(ms: number, stop: AbortSignal): Promise<Redis | undefined> {
    if (this.#link.client) return Promise.resolve(this.#link.client)
    const limit = new AbortController()
    const timer = setTimeout(() => limit.abort(), ms)
    const abort = (): void => limit.abort()
    stop.addEventListener('abort', abort)
    return this.#link.whenUp(limit.signal).finally(() => {
      clearTimeout(timer)
      stop.removeEventListener('abort', abort)
    })
  }

  /** One BRPOP. Undefined when it brought none, brought junk, or failed. */
  async #wait(client: Redis, keys: readonly string[], ms: number, stop: AbortSignal): Promise<Popped | undefined> {
    if (stop.aborted) return undefined
    const answer = client.brpopBuffer(...keys, (ms / 1000).toFixed(3))
    const unblock = (): void => void this.#unblock(answer)
    stop.addEventListener('abort', unblock)
    try {
      const element = await within(answer, ms + this.#times.popGrace)
      if (element !== OVERDUE) return element ? this.#read(element[0].toString(), element[1]) : undefined
      this.#link.drop(client, 'no answer')
    } catch (error) {
      await this.#refused(this.#link, client, keys, error)
    } finally {
      stop.removeEventListener('abort', unblock)
    }
    return undefined
  }

  /** Asks Redis to end a BRPOP, from the other connection, until it has ended: the BRPOP may still be on its way there. */
  async #unblock(blocked: Promise<unknown>): Promise<void> {
    const ended = blocked.then(
      () => true,
      () => true,
    )
    for (let pause = 1; (await within(ended, pause)) === OVERDUE; pause = Math.min(pause * 2, 50)) {
      const client = this.#commands.client
      if (!client || this.#connectionId === undefined) return
      try {
        const unblocked = await within(client.client('UNBLOCK', this.#connectionId), this.#times.answer)
        if (unblocked !== 0) return
      } catch {
        return
      }
    }
  }

  /** Deletes what is no list and goes on; after any other error the connection is not trusted any more. */
  async #refused(link: Link, client: Redis, keys: readonly string[], error: unknown): Promise<void> {
    if (!isWrongType(error)) return link.drop(client, error)
    try {
      const gone = await within(mend(client, keys), this.#times.answer)
      if (gone === OVERDUE) link.drop(client, 'no answer')
      else this.#mended(gone)
    } catch (cause) {
      link.drop(client, cause)
    }
  }

  #read(key: string, element: Buffer): Popped | undefined {
    const id = idIn(element)
    return id === undefined ? undefined : { service: this.#keys.serviceOf(key), id }
  }
}

/** Waits without a client, until the time is up or the signal aborts. */
function nothing(ms: number, stop: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer)
      stop.removeEventListener('abort', end)
      resolve(undefined)
    }
    const timer = setTimeout(end, ms)
    stop.addEventListener('abort', end)
  })
}
