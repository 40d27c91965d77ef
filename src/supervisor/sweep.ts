// Sweep: finds by itself every row that is due, so that a lost id costs a second and no more. It claims, it never pushes.
import type { Part } from '../core/part.ts'
import type { Timings } from '../core/timings.ts'
import type { Queue } from '../queue/port.ts'
import type { Log } from '../telemetry/log.ts'
import type { Hands } from './hands.ts'
import { type Intake, MOST_SWEPT, type Swept } from './intake.ts'
import { Share } from './share.ts'
import { Ticker } from './ticker.ts'

export interface SweepOptions {
  readonly intake: Intake
  readonly hands: Hands
  readonly queue: Pick<Queue, 'healthy'>
  readonly services: readonly string[]
  /** Whether the list of a service had as many ids as it was last asked for, so that more may come. */
  supplied(service: string): boolean
  readonly timings: Timings
  readonly log: Log
}

/** A look at all services comes no sooner than this part of the rhythm after the last one, however often passes are asked for. */
const LOOK = 0.5
const NOTHING: Swept = { filled: new Set(), unannounced: new Set() }

/** A part. A pass a second, and more at once while a pass fills its slots with what the lists do not bring. */
export class Sweep implements Part {
  readonly name = 'sweep'
  readonly #options: SweepOptions
  readonly #ticker: Ticker
  readonly #share: Share
  /** An id was not heard, so rows of any age are wanted. */
  #unheard = false
  /** Services that may have more rows than the last pass had slots for. */
  readonly #hungry = new Set<string>()
  /** Those of which it brought rows that no list announces. */
  readonly #unannounced = new Set<string>()
  /** From when on the next pass looks at all services, and keeps the accounts of the share. */
  #nextLook = 0
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

  /** A slot of a service came free; `held`: that of a task, not one that was kept for a claim. */
  freed(service: string, held: boolean): void {
    const payable = held ? this.#share.freed(service) : this.#share.payable(service)
    if (payable || this.#wants(service)) this.#ticker.wake()
  }

  /** How many slots of a service pops may fill now: what the sweep is owed stays free, and half of them where its list brings nothing. */
  roomForPops(service: string): number {
    const { hands, intake, supplied } = this.#options
    const room = hands.room(service)
    const coming = intake.coming(service)
    const most = supplied(service) && intake.barren(service) ? Math.ceil((room + coming) / 2) - coming : room
    return Math.max(0, Math.min(most, room - this.#share.owed(service)))
  }

  /** One pass; true when the next should follow at once. */
  async #pass(): Promise<boolean> {
    const { intake, hands, timings, queue, services } = this.#options
    if (!intake.open) return false
    await this.#payDebts()
    const anyAge = !queue.healthy || this.#unheard
    this.#unheard = false
    const now = performance.now()
    const looks = now >= this.#nextLook
    if (looks) this.#nextLook = now + timings.sweep * LOOK
    const room = this.#roomy(looks || anyAge ? services : services.filter(this.#wants))
    // Without ids nobody else fills the slots that come free of a service that is not asked for now. Of the others this very claim
    // gives slots back: did they count as wanted before anything was found, passes would follow each other for ever.
    if (!queue.healthy) for (const name of services) if (!room.has(name)) this.#hungry.add(name)
    const { filled, unannounced } = await this.#claim(room, this.#part(hands.free), anyAge ? 0 : timings.grace, 0)
    for (const service of room.keys()) {
      set(this.#hungry, service, filled.has(service))
      set(this.#unannounced, service, unannounced.has(service))
    }
    if (queue.healthy && looks) this.#share.tick(services)
    return this.#roomy(services.filter(this.#wants)).size > 0
  }

  async #payDebts(): Promise<void> {
    const debts = this.#share.debts()
    if (debts.size === 0) return
    const { hands, timings } = this.#options
    const { filled } = await this.#claim(debts, hands.free, timings.overdue, timings.overdue)
    for (const service of debts.keys()) this.#share.paid(service, filled.has(service))
    // Of those that it did not fill a debt says nothing: it asks only for what is long overdue.
    for (const service of filled) this.#hungry.add(service)
  }

  /** Claims for some services, with at most so many free slots. */
  async #claim(room: ReadonlyMap<string, number>, free: number, grace: number, parkedGrace: number): Promise<Swept> {
    const rooms = [...room.values()].reduce((sum, count) => sum + count, 0)
    const limit = Math.min(MOST_SWEPT, free, rooms)
    if (limit < 1) return NOTHING
    return this.#options.intake.sweep({ room, limit, grace, parkedGrace })
  }

  /** While ids come from the queue a claim keeps half of the room for itself, so that pops and direct hand-over go on beside it. */
  #part(room: number): number {
    return this.#options.queue.healthy ? Math.ceil(room / 2) : room
  }

  /** Whether a service wants the next slot. It does not while its list brings what there is. */
  readonly #wants = (service: string): boolean => {
    const { supplied, intake } = this.#options
    if (!this.#hungry.has(service)) return false
    return !supplied(service) || intake.barren(service) || this.#unannounced.has(service)
  }

  /** How many slots of a service a pass may fill, but for debts. */
  #room(service: string): number {
    return Math.max(0, this.#options.hands.room(service) - this.#share.owed(service))
  }

  /** Those of the services that have room, each time beginning with another one. */
  #roomy(services: readonly string[]): Map<string, number> {
    this.#turn = (this.#turn + 1) % Math.max(1, services.length)
    const rotated = [...services.slice(this.#turn), ...services.slice(0, this.#turn)]
    return new Map(
      rotated.map((name) => [name, this.#part(this.#room(name))] as const).filter(([, count]) => count > 0),
    )
  }
}

function set(services: Set<string>, service: string, there: boolean): void {
  if (there) services.add(service)
  else services.delete(service)
}
