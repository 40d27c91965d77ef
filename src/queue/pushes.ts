// Putting ids into the lists: the pushes of one turn of the event loop go as one LPUSH a service.
import type { Redis } from 'ioredis'
import type { Counts } from './counts.ts'
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
  readonly counts: Counts
  readonly mended: (keys: readonly string[]) => void
}

interface Push {
  readonly id: string
  readonly settle: (pushed: boolean) => void
}

/** Ids on their way into the lists. A push that cannot get in now is refused at once: it is only a hint. */
export class Pushes {
  readonly #options: PushesOptions
  #gathering = new Map<string, Push[]>()
  #underWay = 0
  #idle: (() => void) | undefined

  constructor(options: PushesOptions) {
    this.#options = options
  }

  push(service: string, id: string): Promise<boolean> {
    if (!this.#options.commands.client || this.#underWay >= this.#options.capacity) return this.refuse()
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

  /** Counts a push that did not get in. */
  refuse(): Promise<boolean> {
    this.#options.counts.unpushed++
    return Promise.resolve(false)
  }

  #flush(): void {
    const groups = this.#gathering
    this.#gathering = new Map()
    for (const [service, group] of groups) void this.#send(service, group)
  }

  async #send(service: string, group: readonly Push[]): Promise<void> {
    const pushed = await this.#lpush(
      this.#options.keys.list(service),
      group.map(({ id }) => id),
    )
    this.#underWay -= group.length
    if (!pushed) this.#options.counts.unpushed += group.length
    for (const { settle } of group) settle(pushed)
    if (this.#underWay === 0) this.#idle?.()
  }

  async #lpush(key: string, ids: readonly string[]): Promise<boolean> {
    const { commands, answer, mended } = this.#options
    const client = commands.client
    if (!client) return false
    try {
      const length = await within(pushOrMend(client, key, ids, mended), answer)
      if (length !== OVERDUE) return true
      commands.drop(client, 'no answer')
    } catch (error) {
      commands.drop(client, error)
    }
    return false
  }
}

async function pushOrMend(client: Redis, key: string, ids: readonly string[], mended: PushesOptions['mended']) {
  try {
    return await client.lpush(key, ...ids)
  } catch (error) {
    if (!isWrongType(error)) throw error
    mended(await mend(client, [key]))
    return client.lpush(key, ...ids)
  }
}
