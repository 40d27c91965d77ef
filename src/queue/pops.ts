// Taking ids from the lists: the pop that waits, the take that does not, and the answers that come too late.
import type { Redis } from 'ioredis'
import type { Counts } from './counts.ts'
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
  readonly counts: Counts
  readonly mended: (keys: readonly string[]) => void
}

// More than a take and a pop can bring; only a bound.
const MOST_LATE = 10_000

/** The shortest wait that Redis is asked for, ms: 0 is for ever, and Redis before 7.0.8 takes a millisecond for 0 (redis/redis#11687). */
const SHORTEST = 10

/**
 * A waiting pop has a connection of its own, since BRPOP blocks it. An answer that misses its deadline is not forgotten:
 * the id in it is gone from Redis, so it is handed out by the next pop or take of its service.
 */
export class Pops {
  readonly #keys: Keys
  readonly #commands: Link
  readonly #link: Link
  readonly #times: PopTimes
  readonly #counts: Counts
  readonly #mended: (keys: readonly string[]) => void
  #connectionId: number | undefined
  #stop: AbortController | undefined
  #ended: Promise<unknown> = Promise.resolve()
  #late: Popped[] = []

  constructor({ keys, commands, popLink, times, counts, mended }: PopsOptions) {
    this.#keys = keys
    this.#commands = commands
    this.#times = times
    this.#counts = counts
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

  pop(services: readonly string[]): Promise<Popped[]> {
    if (this.#stop) return Promise.resolve([])
    const stop = new AbortController()
    this.#stop = stop
    const popping = this.#pop(services, stop.signal).finally(() => (this.#stop = undefined))
    this.#ended = popping
    return popping
  }

  interrupt(): void {
    this.#stop?.abort()
  }

  async take(service: string, count: number): Promise<Popped[]> {
    const late = this.#takeLate([service], count)
    const client = this.#commands.client
    if (!client || late.length === count) return late
    const key = this.#keys.list(service)
    const answer = client.rpopBuffer(key, count - late.length)
    try {
      const elements = await within(answer, this.#times.answer)
      if (elements !== OVERDUE) return [...late, ...this.#read(key, elements ?? [])]
      answer.then((elements) => this.#keep(this.#read(key, elements ?? []))).catch(() => {})
      this.#commands.drop(client, 'no answer')
    } catch (error) {
      await this.#refused(this.#commands, client, [key], error)
    }
    return late
  }

  async #pop(services: readonly string[], stop: AbortSignal): Promise<Popped[]> {
    const until = performance.now() + this.#times.popWait
    const keys = services.map((service) => this.#keys.list(service))
    for (;;) {
      const late = this.#takeLate(services, Infinity)
      const left = until - performance.now()
      if (late.length > 0 || stop.aborted || left < 1) return late
      const client = keys.length > 0 ? await this.#whenUp(left, stop) : await nothing(left, stop)
      const popped = client ? await this.#wait(client, keys, Math.max(until - performance.now(), SHORTEST), stop) : []
      if (popped.length > 0) return popped
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

  /** One BRPOP. Empty when it brought none, brought junk, or failed. */
  async #wait(client: Redis, keys: readonly string[], ms: number, stop: AbortSignal): Promise<Popped[]> {
    if (stop.aborted) return []
    const answer = client.brpopBuffer(...keys, (ms / 1000).toFixed(3))
    const unblock = (): void => void this.#unblock(answer)
    stop.addEventListener('abort', unblock)
    try {
      const element = await within(answer, ms + this.#times.popGrace)
      if (element !== OVERDUE) return element ? this.#read(element[0].toString(), [element[1]]) : []
      answer.then((late) => late && this.#keep(this.#read(late[0].toString(), [late[1]]))).catch(() => {})
      this.#link.drop(client, 'no answer')
    } catch (error) {
      await this.#refused(this.#link, client, keys, error)
    } finally {
      stop.removeEventListener('abort', unblock)
    }
    return []
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

  #read(key: string, elements: readonly Buffer[]): Popped[] {
    const service = this.#keys.serviceOf(key)
    const ids = elements.map(idIn).filter((id) => id !== undefined)
    this.#counts.junk += elements.length - ids.length
    return ids.map((id) => ({ service, id }))
  }

  #keep(popped: readonly Popped[]): void {
    this.#counts.late += popped.length
    this.#late = [...this.#late, ...popped].slice(0, MOST_LATE)
    if (popped.length > 0) this.interrupt()
  }

  #takeLate(services: readonly string[], count: number): Popped[] {
    if (this.#late.length === 0) return []
    const taken = this.#late.filter(({ service }) => services.includes(service)).slice(0, count)
    this.#late = this.#late.filter((popped) => !taken.includes(popped))
    return taken
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
