// Meters: what a node has counted since its start, in plain numbers. Whoever counts pays an addition; whoever asks reads them.
import { Histogram } from '../core/buckets.ts'

/** What is counted of one service. */
export class ServiceMeter {
  created = 0
  complete = 0
  failed = 0
  /** Failed tasks by the code of their error. */
  readonly codes = new Map<string, number>()
  /** Requests by what they came to: see core/attempts.ts. */
  readonly outcomes = new Map<number, number>()
  /** How long requests took, and how long tasks waited from when they were due until they began, ms. */
  readonly request = new Histogram()
  readonly queue = new Histogram()
}

/** Names that are counted one by one; more of one kind count as one name. Anybody who may write SQL can name a service. */
const MOST_NAMES = 1_000
/** No service has this name. */
export const OTHERS = '(others)'

/** Meters by name. */
class Named<Meter> extends Map<string, Meter> {
  readonly #make: () => Meter

  constructor(make: () => Meter) {
    super()
    this.#make = make
  }

  /** The meter of a name. */
  of(name: string): Meter {
    const known = this.get(name)
    if (known !== undefined) return known
    if (this.size >= MOST_NAMES && name !== OTHERS) return this.of(OTHERS)
    const meter = this.#make()
    this.set(name, meter)
    return meter
  }
}

/** The meters of a node. */
export class Meters {
  readonly services = new Named(() => new ServiceMeter())
  /** How long statements took, ms, and how many entries each batch carried. */
  readonly statements = new Named(() => new Histogram())
  readonly batches = new Named(() => new Histogram())
  /** Tasks that were taken over from nodes that are gone, and reports of claims that were lost. */
  takeovers = 0
  claimsLost = 0

  /** Counts a request of a service, its outcome, and how long it took, ms. */
  asked(service: string, outcome: number, ms: number): void {
    const { outcomes, request } = this.services.of(service)
    addTo(outcomes, outcome)
    request.observe(ms)
  }

  /** Counts a task that failed. */
  failed(service: string, code: string): void {
    const meter = this.services.of(service)
    meter.failed += 1
    addTo(meter.codes, code)
  }
}

const addTo = <Key>(counts: Map<Key, number>, key: Key): void => void counts.set(key, (counts.get(key) ?? 0) + 1)
