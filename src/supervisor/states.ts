// States: what holds for services on all nodes. Read with each beat, and when another node tells of a change; the lanes follow.
import { type Admission, admissionOf } from '../core/admission.ts'
import { NO_TERMS, termsOf } from '../core/limit.ts'
import type { Services } from '../core/service.ts'
import { CHANGED } from '../queue/keys.ts'
import type { Queue } from '../queue/port.ts'
import type { Ends, ServiceState } from '../store/service-states.ts'
import type { Store } from '../store/store.ts'
import { StoreError } from '../store/trouble.ts'
import type { Log } from '../telemetry/log.ts'
import type { Lane } from './lane.ts'
import type { Lanes } from './lanes.ts'

export interface StatesDependencies {
  readonly store: Pick<Store, 'states'>
  readonly queue: Pick<Queue, 'notify'>
  readonly lanes: Lanes
  readonly services: Services
  readonly log: Log
}

/** Between two reads that others ask for, ms: a flood of forged notices costs Postgres so many a second and no more. */
const PAUSE_MS = 50
/** The longest that a timer waits, ms: one of 25 days or more would ring at once. */
const MOST_MS = 3_600_000

/** A gate that this node has closed itself, until a read that began later than its write has seen it. */
interface OwnGate {
  /** Of `performance.now()`. */
  readonly until: number
  readonly by: string
  /** `failed`: it is written again after the next beat. */
  write: 'under way' | 'done' | 'failed'
}

export class States {
  readonly #by: StatesDependencies
  #states: ReadonlyMap<string, ServiceState> = new Map()
  /** When they were read, of `performance.now()`. */
  #readAt = 0
  readonly #ownGates = new Map<string, OwnGate>()
  readonly #ends = new Map<string, Ends>()
  /** Whether a read that others asked for is under way, or was a moment ago; and whether somebody has asked since it began. */
  #asked = false
  #askedAgain = false
  #timer: NodeJS.Timeout | undefined
  #gateTimer: NodeJS.Timeout | undefined
  #stopped = false

  constructor(by: StatesDependencies) {
    this.#by = by
  }

  /** Reads all states, and lets the lanes follow. Throws a `StoreError`. */
  async read(): Promise<void> {
    const begun = performance.now()
    const closed = [...this.#ownGates].filter(([, { until, write }]) => write === 'done' || until < begun)
    const rows = await this.#by.store.states.read()
    // Of two reads under way the one that began later counts.
    if (begun < this.#readAt) return
    for (const [service, gate] of closed) if (this.#ownGates.get(service) === gate) this.#ownGates.delete(service)
    this.#states = new Map(rows.map((row) => [row.service, row]))
    this.#readAt = begun
    this.#apply()
  }

  /** Somebody says that a state has changed: it is read soon. */
  changed(): void {
    if (this.#stopped) return
    // The read under way may have begun before this change.
    if (this.#asked) return void (this.#askedAgain = true)
    this.#asked = true
    setImmediate(() => void this.#readForOthers())
  }

  async #readForOthers(): Promise<void> {
    this.#askedAgain = false
    await this.read().catch((error: unknown) => this.#failed(error))
    if (this.#stopped) return
    this.#timer = setTimeout(() => {
      if (this.#askedAgain) return void this.#readForOthers()
      this.#asked = false
    }, PAUSE_MS)
  }

  /** What this node knows of a service. */
  of(service: string): { readonly paused: boolean; readonly gated: boolean } {
    const { pausedAt = null } = this.#states.get(service) ?? {}
    return { paused: pausedAt !== null, gated: this.#gatedFor(service) !== null }
  }

  /** The services have changed: what holds for them is known already. */
  serve(): void {
    this.#apply()
  }

  /** Tells other nodes of a change, and this one. */
  tell(nodes: readonly string[]): void {
    for (const node of nodes) this.#by.queue.notify(node, CHANGED)
    this.changed()
  }

  /** An answer of a service has asked for rest: its gate closes here at once, and on all other nodes. */
  gate(service: string, ms: number, by: string): void {
    const until = performance.now() + ms
    const before = this.#ownGates.get(service)
    if (before && before.until >= until - PAUSE_MS) return
    const gate: OwnGate = { until: Math.max(until, before?.until ?? 0), by, write: 'under way' }
    this.#ownGates.set(service, gate)
    this.#apply()
    void this.#writeGate(service, gate, ms)
  }

  async #writeGate(service: string, gate: OwnGate, ms = gate.until - performance.now()): Promise<void> {
    gate.write = 'under way'
    gate.write = (await this.#write(this.#by.store.states.gate(service, ms, gate.by))) ? 'done' : 'failed'
  }

  /** A granted request was answered by its service. Where it went alone behind a gate, the rest follows. */
  answered(service: string): void {
    const gatedFor = this.#gatedFor(service)
    if (gatedFor === null || gatedFor > 0) return
    void this.#write(this.#by.store.states.open(service))
  }

  /** A task has ended, by the word of its service. */
  ended(service: string, failure: string | undefined): void {
    const most = this.#by.services.get(service)?.pauseAfter ?? 0
    if (most === 0) return
    const before = this.#ends.get(service)
    if (failure !== undefined) {
      const { failed = 0, completed = false } = before ?? {}
      this.#ends.set(service, { service, failed: failed + 1, completed, most, reason: failure })
    } else if (before || (this.#states.get(service)?.failedInRow ?? 0) > 0)
      this.#ends.set(service, { service, failed: 0, completed: true, most, reason: '' })
  }

  /** Writes what has ended since the last beat, and gates that could not be written before. */
  beaten(): void {
    for (const [service, gate] of this.#ownGates) if (gate.write === 'failed') void this.#writeGate(service, gate)
    const ends = [...this.#ends.values()]
    if (ends.length === 0) return
    this.#ends.clear()
    void this.#write(this.#by.store.states.count(ends))
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
    clearTimeout(this.#gateTimer)
  }

  /** Milliseconds until a gate opens; 0 or less: one request goes alone; null: no gate. */
  #gatedFor(service: string): number | null {
    const now = performance.now()
    const own = this.#ownGates.get(service)
    const read = this.#states.get(service)?.gatedFor ?? null
    const of = [own && own.until - now, read === null ? undefined : this.#readAt + read - now]
    const known = of.filter((ms) => ms !== undefined)
    return known.length === 0 ? null : Math.max(...known)
  }

  #apply(): void {
    let next = Infinity
    for (const lane of this.#by.lanes.all) {
      const state = this.#states.get(lane.service)
      const limit = state?.limit ?? this.#by.services.get(lane.service)?.limit
      const gatedFor = this.#gatedFor(lane.service)
      lane.terms = limit ? termsOf(limit) : NO_TERMS
      lane.full = false
      // Under another limit the wait for the rate is another one.
      lane.popAfter = -Infinity
      if (gatedFor !== null && gatedFor > 0) next = Math.min(next, gatedFor)
      const paused = (state?.pausedAt ?? null) !== null
      this.#admit(lane, admissionOf({ paused, gatedFor, limited: limit !== undefined }))
    }
    // Terms may have changed as well.
    this.#by.lanes.wake()
    clearTimeout(this.#gateTimer)
    if (next < Infinity && !this.#stopped)
      this.#gateTimer = setTimeout(() => this.#apply(), Math.min(MOST_MS, Math.ceil(next)))
  }

  #admit(lane: Lane, admission: Admission): void {
    const { lanes, log } = this.#by
    if (lane.admission === admission) return
    const { service, admission: before } = lane
    lanes.admit(lane, admission)
    if (admission !== 'none' && before !== 'none') return
    const state = this.#states.get(service)
    if (admission !== 'none') log.event('service_begins_again', { service })
    else if (state?.pausedAt)
      log.event('service_paused', { service, by: state.pausedBy ?? '', why: state.reason ?? undefined })
    else {
      const why = this.#ownGates.get(service)?.by ?? state?.gatedBy ?? ''
      log.event('service_gated', { service, why, wait: Math.round(this.#gatedFor(service) ?? 0) })
    }
  }

  /** A change of this node's own; whether it was written. Never throws. */
  async #write(change: Promise<readonly string[]>): Promise<boolean> {
    try {
      this.tell(await change)
      return true
    } catch (error) {
      this.#failed(error)
      return false
    }
  }

  #failed(error: unknown): void {
    // The store has said already that Postgres is away.
    const known = error instanceof StoreError && error.trouble !== 'bug'
    this.#by.log.event(known ? 'chore_waits' : 'chore_failed', { err: error, part: 'states of services' })
  }
}
