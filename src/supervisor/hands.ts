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
  readonly #inFlight = new Set<number>()
  /** Ids that hints named while claims were in flight, each with the claims that may still bring it. */
  readonly #hinted = new Map<string, Set<number>>()
  /** Claims in flight during which more ids were hinted than are remembered: each of their rows may be one. */
  readonly #doubtful = new Set<number>()
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
    for (const [service, room] of rooms) this.#count(service, room)
  }

  /** Gives reserved slots back. */
  unreserve(slots: number, rooms: ReadonlyMap<string, number>): void {
    this.#reserved -= slots
    for (const [service, room] of rooms) this.#count(service, -room)
    for (const service of rooms.keys()) this.#freed(service)
  }

  /** A claim statement is on its way. */
  sent(token: number): void {
    this.#inFlight.add(token)
  }

  /** It has been answered, or has failed; `hinted` names the ids that may have been deleted. Forgets them for this claim. */
  answered(token: number): { hinted(id: string): boolean } {
    this.#inFlight.delete(token)
    const all = this.#doubtful.delete(token)
    const named = new Set<string>()
    for (const [id, claims] of this.#hinted) {
      if (claims.delete(token)) named.add(id)
      if (claims.size === 0) this.#hinted.delete(id)
    }
    return { hinted: (id) => all || named.has(id) }
  }

  /** The claims whose answer is under way. */
  get inFlight(): ReadonlySet<number> {
    return this.#inFlight
  }

  /** Remembers a hint until every claim that is in flight now is answered: one of them may bring the id. */
  remember(id: string): void {
    if (this.#inFlight.size === 0) return
    if (this.#hinted.size < MOST_HINTED || this.#hinted.has(id)) this.#hinted.set(id, new Set(this.#inFlight))
    else for (const token of this.#inFlight) this.#doubtful.add(token)
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
    this.#count(held.service, 1)
  }

  /** Lets a claim go; its slot is free. False when it had been let go before. */
  drop(held: Held): boolean {
    if (!this.has(held)) return false
    this.#held.delete(held.id)
    if (held.thread) held.thread.load -= 1
    this.#count(held.service, -1)
    this.#freed(held.service, held)
    return true
  }

  #count(service: string, change: number): void {
    this.#byService.set(service, (this.#byService.get(service) ?? 0) + change)
  }
}
