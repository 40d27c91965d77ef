// Pop: while there are slots, waits at the lists of the services that have room, and takes as many ids as fit.
import type { Part } from '../core/part.ts'
import type { Popped, Queue } from '../queue/port.ts'
import type { Log } from '../telemetry/log.ts'
import type { Intake } from './intake.ts'

export interface PopOptions {
  readonly queue: Queue
  readonly intake: Intake
  readonly services: readonly string[]
  /** How many more tasks of a service may be popped now. */
  room(service: string): number
  /** The most tasks of a service that this node takes. */
  limit(service: string): number
  readonly log: Log
}

/** Ids that one take asks for at most. */
const BATCH = 200
/** Between two questions to the list of a service whose slots come free one by one, ms: together they share a claim. */
const GATHERED = 5
/** With this share of a service's slots free its list is asked at once. */
const ENOUGH = 0.1
/** A list that the blocked pop has waited at for so long has nothing, ms; until then its answer may be on its way. */
const SILENT = 50
/** How often a closed door is looked at again, ms: Postgres away, or no trust. */
const CLOSED = 250

/** A part: the loop at the lists. `freed` tells it that a service has room again. */
export class Pop implements Part {
  readonly name = 'pop'
  readonly #options: PopOptions
  #going: Promise<void> | undefined
  #stopping = false
  #turn = 0
  #wake: (() => void) | undefined
  /** The services that the blocked pop names. */
  #named: ReadonlySet<string> = new Set()
  /** Services whose list was found to have nothing left, and has been served since. */
  readonly #drained = new Set<string>()
  /** Services whose list had as many ids as it was last asked for, and may have more. */
  readonly #deep = new Set<string>()
  /** Services whose list is being asked beside the blocked pop. */
  readonly #asking = new Set<string>()
  /** When each service's list was last asked so. */
  readonly #asked = new Map<string, number>()

  constructor(options: PopOptions) {
    this.#options = options
  }

  async start(): Promise<void> {
    this.#stopping = false
    this.#going ??= this.#loop()
  }

  async stop(): Promise<void> {
    this.#stopping = true
    this.#wake?.()
    this.#options.queue.interrupt()
    await this.#going
    this.#going = undefined
  }

  /** A slot of a service came free. The blocked pop may not name its list: then that list is asked at once. */
  freed(service: string): void {
    this.#wake?.()
    if (this.#stopping || this.#named.size === 0 || this.#named.has(service) || this.#asking.has(service)) return
    this.#asking.add(service)
    // Slots that come free in the same tick share the question; where many do, those of some milliseconds.
    const { room, limit } = this.#options
    const wait = (this.#asked.get(service) ?? 0) + GATHERED - performance.now()
    if (wait > 0 && room(service) < limit(service) * ENOUGH) setTimeout(() => void this.#ask(service), wait)
    else setImmediate(() => void this.#ask(service))
  }

  /** Whether nothing waits in the list of a service, as far as this node knows. */
  drained(service: string): boolean {
    return this.#drained.has(service)
  }

  /** Whether the list of a service had as many ids as it was last asked for, so that more may come. */
  supplies(service: string): boolean {
    return this.#options.queue.healthy && this.#deep.has(service)
  }

  async #ask(service: string): Promise<void> {
    try {
      await this.#take(service)
      // Its list is empty and there is room left: the blocked pop must name it, for the ids that come later.
      const unheard = this.#named.size > 0 && !this.#named.has(service) && this.#options.room(service) > 0
      if (unheard) this.#options.queue.interrupt()
    } finally {
      this.#asked.set(service, performance.now())
      this.#asking.delete(service)
    }
  }

  async #loop(): Promise<void> {
    const { intake, log } = this.#options
    while (!this.#stopping) {
      try {
        const services = intake.open ? this.#withRoom() : []
        if (services.length === 0) {
          await this.#until(intake.open ? undefined : CLOSED)
          continue
        }
        this.#named = new Set(services)
        const popped = await this.#pop(services)
        this.#named = new Set()
        intake.offer(popped)
        for (const { service } of popped) await this.#take(service)
      } catch (error) {
        log.event('pop_failed', { err: error })
        await this.#until(CLOSED)
      }
    }
  }

  /** Waits at the lists. It is told from the first that has an id: those before it have none. */
  async #pop(services: readonly string[]): Promise<Popped[]> {
    const none = (empty: readonly string[]): void => empty.forEach((service) => this.#deep.delete(service))
    const silent = setTimeout(none, SILENT, services)
    const popped = await this.#options.queue.pop(services).finally(() => clearTimeout(silent))
    const [first] = popped
    none(first ? services.slice(0, services.indexOf(first.service)) : services)
    for (const { service } of popped) this.#deep.add(service)
    return popped
  }

  /** Takes what a list has, as far as there is room. */
  async #take(service: string): Promise<void> {
    const count = Math.min(BATCH, this.#options.room(service))
    if (count < 1 || this.#stopping || !this.#options.intake.open) return
    const { queue, intake } = this.#options
    const popped: readonly Popped[] = await queue.take(service, count)
    // Where the queue is not healthy nobody has looked.
    if (popped.length < count && queue.healthy) this.#drained.add(service)
    else this.#drained.delete(service)
    if (popped.length < count) this.#deep.delete(service)
    else this.#deep.add(service)
    intake.offer(popped)
  }

  /** The services with room, each time beginning with another one: BRPOP serves the first list that is not empty. */
  #withRoom(): string[] {
    const { services, room } = this.#options
    this.#turn = (this.#turn + 1) % Math.max(1, services.length)
    const rotated = [...services.slice(this.#turn), ...services.slice(0, this.#turn)]
    return rotated.filter((service) => {
      const open = room(service) > 0
      // What comes into its list from now on stays there.
      if (!open) this.#drained.delete(service)
      return open
    })
  }

  /** Waits until a slot comes free, or at most for some time. */
  #until(ms: number | undefined): Promise<void> {
    return new Promise((resolve) => {
      const timer = ms === undefined ? undefined : setTimeout(resolve, ms)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}
