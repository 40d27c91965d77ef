// The supervisor: claims tasks, keeps their actors going, and lets nothing be written or begun that is not this node's own.
import type { Part } from '../core/part.ts'
import type { Figures, Reservation, Supervision } from '../core/ports.ts'
import type { Retention, Services } from '../core/service.ts'
import type { Timings } from '../core/timings.ts'
import { Trust, trustBuffer } from '../core/trust.ts'
import { CHANGED } from '../queue/keys.ts'
import type { Queue } from '../queue/port.ts'
import type { Store } from '../store/store.ts'
import type { Log } from '../telemetry/log.ts'
import { Seldom } from '../telemetry/seldom.ts'
import type { Tracing } from '../telemetry/tracing.ts'
import { Audit } from './audit.ts'
import { makeChores } from './chores.ts'
import { Claims } from './claims.ts'
import { reserve } from './direct.ts'
import { Dispatch } from './dispatch.ts'
import { drain } from './drain.ts'
import { FullPass } from './full-pass.ts'
import { Grants } from './grants.ts'
import { threadHeap } from './heap.ts'
import { Intake } from './intake.ts'
import { Lanes } from './lanes.ts'
import { Lease, type LeaseOptions } from './lease.ts'
import { Notices } from './notices.ts'
import { Pool } from './pool.ts'
import { Purging } from './purge.ts'
import { Quarantine } from './quarantine.ts'
import { type ReportDependencies, take } from './reports.ts'
import { RunningTasks } from './running.ts'
import { Schedules } from './schedules.ts'
import { States } from './states.ts'

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
  /** How long the keys of callers are kept, ms. */
  readonly keyWindow: number
  /** What the services file says for all services. */
  readonly retention: Retention
  /** Whether no other node can be alive on this Postgres. */
  readonly alone: boolean
  readonly version: string
  readonly log: Log
  /** Absent: nobody wants spans. */
  readonly tracing?: Tracing | undefined
}

/** A part. `stop` drains: requests in flight get their time, their answers are written, and the rest is given back. */
export class Supervisor implements Part, Supervision {
  readonly #options: SupervisorOptions
  readonly #trust: Trust
  readonly #lanes: Lanes
  readonly #running: RunningTasks
  readonly #lease: Lease
  readonly #pool: Pool
  readonly #quarantine: Quarantine
  readonly #dispatch: Dispatch
  readonly #notices: Notices
  readonly #claims: Claims
  readonly #intake: Intake
  readonly #pass: FullPass
  readonly #grants: Grants
  readonly #states: States
  readonly #audit: Audit
  readonly #schedules: Schedules
  readonly #purging: Purging
  readonly #chores: readonly Part[]
  #stopped: Promise<void> | undefined

  constructor(options: SupervisorOptions) {
    this.#options = options
    const { store, queue, services, slots, threads, entry, timings, version, log, tracing } = options
    const buffer = trustBuffer()
    const trust = (this.#trust = new Trust(buffer))
    const lanes = (this.#lanes = new Lanes(slots, services, () => this.#wake(), timings.forgotten))
    const running = (this.#running = new RunningTasks(lanes, (task) => this.#quarantine.ended(task)))
    const shared = { store, queue, lanes, running, trust, timings, log, meters: store.meters, tracing }
    const states = (this.#states = new States({ ...shared, services }))
    const lease = (this.#lease = new Lease({
      ...options,
      trust,
      lanes,
      states,
      beaten: () => void this.#audit.run(),
      renamed: (node) => this.#renamed(node),
    }))
    const thread = {
      entry,
      trust: buffer,
      services,
      lanes,
      version,
      heap: options.heap ?? threadHeap(threads),
      silence: timings.silence,
      log,
      reported: (_thread: unknown, report: Parameters<typeof take>[1]) => void take(reports, report),
    }
    const quarantine = (this.#quarantine = new Quarantine({
      ...shared,
      pool: (events) => new Pool({ ...thread, ...events, threads: 1 }),
      trial: timings.quarantine,
      // Suspects that died together: nobody knows which of them it was.
      revivals: { orphaned: (tasks) => this.#dispatch.orphaned(tasks) },
    }))
    const pool = (this.#pool = new Pool({
      ...thread,
      threads,
      died: (dead, cause) => {
        log.event('thread_died', { err: cause, tasks: dead.load })
        this.#dispatch.threadDied(dead)
      },
      available: () => this.#dispatch.resume(),
    }))
    const dispatch = (this.#dispatch = new Dispatch({ ...shared, pool, quarantine }))
    const reports: ReportDependencies = { ...shared, dispatch, states, lacking: new Seldom() }
    const notices = (this.#notices = new Notices({ ...shared, dispatch }))
    const audit = (this.#audit = new Audit({ ...shared, lease, dispatch }))
    const claims = (this.#claims = new Claims({ ...shared, lease, dispatch, notices, audit }))
    this.#intake = new Intake({ ...shared, claims })
    this.#pass = new FullPass({ ...shared, alone: options.alone, claims, states })
    this.#grants = new Grants({ ...shared, claims })
    this.#schedules = new Schedules({ ...shared, services, supervision: this })
    const purging = (this.#purging = new Purging(options.retention, { ...shared, lease, services }))
    this.#chores = makeChores({ ...shared, lease, services, keyWindow: options.keyWindow, purging })
  }

  /** The id of this node. */
  get node(): string {
    return this.#lease.node
  }

  async start(): Promise<void> {
    const { queue } = this.#options
    await this.#pool.start()
    await this.#states.read()
    await this.#lease.start()
    this.#listen(this.#lease.node)
    queue.onHealth((healthy) => healthy || this.#pass.wake())
    for (const part of [this.#intake, this.#grants, this.#pass, this.#schedules, ...this.#chores]) await part.start()
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  reserve(service: string): Reservation | undefined {
    const { store, queue } = this.#options
    const claims = this.#claims
    return reserve({ store, queue, lanes: this.#lanes, running: this.#running, claims }, service)
  }

  pushed(service: string): void {
    const lane = this.#lanes.of(service)
    if (lane) this.#lanes.heard(lane)
    this.#grants.wake()
  }

  pushFailed(service: string): void {
    const lane = this.#lanes.of(service)
    if (lane) lane.more = true
    this.#wake()
  }

  due(service: string, ms: number): void {
    const lane = this.#lanes.of(service)
    if (lane) lane.dueAt = Math.min(lane.dueAt, performance.now() + ms)
    this.#wake()
  }

  /** A notice says that a task was deleted: its row is read, also one whose claim is still under way. */
  cancelled(id: string): void {
    this.#running.remember(id)
    this.#notices.heard(id)
  }

  /** A task was deleted by this very node, so nobody need be asked. */
  deleted(id: string): void {
    this.#running.remember(id)
    const task = this.#running.get(id)
    if (task) this.#dispatch.stop(task)
  }

  serviceChanged(nodes: readonly string[]): void {
    this.#states.tell(nodes)
  }

  scheduled(): void {
    this.#schedules.wake()
  }

  get figures(): Figures {
    const { counts, all } = this.#lanes
    const services = all.map(({ service, running }) => ({ service, running, ...this.#states.of(service) }))
    return { slots: counts, services, purged: this.#purging.purged }
  }

  /** The map of services has changed, or the retention: what begins from now on goes by it, and loops under way from their next step on. */
  serve(retention: Retention): void {
    this.#purging.retention = retention
    this.#lanes.serve()
    for (const part of [this.#states, this.#pool, this.#quarantine, this.#lease]) part.serve()
    // Tasks of a service that is known again may wait here, and nothing announces them.
    this.#pass.wake()
    this.#wake()
  }

  async #stop(): Promise<void> {
    const { drainTimeout, store, log } = this.#options
    this.#trust.close()
    this.#claims.close()
    this.#pool.drain()
    this.#quarantine.drain()
    await Promise.all(
      [this.#intake, this.#grants, this.#pass, this.#schedules, ...this.#chores].map((part) => part.stop()),
    )
    await drain({ running: this.#running, store, timeout: drainTimeout, log })
    this.#notices.end()
    this.#dispatch.end()
    await this.#lease.stop()
    this.#states.stop()
    await Promise.all([this.#pool.stop(), this.#quarantine.stop()])
  }

  /** Everything that runs here belongs to a node that is gone. */
  #renamed(node: string): void {
    for (const task of this.#running.all()) this.#dispatch.stop(task)
    this.#listen(node)
  }

  #wake(): void {
    this.#intake.wake()
    this.#grants.wake()
  }

  #listen(node: string): void {
    this.#options.queue.listen(node, (notice) => (notice === CHANGED ? this.#states.changed() : this.cancelled(notice)))
  }
}
