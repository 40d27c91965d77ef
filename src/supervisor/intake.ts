// The intake: one loop that carries out the plan. It waits at the lists, pops ids and claims rows.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Part } from '../core/part.ts'
import { type Ask, plan } from '../core/plan.ts'
import type { Queue } from '../queue/port.ts'
import { FROM_START } from '../store/claimed.ts'
import { isFull, type Seen } from '../store/claims.ts'
import type { Log } from '../telemetry/log.ts'
import type { Claims } from './claims.ts'
import { answered, looked, ofLane, wantedOf } from './answered.ts'
import type { Lanes } from './lanes.ts'

export interface IntakeDependencies {
  readonly claims: Claims
  readonly lanes: Lanes
  readonly queue: Queue
  readonly log: Log
}

/** Ids that are popped behind the one that a wait brought, at most. */
const MOST_TOGETHER = 200
/** How often a node that may not claim looks again, ms: Postgres away, or no trust. */
const CLOSED_MS = 250
/** The longest that a timer waits, ms: one of 25 days or more would ring at once. */
const MOST_MS = 3_600_000

/** A part. `wake` tells it that something has changed. */
export class Intake implements Part {
  readonly #by: IntakeDependencies
  #going = false
  #planned = false
  #turn = 0
  #claiming: Promise<unknown> | undefined
  #listening: { readonly services: ReadonlySet<string>; readonly over: Promise<unknown> } | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(by: IntakeDependencies) {
    this.#by = by
  }

  async start(): Promise<void> {
    this.#going = true
    this.wake()
  }

  /** Resolves when no pop and no claim is under way any more. */
  async stop(): Promise<void> {
    this.#going = false
    clearTimeout(this.#timer)
    this.#by.queue.interrupt()
    await Promise.all([this.#listening?.over, this.#claiming])
    // What rang is found by the next pass of another node.
    for (const lane of this.#by.lanes.all) this.#by.lanes.unreserve(lane, lane.bells)
    for (const lane of this.#by.lanes.all) lane.bells = 0
  }

  /** Plans anew after this turn of the event loop: what comes free together is planned together. */
  wake(): void {
    if (this.#planned || !this.#going) return
    this.#planned = true
    setImmediate(() => this.#carryOut())
  }

  #carryOut(): void {
    this.#planned = false
    clearTimeout(this.#timer)
    if (!this.#going) return
    const { claims, lanes } = this.#by
    if (!claims.open) return this.#again(CLOSED_MS)
    const now = performance.now()
    this.#turn += 1
    const node = { free: lanes.free, claiming: this.#claiming !== undefined, turn: this.#turn }
    const next = plan(lanes.all, node, now)
    for (const [service, { count, slots }] of next.pop) void this.#pop(service, count, slots)
    if (next.claim.size > 0) this.#claiming = this.#claim(next.claim)
    this.#listen(next.listen)
    if (next.again < Infinity) this.#again(next.again - now)
  }

  #again(ms: number): void {
    this.#timer = setTimeout(() => this.wake(), Math.min(MOST_MS, Math.max(0, ms)))
  }

  /** Waits at the lists; a wait that does not name one of them is ended and begun anew. */
  #listen(services: readonly string[]): void {
    if (services.length === 0) return
    const named = this.#listening?.services
    if (!named) {
      const over = this.#wait(services)
      this.#listening = { services: new Set(services), over }
    } else if (services.some((service) => !named.has(service))) this.#by.queue.interrupt()
  }

  async #wait(services: readonly string[]): Promise<void> {
    const { queue, lanes, log } = this.#by
    const popped = await queue.pop(services).catch(async (error: unknown) => {
      log.event('pop_failed', { err: error })
      await sleep(CLOSED_MS)
      return undefined
    })
    this.#listening = undefined
    const lane = popped && lanes.of(popped.service)
    if (popped && lane) {
      lanes.heard(lane)
      lane.list = 'filled'
      if (this.#going && lane.admission === 'all' && lanes.room(lane.service) > 0) {
        lanes.reserve(lane, 1)
        // What else the list has is claimed together with it.
        const slots = Math.min(MOST_TOGETHER, lanes.room(lane.service))
        if (slots > 0) await this.#pop(lane.service, slots, slots)
        if (this.#going && lane.admission === 'all') lane.bells += 1
        else lanes.unreserve(lane, 1)
      } else void queue.push(popped.service, popped.id)
    }
    this.wake()
  }

  async #pop(service: string, count: number, slots: number): Promise<void> {
    const { queue, lanes } = this.#by
    const lane = lanes.of(service)
    if (!lane || lane.popping) return
    lane.popping = true
    lanes.reserve(lane, slots)
    const popped = await queue.take(service, count)
    lane.popping = false
    lane.poppedAt = performance.now()
    lane.list = popped < count ? 'empty' : 'filled'
    if (popped > 0) lanes.heard(lane)
    // Those beyond the slots are counted as one: the claim says whether there is more.
    const bells = this.#going && lane.admission === 'all' ? Math.min(popped, slots) : 0
    lane.bells += bells
    lanes.unreserve(lane, slots - bells)
    this.wake()
  }

  async #claim(asks: ReadonlyMap<string, Ask>): Promise<void> {
    const { claims, lanes, log } = this.#by
    const asked = [...asks].flatMap(([service, ask]) => {
      const lane = lanes.of(service)
      return lane ? [{ lane, ask, sent: { marks: lane.marks, bells: lane.bells, heard: lane.heard } }] : []
    })
    const begun = performance.now()
    for (const { lane, ask } of asked) {
      lanes.reserve(lane, ask.extra)
      lane.bells = 0
      if (ask.from === 'start') lane.missed = 0
      if (ask.from === 'due') lane.dueAt = Infinity
    }
    try {
      const wanted = new Map(asked.map(({ lane, ask: { count, from } }) => [lane.service, wantedOf(lane, count, from)]))
      const limit = asked.reduce((sum, { ask }) => sum + ask.count, 0)
      const look = (seen: readonly Seen[]): void => looked(lanes, seen)
      const looks = asked.some(({ ask }) => ask.from === 'due')
      const rows = await claims.claim({ wanted, limit, grace: 0, ...(looks && { look }) }, false)
      const took = performance.now() - begun
      const full = isFull(rows)
      for (const { lane, ask, sent } of asked) answered(lane, { ...ask, ...sent, full, took }, ofLane(rows, lane))
    } catch (error) {
      log.event('claim_failed', { err: error })
      // What rang still has something; and what was taken may come back, behind the mark.
      for (const { lane } of asked) Object.assign(lane, { more: true, marks: FROM_START })
      await sleep(CLOSED_MS)
    } finally {
      for (const { lane, ask } of asked) lanes.unreserve(lane, ask.count)
      this.#claiming = undefined
      this.wake()
    }
  }
}
