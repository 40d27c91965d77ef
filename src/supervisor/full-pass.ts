// The full pass: once a second this node looks from the start for all that is due, and for what nodes that are gone have left.
import type { Part } from '../core/part.ts'
import type { Timings } from '../core/timings.ts'
import type { Queue } from '../queue/port.ts'
import { FROM_START } from '../store/claimed.ts'
import { isFull, type Seen } from '../store/claims.ts'
import type { Log } from '../telemetry/log.ts'
import { began, looked, marksOf, ofLane, wantedOf } from './answered.ts'
import type { Claims } from './claims.ts'
import type { Lane } from './lane.ts'
import type { Lanes } from './lanes.ts'
import type { States } from './states.ts'
import { Ticker } from './ticker.ts'

export interface FullPassDependencies {
  readonly claims: Claims
  readonly lanes: Lanes
  readonly queue: Queue
  readonly states: Pick<States, 'changed'>
  /** Whether no other node can be alive on this Postgres. */
  readonly alone: boolean
  readonly timings: Timings
  readonly log: Log
}

/** Rows that one pass claims at most. */
const MOST_PASSED = 500
/**
 * After a pass so many times its length goes by before the next one looks for what is due: dead entries of the index can make it long.
 * Between them passes only take over.
 */
const REST = 24
/** No level: rows that wait are not looked at. */
const NO_LEVEL = 0

export class FullPass implements Part {
  readonly #by: FullPassDependencies
  readonly #ticker: Ticker
  #turn = 0
  /** When the next pass looks for what is due. */
  #looksAt = -Infinity

  constructor(by: FullPassDependencies) {
    this.#by = by
    const { timings, log } = by
    const run = (): Promise<boolean> => this.#pass()
    this.#ticker = new Ticker({ name: 'full pass', every: timings.pass, log, run })
  }

  start(): Promise<void> {
    return this.#ticker.start()
  }

  stop(): Promise<void> {
    return this.#ticker.stop()
  }

  /** A pass begins now, and looks for what is due. */
  wake(): void {
    this.#looksAt = -Infinity
    this.#ticker.wake()
  }

  async #pass(): Promise<boolean> {
    const { alone, claims, lanes, queue, states, timings } = this.#by
    // No other node can tell this one of pauses, and beats are too rare.
    if (!alone && (queue.kind === 'memory' || !queue.healthy)) states.changed()
    if (!claims.open || lanes.all.length === 0) return false
    const begun = performance.now()
    const looks = begun >= this.#looksAt
    const asked = this.#lanes()
    const rooms = asked.reduce((sum, { count }) => sum + count, 0)
    const limit = Math.min(MOST_PASSED, Math.ceil(lanes.free * this.#part), rooms)
    asked.forEach(({ lane, count }, i) => lanes.reserve(lane, count, i === 0 ? limit : 0))
    let tookOver = false
    try {
      const wanted = new Map(
        asked.map(({ lane, count }) => [
          lane.service,
          { ...wantedOf(lane, count, 'start'), ...(looks && lane.admission === 'all' ? {} : { levels: NO_LEVEL }) },
        ]),
      )
      const grace = queue.healthy ? timings.grace : 0
      const look = looks ? { look: (seen: readonly Seen[]) => looked(lanes, seen) } : {}
      const rows = await claims.claim({ wanted, limit, grace, ...look }, true)
      if (looks) this.#looksAt = performance.now() + (performance.now() - begun) * REST
      // A pass takes half of what is free. What else a dead node has left must not wait for the next second.
      tookOver = rows.some(({ lost }) => lost)
      const all = rows.length >= limit || isFull(rows)
      for (const { lane, count, heard } of asked) {
        if (count === 0) continue
        const brought = ofLane(rows, lane)
        began(lane, brought)
        if (!looks) continue
        if (lane.admission !== 'all') {
          lane.full = false
          continue
        }
        if (all || brought.length >= count) {
          // It began at the start, so whatever it left lies behind what it took.
          lane.more = true
          lane.marks = marksOf(brought, FROM_START)
        } else if (lane.heard === heard) lane.empty = true
      }
    } finally {
      asked.forEach(({ lane, count }, i) => lanes.unreserve(lane, count, i === 0 ? limit : 0))
    }
    return tookOver
  }

  /** While ids are heard a pass leaves half of the slots to others. */
  get #part(): number {
    return this.#by.queue.healthy ? 1 / 2 : 1
  }

  /** The lanes, each time beginning with another one, and how many tasks each has room for. */
  #lanes(): { lane: Lane; count: number; heard: number }[] {
    const { lanes } = this.#by
    const turn = (this.#turn += 1) % lanes.all.length
    return [...lanes.all.slice(turn), ...lanes.all.slice(0, turn)].map((lane) => ({
      lane,
      count: Math.ceil(lanes.room(lane.service) * this.#part),
      heard: lane.heard,
    }))
  }
}
