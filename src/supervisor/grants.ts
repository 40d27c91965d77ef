// Grants: claims for services whose requests Postgres grants. One lane asks at a time, as often as something may be granted.
import type { Part } from '../core/part.ts'
import { roomOf } from '../core/plan.ts'
import { FROM_START } from '../store/claimed.ts'
import type { Granted } from '../store/grants.ts'
import type { Log } from '../telemetry/log.ts'
import { began, looked, marksOf, wantedOf } from './answered.ts'
import type { Claims } from './claims.ts'
import type { Lane } from './lane.ts'
import type { Lanes } from './lanes.ts'

export interface GrantsDependencies {
  readonly claims: Claims
  readonly lanes: Lanes
  readonly log: Log
}

/** Rows of one claim, at most. */
const MOST_ROWS = 200
/** Lanes that ask at the same time, at most: each takes a connection. */
const MOST_ASKING = 4
/** Before a lane asks again, ms: another node was asking; the rate is used up; Postgres did not answer. */
const PAUSE = { busy: 20, spent: 5, failed: 250 }
/** Between two claims of a lane from the start, ms, or so many times as long as the last one took. */
const FROM_START_EVERY = { least: 1_000, times: 24 }
/** The longest that a timer waits, ms: one of 25 days or more would ring at once. */
const MOST_MS = 3_600_000

export class Grants implements Part {
  readonly #by: GrantsDependencies
  readonly #asking = new Map<Lane, Promise<void>>()
  #going = false
  #planned = false
  #turn = 0
  #timer: NodeJS.Timeout | undefined

  constructor(by: GrantsDependencies) {
    this.#by = by
  }

  async start(): Promise<void> {
    this.#going = true
    this.wake()
  }

  /** Resolves when no claim is under way any more. */
  async stop(): Promise<void> {
    this.#going = false
    clearTimeout(this.#timer)
    await Promise.all(this.#asking.values())
  }

  /** Looks after this turn of the event loop which lanes have something to ask for. */
  wake(): void {
    if (this.#planned || !this.#going || this.#by.lanes.granting === 0) return
    this.#planned = true
    setImmediate(() => this.#look())
  }

  #look(): void {
    this.#planned = false
    clearTimeout(this.#timer)
    if (!this.#going) return
    const { claims, lanes } = this.#by
    if (!claims.open) return this.#again(PAUSE.failed)
    const now = performance.now()
    const granting = lanes.all.filter(({ admission }) => admission === 'granted')
    const turn = (this.#turn += 1) % Math.max(1, granting.length)
    let next = Infinity
    for (const lane of [...granting.slice(turn), ...granting.slice(0, turn)]) {
      const count = Math.min(MOST_ROWS, roomOf(lane, lanes.free))
      if (this.#asking.has(lane) || this.#asking.size >= MOST_ASKING || lane.full || count < 1) continue
      // Nothing waits that is due.
      const at = Math.max(lane.popAfter, lane.empty ? lane.dueAt : -Infinity)
      if (now < at) next = Math.min(next, at)
      else this.#asking.set(lane, this.#ask(lane, count))
    }
    if (next < Infinity) this.#again(next - now)
  }

  #again(ms: number): void {
    this.#timer = setTimeout(() => this.wake(), Math.min(MOST_MS, Math.max(0, ms)))
  }

  async #ask(lane: Lane, count: number): Promise<void> {
    const { claims, lanes, log } = this.#by
    const begun = performance.now()
    const from = begun >= lane.lookAfter ? 'start' : 'mark'
    const { heard, marks } = lane
    lanes.reserve(lane, count)
    lane.dueAt = Infinity
    // A task that ends here while Postgres counts makes room that the answer does not know of.
    lane.full = true
    try {
      const granted = await claims.grant(lane.service, wantedOf(lane, count, from), lane.terms)
      const now = performance.now()
      const took = now - begun
      if (from === 'start') lane.lookAfter = now + Math.max(FROM_START_EVERY.least, took * FROM_START_EVERY.times)
      if (lane.marks === marks) lane.marks = marksOf(granted.rows, from === 'start' ? FROM_START : marks)
      began(lane, granted.rows)
      this.#answered(lane, granted, count, heard)
    } catch (error) {
      log.event('claim_failed', { err: error })
      Object.assign(lane, {
        popAfter: performance.now() + PAUSE.failed,
        marks: FROM_START,
        lookAfter: -Infinity,
        full: false,
      })
    } finally {
      this.#asking.delete(lane)
      lanes.unreserve(lane, count)
      this.wake()
    }
  }

  #answered(lane: Lane, { rows, denied, wait, seen }: Granted, count: number, heard: number): void {
    const now = performance.now()
    looked(this.#by.lanes, [seen])
    // Nothing was heard of meanwhile, and nothing is due.
    lane.empty = seen.levels === 0 && lane.heard === heard
    // Until a task ends here, a state is read, or a second is over.
    if (denied !== 'full' && denied !== 'paused' && denied !== 'gated') lane.full = false
    if (denied === 'busy') lane.popAfter = now + PAUSE.busy * (1 + Math.random())
    else if (denied === 'spent') lane.popAfter = now + Math.max(PAUSE.spent, wait)
    // What is due is locked by others, or lies behind the mark.
    else if (denied === null && rows.length < count && !lane.empty) lane.popAfter = now + PAUSE.busy
  }
}
