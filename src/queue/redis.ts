// The queue at Redis: its three connections, its health, and its lines in the log.
import type { Redis } from 'ioredis'
import { type RedisAddress, redisAddressOf } from '../core/redis-address.ts'
import type { Log } from '../telemetry/log.ts'
import { CancelNotices } from './cancel-notices.ts'
import { Keys } from './keys.ts'
import { Link, type LinkOptions, type LinkTimes } from './link.ts'
import { isWrongType } from './mend.ts'
import { Pops, type PopTimes } from './pops.ts'
import type { Popped, Queue } from './port.ts'
import { Pushes } from './pushes.ts'
import { reasonOf } from './reasons.ts'
import { refusedCommands } from './rights.ts'
import { within } from './within.ts'

/** In milliseconds. */
export interface RedisTimes extends LinkTimes, PopTimes {
  /** Between two questions whether a connection still works. */
  readonly beat: number
}

export const REDIS_TIMES: RedisTimes = {
  popWait: 2_000,
  popGrace: 2_000,
  answer: 1_000,
  connect: 3_000,
  pause: 50,
  maxPause: 2_000,
  beat: 1_000,
}

/** Failures in a row after which a connection is said not to come up, while another one works. */
const STUCK_FROM = 5

export interface RedisQueueOptions {
  /** As `REDIS_URL`. May hold passwords, which are never logged. */
  readonly url: string
  /** What every key and channel starts with. */
  readonly prefix: string
  readonly log: Log
  readonly times?: Partial<RedisTimes>
  /** Ids that may be on their way into the lists at once; a push beyond that is refused. */
  readonly pushCapacity?: number
}

/**
 * A queue at a Redis (6.2 or newer) or Valkey: one server, the primary of Sentinels, or the node of a Cluster that owns its keys. Healthy while the connection for commands is up, which it is only
 * as long as Redis takes writes, answers each command in time, and refuses none that is needed, and while pops can wait. Throws if the URL cannot be read.
 */
export class RedisQueue implements Queue {
  readonly kind = 'redis'
  readonly #log: Log
  readonly #address: RedisAddress
  readonly #times: RedisTimes
  readonly #keys: Keys
  readonly #commands: Link
  readonly #pushes: Pushes
  readonly #pops: Pops
  readonly #notices: CancelNotices
  readonly #health: ((healthy: boolean) => void)[] = []
  #running = false
  #healthy = false
  #complained = false
  /** What Redis refused when it was tried, of that which is not needed. */
  #refused: readonly string[] = []
  /** Connections that do not come up, while the one for commands does. */
  readonly #stuck = new Set<'pop' | 'cancels'>()
  #starting: Promise<void> = Promise.resolve()
  #stopping: Promise<void> = Promise.resolve()

  constructor({ url, prefix, log, times = {}, pushCapacity = 10_000 }: RedisQueueOptions) {
    const address = redisAddressOf(url)
    if (!address) throw new Error('The address of Redis is not a redis: or rediss: URL')
    this.#log = log
    this.#address = address
    this.#times = { ...REDIS_TIMES, ...times }
    this.#keys = new Keys(prefix)
    const { answer, beat } = this.#times
    const common = { address, probe: this.#keys.probe, times: this.#times }
    const commands = new Link({
      ...common,
      name: 'task_api:commands',
      pipelined: true,
      every: beat,
      check: (client, first) =>
        Promise.all([
          takesWrites(client, this.#keys),
          first || this.#refused.length > 0 ? this.#tryAll(client) : undefined,
        ]),
      up: () => {
        for (const link of others) link.follow(commands.place)
        this.#look()
      },
      down: (reason) => this.#look(reason),
    })
    // Ids and notices go where the commands go: after a failover no connection stays with the old primary.
    const others: Link[] = []
    const other = (options: Pick<LinkOptions, 'name' | 'check' | 'every'>, watched: 'pop' | 'cancels'): Link => {
      const link = new Link({ ...common, ...options, ...this.#watch(watched) })
      others.push(link)
      return link
    }
    const shared = { keys: this.#keys, commands, answer, mended: this.#mended }
    this.#commands = commands
    this.#pushes = new Pushes({ ...shared, capacity: pushCapacity })
    this.#pops = new Pops({
      ...shared,
      times: this.#times,
      popLink: (check) => other({ name: 'task_api:pop', check }, 'pop'),
    })
    this.#notices = new CancelNotices({
      ...shared,
      hearLink: (check) => other({ name: 'task_api:cancels', check, every: beat }, 'cancels'),
    })
  }

  get healthy(): boolean {
    return this.#healthy
  }

  get limited(): boolean {
    return this.#refused.length > 0 || this.#stuck.has('cancels')
  }

  /** Resolves once Redis is reached, or within a second without it. */
  start(): Promise<void> {
    if (!this.#running) {
      this.#running = true
      this.#starting = this.#stopping.then(() => this.#start())
    }
    return this.#starting
  }

  stop(): Promise<void> {
    if (this.#running) {
      this.#running = false
      this.#stopping = this.#stop(this.#starting)
    }
    return this.#stopping
  }

  push(service: string, id: string): Promise<boolean> {
    // Where nobody can pop, a list would only grow.
    return this.#running && this.#healthy ? this.#pushes.push(service, id) : Promise.resolve(false)
  }

  pop(services: readonly string[]): Promise<Popped | undefined> {
    return this.#running ? this.#pops.pop(services) : Promise.resolve(undefined)
  }

  take(service: string, count: number): Promise<number> {
    return this.#running ? this.#pops.take(service, count) : Promise.resolve(0)
  }

  interrupt(): void {
    this.#pops.interrupt()
  }

  notify(node: string, id: string): void {
    if (this.#running) this.#notices.notify(node, id)
  }

  listen(node: string, cancelled: (id: string) => void): void {
    this.#notices.listen(node, cancelled)
  }

  onHealth(changed: (healthy: boolean) => void): void {
    this.#health.push(changed)
  }

  async #start(): Promise<void> {
    await within(Promise.all([this.#commands.start(), this.#pops.start(), this.#notices.start()]), 1_000)
    if (!this.#healthy) this.#complain('no answer')
  }

  /** The connection for commands goes last: the others need it to end a BRPOP. */
  async #stop(starting: Promise<void>): Promise<void> {
    await starting
    await this.#pushes.settled(this.#times.answer / 2)
    await Promise.all([this.#pops.stop(), this.#notices.stop()])
    await this.#commands.stop()
  }

  /** A connection came up, or went down. */
  #look(reason = 'no answer'): void {
    const healthy = this.#commands.client !== undefined && !this.#stuck.has('pop')
    if (healthy && this.#complained) this.#log.event('redis_back')
    if (healthy) this.#complained = false
    else this.#complain(reason)
    if (healthy === this.#healthy) return
    this.#healthy = healthy
    for (const changed of this.#health) changed(healthy)
  }

  #complain(reason: string): void {
    if (this.#complained || !this.#running) return
    this.#complained = true
    this.#log.event('redis_unreachable', { reason })
  }

  /** Notices a connection that does not come up while that for commands is up: the user's rights, most likely. */
  #watch(connection: 'pop' | 'cancels'): Pick<LinkOptions, 'up' | 'down'> {
    let failures = 0
    return {
      up: () => {
        failures = 0
        if (this.#stuck.delete(connection)) this.#look()
      },
      down: (reason) => {
        failures = this.#commands.client ? failures + 1 : 0
        if (failures !== STUCK_FROM) return
        this.#log.event('redis_refuses_connection', { connection, reason })
        this.#stuck.add(connection)
        this.#look(reason)
      },
    }
  }

  async #tryAll(client: Redis): Promise<void> {
    const refused = await refusedCommands(client, this.#keys)
    const reasons = refused.map(({ command, error }) => `${command}: ${reasonOf(error, this.#address)}`)
    if (reasons.length > 0 && reasons.join() !== this.#refused.join())
      this.#log.event('redis_refuses_commands', { reasons })
    this.#refused = reasons
  }

  readonly #mended = (keys: readonly string[]): void => {
    for (const key of keys) this.#log.event('redis_key_deleted', { key })
  }
}

/** Rejects when Redis would refuse a push: read-only, out of memory, loading. Leaves nothing behind. */
async function takesWrites(client: Redis, keys: Keys): Promise<void> {
  try {
    const length = await client.lpushx(keys.probe, '')
    if (length > 0) await client.unlink(keys.probe)
  } catch (error) {
    // Redis looks at the type last: it would have taken the write.
    if (!isWrongType(error)) throw error
  }
}
