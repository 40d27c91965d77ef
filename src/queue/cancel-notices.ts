// Cancel notices between nodes: one channel a node, heard on a connection of its own.
import type { Redis } from 'ioredis'
import { type Keys, noticeIn } from './keys.ts'
import type { Link } from './link.ts'
import { OVERDUE, within } from './within.ts'

export interface CancelNoticesOptions {
  readonly keys: Keys
  readonly commands: Link
  /** Makes the connection that hears; its check is to subscribe (again). */
  readonly hearLink: (check: (client: Redis) => Promise<unknown>) => Link
  /** How long a command may take, in ms. */
  readonly answer: number
}

// One for each task of a full node, and more: only a bound.
const MOST_UNDER_WAY = 10_000

/** Sends cancel notices to other nodes and hears those for this one. */
export class CancelNotices {
  readonly #options: CancelNoticesOptions
  readonly #link: Link
  #listener: { readonly node: string; readonly cancelled: (id: string) => void } | undefined
  #underWay = 0

  constructor(options: CancelNoticesOptions) {
    this.#options = options
    this.#link = options.hearLink((client) => this.#subscribe(client))
  }

  start(): Promise<void> {
    return this.#link.start()
  }

  stop(): Promise<void> {
    return this.#link.stop()
  }

  notify(node: string, id: string): void {
    const { node: own, cancelled } = this.#listener ?? {}
    // Not by way of Redis, which may be away. Later, as from afar: what the listener throws is no business of the caller.
    if (cancelled && node === own) setImmediate(cancelled, id)
    else void this.#publish(node, id)
  }

  listen(node: string, cancelled: (id: string) => void): void {
    const before = this.#listener?.node
    this.#listener = { node, cancelled }
    const client = this.#link.client
    if (!client || node === before) return
    // A connection hears one channel only.
    if (before !== undefined) return this.#link.drop(client, 'renamed')
    within(this.#subscribe(client), this.#options.answer).then(
      (answer) => answer === OVERDUE && this.#link.drop(client, 'no answer'),
      (error: unknown) => this.#link.drop(client, error),
    )
  }

  async #publish(node: string, id: string): Promise<void> {
    const { commands, keys, answer } = this.#options
    const client = commands.client
    if (!client || this.#underWay >= MOST_UNDER_WAY) return
    this.#underWay++
    try {
      const heard = await within(client.publish(keys.channel(node), id), answer)
      if (heard === OVERDUE) commands.drop(client, 'no answer')
    } catch {
      // Refused or lost: that node's sync makes up for it.
    } finally {
      this.#underWay--
    }
  }

  #subscribe(client: Redis): Promise<unknown> {
    if (client.listenerCount('messageBuffer') === 0) client.on('messageBuffer', this.#hear)
    return this.#listener ? client.subscribe(this.#options.keys.channel(this.#listener.node)) : client.ping()
  }

  readonly #hear = (channel: Buffer | null, content: Buffer | null): void => {
    if (!this.#listener || !channel || !content) return
    if (channel.toString() !== this.#options.keys.channel(this.#listener.node)) return
    const id = noticeIn(content)
    if (id !== undefined) setImmediate(this.#listener.cancelled, id)
  }
}
