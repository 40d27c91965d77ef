// The supervisor: takes claims in, keeps their actors going, and lets nothing be written or begun that is not its own.
import type { Part } from '../core/part.ts'
import type { Services } from '../core/service.ts'
import type { Timings } from '../core/timings.ts'
import { Trust, trustBuffer } from '../core/trust.ts'
import type { Slot } from '../lifecycle/submit.ts'
import type { Queue } from '../queue/port.ts'
import type { Store } from '../store/store.ts'
import type { Log } from '../telemetry/log.ts'
import { Seldom } from '../telemetry/seldom.ts'
import { makeChores } from './chores.ts'
import { Dispatch } from './dispatch.ts'
import { drain } from './drain.ts'
import { Hands } from './hands.ts'
import { threadHeap } from './heap.ts'
import { Hints } from './hints.ts'
import { Intake } from './intake.ts'
import { Lease, type LeaseOptions } from './lease.ts'
import { Pool } from './pool.ts'
import { Pop } from './pop.ts'
import { Quarantine } from './quarantine.ts'
import { take } from './reports.ts'
import { Sweep } from './sweep.ts'
import { sync } from './sync.ts'

export interface SupervisorOptions extends Pick<LeaseOptions, 'identity' | 'name'> {
  readonly store: Store
  readonly queue: Queue
  readonly services: Services
  readonly slots: number
  readonly threads: number
  /** The thread's entry, a file URL. */
  readonly entry: string
  /** How large the JS heap of a thread may grow, MiB; by default what the machine has for so many threads. */
  readonly heap?: number
  readonly timings: Timings
  /** How long requests in flight get to be answered when the node stops, ms. */
  readonly drainTimeout: number
  /** Whether no other node can be alive on this Postgres. */
  readonly alone: boolean
  readonly version: string
  readonly log: Log
}

/** With so many tasks in hand, or half of its slots filled where that is more, a node leaves new ones to the lists, where others may be waiting. */
const MOST_DIRECT = 200

/** A part. `stop` drains: requests in flight get their time, their answers are written, and the rest is given back. */
export class Supervisor implements Part {
  readonly name = 'supervisor'
  readonly #options: SupervisorOptions
  readonly #trust: Trust
  readonly #hands: Hands
  readonly #lease: Lease
  readonly #pool: Pool
  readonly #quarantine: Quarantine
  readonly #dispatch: Dispatch
  readonly #hints: Hints
  readonly #intake: Intake
  readonly #pop: Pop
  readonly #sweep: Sweep
  readonly #chores: readonly Part[]
  #missed: ReadonlyMap<string, number> = new Map()
  #syncing = false
  #stopped: Promise<void> | undefined

  constructor(options: SupervisorOptions) {
    this.#options = options
    const { store, queue, services, slots, threads, entry, timings, version, log } = options
    const names = [...services.keys()]
    const buffer = trustBuffer()
    const trust = (this.#trust = new Trust(buffer))
    const hands = (this.#hands = new Hands(slots, services, (service, held) => {
      this.#pop.freed(service)
      this.#sweep.freed(service, held !== undefined)
      if (held) this.#quarantine.ended(held)
    }))
    const orphaned = (held: Parameters<Dispatch['orphaned']>[0]): void => this.#dispatch.orphaned(held)
    const lacking = new Seldom()
    const reports = {
      store,
      hands,
      trust,
      log,
      lacking,
      orphaned: (held: Parameters<typeof orphaned>[0][number]) => orphaned([held]),
    }
    const thread = {
      entry,
      trust: buffer,
      services,
      version,
      heap: options.heap ?? threadHeap(threads),
      silence: timings.silence,
      log,
      reported: (_thread: unknown, report: Parameters<typeof take>[1]) => void take(reports, report),
    }
    this.#lease = new Lease({
      ...options,
      services: names,
      trust,
      beaten: () => void this.#sync(),
      renamed: (node) => this.#renamed(node),
    })
    this.#quarantine = new Quarantine({
      pool: (events) => new Pool({ ...thread, ...events, name: 'quarantine', threads: 1 }),
      store,
      hands,
      trial: timings.quarantine,
      log,
      orphaned,
    })
    this.#pool = new Pool({
      ...thread,
      name: 'threads',
      threads,
      died: (dead, cause) => {
        log.event('thread_died', { err: cause, tasks: dead.load })
        this.#dispatch.threadDied(dead)
      },
      available: () => this.#dispatch.resume(),
    })
    const dispatch = (this.#dispatch = new Dispatch({
      store,
      hands,
      trust,
      pool: this.#pool,
      quarantine: this.#quarantine,
      log,
    }))
    const hints = (this.#hints = new Hints({
      store,
      hands,
      epoch: () => trust.epoch,
      stop: (held) => dispatch.stop(held),
      confirm: (held, epoch) => dispatch.confirm(held, epoch),
      log,
    }))
    const hinted = (id: string): void => hints.heard(id)
    const intake = (this.#intake = new Intake({
      store,
      queue,
      hands,
      lease: this.#lease,
      trust,
      dispatch,
      hinted,
      log,
    }))
    const supplied = (service: string): boolean => this.#pop.supplies(service)
    this.#sweep = new Sweep({ intake, hands, queue, services: names, supplied, timings, log })
    const room = (service: string): number => this.#sweep.roomForPops(service)
    const limit = (service: string): number => hands.limit(service)
    this.#pop = new Pop({ queue, intake, services: names, room, limit, log })
    this.#chores = makeChores({ store, lease: this.#lease, services, timings, log })
  }

  /** The id of this node. */
  get node(): string {
    return this.#lease.node
  }

  async start(): Promise<void> {
    const { queue } = this.#options
    await this.#pool.start()
    await this.#lease.start()
    queue.listen(this.#lease.node, (id) => this.cancelled(id))
    queue.onHealth((healthy) => healthy || this.#sweep.unheard())
    for (const part of [this.#pop, this.#sweep, ...this.#chores]) await part.start()
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  /** An id did not get into the queue: this node looks for its row by itself. */
  unheard(): void {
    this.#sweep.unheard()
  }

  /**
   * Direct hand-over: keeps a slot for a task that is about to be inserted here. Only where it overtakes nobody: nothing waits in the
   * list of its service, as far as this node knows, and what the sweep is owed stays free.
   */
  slot(service: string): Slot | undefined {
    const { queue, slots } = this.#options
    const free =
      queue.healthy &&
      this.#pop.drained(service) &&
      this.#hands.size + this.#hands.inFlight.size < Math.max(MOST_DIRECT, slots / 2) &&
      this.#sweep.roomForPops(service) > 0
    return free ? this.#intake.slot(service) : undefined
  }

  /** A hint says that a task was deleted: its row is asked, also one whose claim is still under way. */
  cancelled(id: string): void {
    this.#hands.remember(id)
    this.#hints.heard(id)
  }

  /** A task was deleted by this very node, so nobody need be asked. */
  deleted(id: string): void {
    this.#hands.remember(id)
    const held = this.#hands.get(id)
    if (held) this.#dispatch.stop(held)
  }

  async #stop(): Promise<void> {
    const { drainTimeout, store, log } = this.#options
    this.#trust.close()
    this.#intake.close()
    this.#pool.drain()
    this.#quarantine.drain()
    await Promise.all([this.#pop, this.#sweep, ...this.#chores].map((part) => part.stop()))
    await drain({ hands: this.#hands, store, timeout: drainTimeout, log })
    this.#hints.end()
    this.#dispatch.end()
    await this.#lease.stop()
    await Promise.all([this.#pool.stop(), this.#quarantine.stop()])
  }

  /** Everything in hand belongs to a node that is gone. */
  #renamed(node: string): void {
    for (const held of this.#hands.all()) this.#dispatch.stop(held)
    this.#options.queue.listen(node, (id) => this.cancelled(id))
  }

  async #sync(): Promise<void> {
    if (this.#syncing) return
    this.#syncing = true
    const { store, log } = this.#options
    const { epoch } = this.#trust
    try {
      const judged = await sync({ store, hands: this.#hands, node: this.#lease.node, epoch }, this.#missed)
      this.#missed = judged.missed
      for (const held of judged.stop) {
        log.event('claim_gone', { task: held.id, service: held.service })
        this.#dispatch.stop(held)
      }
      for (const held of judged.confirm) this.#dispatch.confirm(held, epoch)
      for (const fence of judged.release) void store.release.add(fence).catch(() => undefined)
    } catch (error) {
      log.event('sync_failed', { err: error })
    } finally {
      this.#syncing = false
    }
  }
}
