// The threads of a node: the least busy one takes the next task, and one that dies is replaced.
import type { Part } from '../core/part.ts'
import type { Services } from '../core/service.ts'
import type { Log } from '../telemetry/log.ts'
import type { Lanes } from './lanes.ts'
import { Thread, type ThreadOptions } from './thread.ts'

export interface PoolOptions extends ThreadOptions {
  readonly threads: number
  /** The services that are known now. */
  readonly services: Services
  readonly lanes: Pick<Lanes, 'memory'>
  readonly log: Log
  /** Called when there is a thread again after there was none. */
  available(): void
}

/** Pauses between a thread's death and its replacement, ms; they grow while replacements die at once. */
const RESTART = { first: 50, most: 5_000, healthy: 10_000 }

/** A part. `start` rejects when the first threads cannot start. */
export class Pool implements Part {
  readonly #options: PoolOptions
  readonly #threads = new Set<Thread>()
  readonly #timers = new Set<NodeJS.Timeout>()
  #stopping = false
  #draining = false
  #pause = RESTART.first
  #lastStart = 0

  constructor(options: PoolOptions) {
    this.#options = options
  }

  async start(): Promise<void> {
    this.#stopping = false
    await Promise.all(Array.from({ length: this.#options.threads - this.#threads.size }, () => this.#launch()))
  }

  async stop(): Promise<void> {
    this.#stopping = true
    for (const timer of this.#timers) clearTimeout(timer)
    const threads = [...this.#threads]
    this.#threads.clear()
    await Promise.all(threads.map((thread) => thread.stop()))
  }

  /** The least busy thread that is ready; undefined while there is none. */
  get idlest(): Thread | undefined {
    let idlest: Thread | undefined
    for (const thread of this.#threads) if (!idlest || thread.load < idlest.load) idlest = thread
    return idlest
  }

  /** From now on nothing new begins in any thread, nor in one that comes later. */
  drain(): void {
    this.#draining = true
    for (const thread of this.#threads) thread.tell({ kind: 'drain' })
  }

  /** The services have changed: every thread hears which there are now. */
  serve(): void {
    for (const thread of this.#threads) this.#tellServices(thread)
  }

  get threads(): readonly Thread[] {
    return [...this.#threads]
  }

  async #launch(): Promise<void> {
    this.#lastStart = performance.now()
    const thread = new Thread({ ...this.#options, died: (dead, cause) => this.#replace(dead, cause) })
    await thread.start()
    if (this.#stopping) return thread.stop()
    this.#tellServices(thread)
    if (this.#draining) thread.tell({ kind: 'drain' })
    this.#threads.add(thread)
    this.#options.available()
  }

  #tellServices(thread: Thread): void {
    const { services, lanes } = this.#options
    thread.tell({ kind: 'services', services, memory: lanes.memory })
  }

  #replace(dead: Thread, cause: Error): void {
    this.#threads.delete(dead)
    this.#options.died(dead, cause)
    if (this.#stopping) return
    const lived = performance.now() - this.#lastStart
    this.#pause = lived > RESTART.healthy ? RESTART.first : Math.min(RESTART.most, this.#pause * 2)
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      // A replacement that dies while it starts comes back here through `died`.
      this.#launch().catch((error: unknown) => this.#options.log.event('thread_not_started', { err: error }))
    }, this.#pause)
    this.#timers.add(timer)
  }
}
