// Putting ids into the lists: the pushes of one turn of the event loop go as one LPUSH a service.
import type { Redis } from 'ioredis'
import type { Keys } from './keys.ts'
import type { Link } from './link.ts'
import { isWrongType, mend } from './mend.ts'
import { OVERDUE, within } from './within.ts'

export interface PushesOptions {
  readonly keys: Keys
  readonly commands: Link
  /** How long an LPUSH may take, in ms. */
  readonly answer: number
  /** Ids that may be on their way at once. */
  readonly capacity: number
  readonly mended: (keys: readonly string[]) => void
}

interface Push {
  readonly id: string
  readonly settle: (pushed: boolean) => void
}

/** A list of so many ids is left alone for so long, ms. */
const LONG = { from: 10_000, pause: 1_000 }

/** Ids on their way into the lists. A push that cannot get in now is refused at once: it is only a bell. */
export class Pushes {
  readonly #options: PushesOptions
  #gathering = new Map<string, Push[]>()
  /** Until when nothing is pushed into a list that is long, by service. */
  readonly #fullUntil = new Map<string, number>()
  #underWay = 0
  #idle: (() => void) | undefined

  constructor(options: PushesOptions) {
    this.#options = options
  }

  push(service: string, id: string): Promise<boolean> {
    // Nobody takes these ids for now; the rows are found without them.
    if (performance.now() < (this.#fullUntil.get(service) ?? 0)) return Promise.resolve(true)
    if (!this.#options.commands.client || this.#underWay >= this.#options.capacity) return Promise.resolve(false)
    this.#underWay++
    return new Promise((settle) => {
      if (this.#gathering.size === 0) setImmediate(() => this.#flush())
      const group = this.#gathering.get(service)
      if (group) group.push({ id, settle })
      else this.#gathering.set(service, [{ id, settle }])
    })
  }

  /** Resolves when nothing is under way any more, or after `ms` milliseconds. */
  async settled(ms: number): Promise<void> {
    if (this.#underWay > 0) await within(new Promise<void>((resolve) => (this.#idle = resolve)), ms)
  }

  #flush(): void {
    const groups = this.#gathering
    this.#gathering = new Map()
    for (const [service, group] of groups) void this.#send(service, group)
  }

  async #send(service: string, group: readonly Push[]): Promise<void> {
    const length = await this.#lpush(
      this.#options.keys.list(service),
      group.map(({ id }) => id),
    )
    if (length > LONG.from) this.#fullUntil.set(service, performance.now() + LONG.pause)
    this.#underWay -= group.length
    for (const { settle } of group) settle(length > 0)
    if (this.#underWay === 0) this.#idle?.()
  }

  /** The length of the list afterwards; 0 when the ids did not get in. */
  async #lpush(key: string, ids: readonly string[]): Promise<number> {
    const { commands, answer, mended } = this.#options
    const client = commands.client
    if (!client) return 0
    try {
      const length = await within(pushOrMend(client, key, ids, mended), answer)
      if (length !== OVERDUE) return length
      commands.drop(client, 'no answer')
    } catch (error) {
      commands.drop(client, error)
    }
    return 0
  }
}

async function pushOrMend(
  client: Redis,
  key: string,
  ids: readonly string[],
  mended: PushesOptions['mended'],
): Promise<number> {
  try {
    return await client.lpush(key, ...ids)
  } catch (error) {
    if (!isWrongType(error)) throw error
    mended(await mend(client, [key]))
    return client.lpush(key, ...ids)
  }
}
