// What this node has in hand: its claims by id, the slots they fill, and the claims whose answer is still under way.
import type { Services } from '../core/service.ts'
import type { Fence } from '../store/fenced.ts'
import type { Thread } from './thread.ts'

/** A claim in hand, from its claim's answer until its last report is written. */
export interface Held extends Fence {
  readonly service: string
  readonly action: string
  readonly crashes: number
  /** The number of the try that its row names, as far as we have heard. */
  attempt: number
  /** Who runs it; undefined while it waits for the quarantine thread, or to be taken up again. */
  thread: Thread | undefined
  /** Whether a write of it is under way. Its row may already say what we have not heard yet. */
  writing: boolean
  /** The trust epoch in which it was last confirmed. */
  epoch: number
}

/** Hinted ids that are remembered one by one; anybody who reaches Redis can send more. */
const MOST_HINTED = 10_000

/** The table of claims, and the count of slots. A slot is taken from the moment a claim is sent. */
export class Hands {
  readonly #slots: number
  readonly #services: Services
  readonly #held = new Map<string, Held>()
  readonly #byService = new Map<string, number>()
  /** Claims sent and hints heard so far: one count, so that each has its place in the order of all. */
  #count = 0
  /** Tokens of the claims whose answer is under way, the oldest first, each with its place. */
  readonly #inFlight = new Map<number, number>()
  /** Ids that hints named while claims were in flight, the oldest hint first: every claim sent before may still bring them. */
  readonly #hinted = new Map<string, number>()
  /** The last hint of those that were too many to remember: every row of a claim sent before may be one. */
  #forgotten = 0
  #reserved = 0
  readonly #freed: (service: string, held?: Held) => void

  /** @param freed is called when a service has room again; `held` is the claim that was let go, where it was one. */
  constructor(slots: number, services: Services, freed: (service: string, held?: Held) => void) {
    this.#slots = slots
    this.#services = services
    this.#freed = freed
  }

  /** Slots that nothing fills and no claim in flight has reserved. */
  get free(): number {
    return this.#slots - this.#held.size - this.#reserved
  }

  get size(): number {
    return this.#held.size
  }

  /** Whether nothing is in hand, and no claim is under way that may bring something. */
  get empty(): boolean {
    return this.#held.size === 0 && this.#reserved === 0
  }

  /** The most tasks of a service that this node takes. */
  limit(service: string): number {
    return Math.min(this.#slots, this.#services.get(service)?.concurrency ?? 0)
  }

  /** How many more tasks of a service this node may take now. */
  room(service: string): number {
    return Math.max(0, Math.min(this.free, this.limit(service) - (this.#byService.get(service) ?? 0)))
  }

  /** Keeps slots for a claim: so many in all, and of each service at most so many. */
  reserve(slots: number, rooms: ReadonlyMap<string, number>): void {
    this.#reserved += slots
    for (const [service, room] of rooms) this.#fill(service, room)
  }

  /** Gives reserved slots back. */
  unreserve(slots: number, rooms: ReadonlyMap<string, number>): void {
    this.#reserved -= slots
    for (const [service, room] of rooms) this.#fill(service, -room)
    for (const service of rooms.keys()) this.#freed(service)
  }

  /** Keeps one slot of a service. */
  reserveOne(service: string): void {
    this.#reserved += 1
    this.#fill(service, 1)
  }

  /** Gives it back. */
  unreserveOne(service: string): void {
    this.#reserved -= 1
    this.#fill(service, -1)
    this.#freed(service)
  }

  /** A claim statement is on its way. */
  sent(token: number): void {
    this.#forget()
    this.#inFlight.set(token, ++this.#count)
  }

  /** It has been answered, or has failed; `hinted`, to be asked before anything else here, names the ids that may have been deleted. */
  answered(token: number): { hinted(id: string): boolean } {
    const place = this.#inFlight.get(token) ?? Infinity
    this.#inFlight.delete(token)
    return { hinted: (id) => this.#forgotten > place || (this.#hinted.get(id) ?? 0) > place }
  }

  /** The claims whose answer is under way. */
  get inFlight(): ReadonlyMap<number, unknown> {
    return this.#inFlight
  }

  /** Remembers a hint until every claim that is in flight now is answered: one of them may bring the id. */
  remember(id: string): void {
    this.#forget()
    if (this.#inFlight.size === 0) return
    const place = ++this.#count
    // Taken out first, so that the order stays that of the hints.
    if (!this.#hinted.delete(id) && this.#hinted.size >= MOST_HINTED) this.#forgotten = place
    else this.#hinted.set(id, place)
  }

  /** Forgets the hints that no claim in flight was sent before. */
  #forget(): void {
    const [oldest = Infinity] = this.#inFlight.values()
    for (const [id, place] of this.#hinted) {
      if (place > oldest) break
      this.#hinted.delete(id)
    }
  }

  get(id: string): Held | undefined {
    return this.#held.get(id)
  }

  /** Whether this very claim is still in hand. */
  has(held: Held): boolean {
    return this.#held.get(held.id) === held
  }

  all(): Held[] {
    return [...this.#held.values()]
  }

  /** Takes a claim in hand. Any older claim of the same id must have been dropped before. */
  add(held: Held): void {
    this.#held.set(held.id, held)
    this.#fill(held.service, 1)
  }

  /** Lets a claim go; its slot is free. False when it had been let go before. */
  drop(held: Held): boolean {
    if (!this.has(held)) return false
    this.#held.delete(held.id)
    if (held.thread) held.thread.load -= 1
    this.#fill(held.service, -1)
    this.#freed(held.service, held)
    return true
  }

  #fill(service: string, change: number): void {
    this.#byService.set(service, (this.#byService.get(service) ?? 0) + change)
  }
}
