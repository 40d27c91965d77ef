// Sweep: finds by itself every row that is due, so that a lost id costs a second and no more. It claims, it never pushes.
import type { Part } from '../core/part.ts'
import type { Timings } from '../core/timings.ts'
import type { Queue } from '../queue/port.ts'
import type { Log } from '../telemetry/log.ts'
import type { Hands } from './hands.ts'
import type { Intake } from './intake.ts'
import { Share } from './share.ts'
import { Ticker } from './ticker.ts'

export interface SweepOptions {
  readonly intake: Intake
  readonly hands: Hands
  readonly queue: Pick<Queue, 'healthy'>
  readonly services: readonly string[]
  readonly timings: Timings
  readonly log: Log
}

/** Rows that one pass claims at most. */
const BATCH = 500

/** A part. A pass a second, and more at once while a pass fills its slots. */
export class Sweep implements Part {
  readonly name = 'sweep'
  readonly #options: SweepOptions
  readonly #ticker: Ticker
  readonly #share: Share
  /** An id was not heard, so rows of any age are wanted. */
  #unheard = false
  /** A service may have more rows than slots, and while there is no Redis nobody but the sweep will fill the next ones. */
  #hungry = false
  #turn = 0

  constructor(options: SweepOptions) {
    this.#options = options
    const { hands, timings, log } = options
    this.#share = new Share(
      (service) => hands.limit(service),
      (service) => hands.room(service),
    )
    this.#ticker = new Ticker({ name: 'sweep', every: timings.sweep, log, run: () => this.#pass() })
  }

  start(): Promise<void> {
    return this.#ticker.start()
  }

  stop(): Promise<void> {
    return this.#ticker.stop()
  }

  /** An id did not get into the queue: a pass looks for its row now. */
  unheard(): void {
    this.#unheard = true
    this.#ticker.wake()
  }

  /** A slot of a service came free. */
  freed(service: string): void {
    const payable = this.#share.freed(service)
    if (payable || this.#hungry) this.#ticker.wake()
  }

  /** How many slots of a service pops may fill now: what the sweep is owed stays free. */
  roomForPops(service: string): number {
    return Math.max(0, this.#options.hands.room(service) - this.#share.owed(service))
  }

  /** One pass; true when the next should follow at once. */
  async #pass(): Promise<boolean> {
    const { intake, hands, timings, queue, services } = this.#options
    if (!intake.open) return false
    await this.#payDebts()
    const anyAge = !queue.healthy || this.#unheard
    this.#unheard = false
    // A slot that comes free while the claim is under way counts as well.
    this.#hungry = !queue.healthy
    const filled = await this.#claim(this.#roomy(), this.#part(hands.free), anyAge ? 0 : timings.grace, 0)
    // A service without room was not looked at, or has been filled.
    const full = services.some((name) => this.roomForPops(name) < 1)
    this.#hungry = !queue.healthy && (filled === true || full)
    if (queue.healthy) this.#share.tick(services)
    return filled === true && this.#roomy().size > 0
  }

  async #payDebts(): Promise<void> {
    const debts = this.#share.payable()
    if (debts.size === 0) return
    const { hands, timings } = this.#options
    const filled = await this.#claim(debts, hands.free, timings.overdue, timings.overdue)
    this.#share.paid(debts.keys(), filled === true)
  }

  /** Claims for some services, with at most so many free slots: whether they were filled; undefined when there were none. */
  async #claim(
    room: ReadonlyMap<string, number>,
    free: number,
    grace: number,
    parkedGrace: number,
  ): Promise<boolean | undefined> {
    const rooms = [...room.values()].reduce((sum, count) => sum + count, 0)
    const limit = Math.min(BATCH, free, rooms)
    if (limit < 1) return undefined
    return this.#options.intake.sweep({ room, limit, grace, parkedGrace })
  }

  /** While ids come from the queue a claim keeps half of the room for itself, so that pops and direct hand-over go on beside it. */
  #part(room: number): number {
    return this.#options.queue.healthy ? Math.ceil(room / 2) : room
  }

  /** The services with room, each time beginning with another one. */
  #roomy(): Map<string, number> {
    const { services } = this.#options
    this.#turn = (this.#turn + 1) % Math.max(1, services.length)
    const rotated = [...services.slice(this.#turn), ...services.slice(0, this.#turn)]
    return new Map(
      rotated.map((name) => [name, this.#part(this.roomForPops(name))] as const).filter(([, count]) => count > 0),
    )
  }
}
