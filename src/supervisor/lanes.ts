// Lanes: what this node knows of each service, in one table, and the count of its slots.
import { type LaneState, roomOf, shareOf } from '../core/plan.ts'
import type { Service, Services } from '../core/service.ts'
import { LEVELS } from '../core/task.ts'
import { FROM_START } from '../store/claimed.ts'
import type { Load } from '../store/nodes.ts'

/** One service. The plan reads it; the intake, and the tasks that run, write it. */
export type Lane = { -readonly [Key in keyof LaneState]: LaneState[Key] } & {
  /** Where the next claim begins, for each level; see `Wanted.marks`. */
  marks: readonly number[]
  /** The levels of rows that wait, as far as this node knows: bits, see `Wanted.levels`. */
  levels: number
  /** Whether the log keeps tries that are lost with their node. */
  readonly logged: boolean
  /** Tasks that began since one of a lower level had its turn. */
  begun: number
  /** Whether nothing was due at the last look from the start, and nothing has been heard of since. */
  empty: boolean
  /** How often something was heard of it. */
  heard: number
  /** Empty claims in a row. */
  misses: number
}

/** The level of most tasks, as bits. */
const JUST_NORMAL = 1 << LEVELS.normal

export class Lanes {
  readonly slots: number
  readonly all: readonly Lane[]
  readonly #byService: ReadonlyMap<string, Lane>
  #running = 0
  #reserved = 0
  readonly #freed: () => void

  /** @param freed is called when a slot has come free. */
  constructor(slots: number, services: Services, freed: () => void) {
    this.slots = slots
    this.#freed = freed
    this.all = [...services.values()].map((service) => newLane(service, slots))
    this.#byService = new Map(this.all.map((lane) => [lane.service, lane]))
  }

  /** The lane of a service; undefined when this node does not know that service. */
  of(service: string): Lane | undefined {
    return this.#byService.get(service)
  }

  /** Slots that nothing fills or has reserved. */
  get free(): number {
    return this.slots - this.#running - this.#reserved
  }

  /** Whether slots are kept for what is under way. */
  get reserving(): boolean {
    return this.#reserved > 0
  }

  /** How busy this node is. */
  get load(): Load {
    const busy = this.all.filter(({ running, open }) => running > 0 || open > 0)
    const use = busy.map(({ service, running, open, limit }) => [service, { running, open, limit }])
    return { slots: this.slots, running: this.#running, use: Object.fromEntries(use) }
  }

  /** How many more tasks of a service may be claimed now. */
  room(service: string): number {
    const lane = this.of(service)
    return lane ? roomOf(lane, this.free) : 0
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
    if (lane) lane.running -= 1
    if (lane && open) lane.open -= 1
    this.#freed()
  }
}

const newLane = ({ name, concurrency, attemptLog }: Service, slots: number): Lane => ({
  service: name,
  limit: concurrency,
  logged: attemptLog !== 'none',
  share: shareOf(slots),
  open: 0,
  running: 0,
  reserved: 0,
  bells: 0,
  more: false,
  list: 'unknown',
  popping: false,
  poppedAt: -Infinity,
  stale: false,
  popAfter: -Infinity,
  missed: 0,
  lookAfter: -Infinity,
  dueAt: Infinity,
  marks: FROM_START,
  levels: JUST_NORMAL,
  begun: 0,
  empty: false,
  heard: 0,
  misses: 0,
})
