// Lanes: what this node knows of each service, in one table, and the count of its slots.
import { type Admission, admit } from '../core/admission.ts'
import { roomOf } from '../core/plan.ts'
import type { Services } from '../core/service.ts'
import { TIMINGS } from '../core/timings.ts'
import { FROM_START } from '../store/claimed.ts'
import type { Load } from '../store/nodes.ts'
import { configured, type Lane, newLane } from './lane.ts'

export class Lanes {
  readonly slots: number
  readonly #byService = new Map<string, Lane>()
  readonly #services: Services
  readonly #forgotten: number
  #all: readonly Lane[] = []
  #running = 0
  #reserved = 0
  /** Lanes whose requests Postgres grants. */
  granting = 0
  readonly #freed: () => void

  /**
   * @param services may change; `serve` says so.
   * @param freed is called when a slot has come free.
   * @param forgotten is how long a service that was removed counts as known to others, ms.
   */
  constructor(slots: number, services: Services, freed: () => void, forgotten = TIMINGS.forgotten) {
    this.slots = slots
    this.#services = services
    this.#freed = freed
    this.#forgotten = forgotten
    this.serve()
  }

  get all(): readonly Lane[] {
    return this.#all
  }

  /**
   * The services have changed. The lane of one that was removed begins nothing. It stays while something of it runs, and for as long
   * as others count it as known.
   */
  serve(): void {
    for (const service of this.#services.values()) {
      const lane = this.of(service.name)
      if (lane) Object.assign(lane, configured(service))
      else this.#byService.set(service.name, newLane(service, this.slots))
    }
    for (const lane of this.#byService.values())
      if (!this.#services.has(lane.service)) {
        lane.removedAt ??= performance.now()
        lane.limit = 0
        if (this.#counts(lane) || lane.running + lane.reserved > 0) continue
        this.#byService.delete(lane.service)
        if (lane.admission === 'granted') this.granting -= 1
      }
    this.#all = [...this.#byService.values()]
  }

  /** Whether others count a service as known here. */
  #counts({ removedAt }: Lane): boolean {
    return removedAt === undefined || performance.now() - removedAt < this.#forgotten
  }

  /** What the threads see of each service's admission. */
  get memory(): ReadonlyMap<string, SharedArrayBuffer> {
    return new Map(this.all.map(({ service, memory }) => [service, memory]))
  }

  /** The lane of a service; undefined when this node does not know that service. */
  of(service: string): Lane | undefined {
    return this.#byService.get(service)
  }

  /** Slots that nothing fills or has reserved. */
  get free(): number {
    return this.slots - this.#running - this.#reserved
  }

  /** What the slots are used for. */
  get counts(): { readonly running: number; readonly reserved: number; readonly free: number } {
    return { running: this.#running, reserved: this.#reserved, free: this.free }
  }

  /** Whether slots are kept for what is under way. */
  get reserving(): boolean {
    return this.#reserved > 0
  }

  /** How busy this node is. */
  get load(): Load {
    const told = this.all.filter((lane) => this.#counts(lane) && (lane.removedAt !== undefined || isBusy(lane)))
    const use = told.map(({ service, running, open, limit }) => [service, { running, open, limit }])
    return { slots: this.slots, running: this.#running, use: Object.fromEntries(use) }
  }

  /** Whether more requests of a service are open than may be: it has a lower limit now, or was removed. */
  over(service: string): boolean {
    const lane = this.of(service)
    return lane !== undefined && lane.open > lane.limit
  }

  /** How many more tasks of a service may be claimed now. */
  room(service: string): number {
    const lane = this.of(service)
    return lane ? roomOf(lane, this.free) : 0
  }

  /** Whether others wait for a task of this service to end: a slot, or the grant of a limit. */
  pressed(service: string): boolean {
    const lane = this.of(service)
    return !lane || lane.full || roomOf(lane, this.free) < 1
  }

  /** Keeps slots of a lane; `ofAll`: how many of the node's that takes, where several lanes share them. */
  reserve(lane: Lane, slots: number, ofAll = slots): void {
    lane.reserved += slots
    this.#reserved += ofAll
  }

  /** Gives them back. */
  unreserve(lane: Lane, slots: number, ofAll = slots): void {
    lane.reserved -= slots
    this.#reserved -= ofAll
    if (slots > 0) this.#freed()
  }

  /** Which requests of a lane may begin from now on. Bells are for what is claimed without a grant. */
  admit(lane: Lane, admission: Admission): void {
    if (lane.admission === admission) return
    this.granting += Number(admission === 'granted') - Number(lane.admission === 'granted')
    lane.admission = admission
    admit(lane.memory, admission)
    if (admission === 'all') Object.assign(lane, { more: true, list: 'unknown', marks: FROM_START })
    else {
      this.unreserve(lane, lane.bells)
      Object.assign(lane, { bells: 0, missed: 0, more: false, empty: false, lookAfter: -Infinity, popAfter: -Infinity })
    }
    this.#freed()
  }

  /** Something may be asked for that was not before. */
  wake(): void {
    this.#freed()
  }

  /** A task of a service waits again, and is due in so many ms: where requests are granted nobody else tells of it. */
  waits(service: string, ms: number): void {
    const lane = this.of(service)
    if (!lane || lane.admission === 'all') return
    if (ms > 0) lane.dueAt = Math.min(lane.dueAt, performance.now() + ms)
    else lane.empty = false
  }

  /** Something was heard of a lane: it may have rows that wait. */
  heard(lane: Lane): void {
    lane.empty = false
    lane.heard += 1
  }

  /** A task runs from now on, with a request open or about to be. */
  began(service: string): void {
    this.#running += 1
    const lane = this.of(service)
    if (!lane) return
    lane.running += 1
    lane.open += 1
  }

  /** The last request of a task was answered: another one may begin while its end is written. */
  answered(service: string): void {
    const lane = this.of(service)
    if (lane) lane.open -= 1
    this.#freed()
  }

  /** A task does not run here any more. `open`: its request had not been answered. */
  ended(service: string, open: boolean): void {
    this.#running -= 1
    const lane = this.of(service)
    if (lane) {
      lane.running -= 1
      lane.full = false
    }
    if (lane && open) lane.open -= 1
    this.#freed()
  }
}

const isBusy = ({ running, open }: Lane): boolean => running > 0 || open > 0
