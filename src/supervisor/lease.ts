// The lease of this node: who it is, its beats, how far it is trusted, and whether it may take over from others.
import { randomUUID } from 'node:crypto'
import type { Identity } from '../core/identity.ts'
import type { Part } from '../core/part.ts'
import type { Services } from '../core/service.ts'
import type { Timings } from '../core/timings.ts'
import type { Trust } from '../core/trust.ts'
import type { Known } from '../store/nodes.ts'
import type { Store } from '../store/store.ts'
import type { Log } from '../telemetry/log.ts'
import type { Lanes } from './lanes.ts'
import type { States } from './states.ts'
import { Ticker } from './ticker.ts'

export interface LeaseOptions {
  readonly store: Pick<Store, 'enroll' | 'beat' | 'resign' | 'resignOthers'>
  readonly identity: Identity
  /** What a person calls this node. Asked when its row is made. */
  name(): string
  /** Of this release. */
  readonly version: string
  readonly services: Services
  readonly timings: Timings
  readonly trust: Trust
  /** How busy this node is. */
  readonly lanes: Pick<Lanes, 'load'>
  /** Whether this node is alone by proof (the lock on DATA_DIR), so that every other lease can be ended at once. */
  readonly alone: boolean
  readonly log: Log
  /** Read beside each beat: the beat is good only if the states of services are known. */
  readonly states: Pick<States, 'read' | 'beaten'>
  /** After each good beat. */
  beaten(): void
  /** The node's row was gone: whatever it held may belong to others, and it goes on under a new name. */
  renamed(node: string): void
}

const NS_PER_MS = 1_000_000n
/** After a beat that failed, ms: several tries fit into the trust window. */
const RETRY = 300

/** A part: it has a valid lease when `start` returns. */
export class Lease implements Part {
  readonly #options: LeaseOptions
  readonly #ticker: Ticker
  #heldSince = Infinity
  #until = '-infinity'
  /** The same by the own clock, hrtime. */
  #claimsUntilNs = 0n

  constructor(options: LeaseOptions) {
    this.#options = options
    const { timings, log } = options
    this.#ticker = new Ticker({ name: 'beat', every: timings.beat, retry: RETRY, log, run: () => this.#beat() })
  }

  /** The node's id: one per start of a process, and a new one when its row was gone. */
  get node(): string {
    return this.#options.identity.node
  }

  /** Whether this node may begin requests now. */
  get trusted(): boolean {
    return this.#options.trust.holds(process.hrtime.bigint())
  }

  /** Whether a claim that is sent now may rely on the last good beat. */
  get mayClaim(): boolean {
    return this.trusted && process.hrtime.bigint() < this.#claimsUntilNs
  }

  /** Until when claims may rely on the last good beat, by Postgres' clock. */
  get claimsUntil(): string {
    return this.#until
  }

  /** How long this node has been trusted without a gap, ms. */
  get held(): number {
    return Math.max(0, performance.now() - this.#heldSince)
  }

  // Within it nobody's lease runs out who was alive at this node's last good beat: the others beat at most a beat before.
  get #claimWindow(): number {
    const { trust, beat } = this.#options.timings
    return Math.max(trust - beat, trust / 2)
  }

  /** Whether it may take over from owners whose lease has run out: no storm of repeated requests after an outage. */
  get takesOver(): boolean {
    return this.#options.alone || this.held >= this.#options.timings.takeoverDelay
  }

  async start(): Promise<void> {
    await this.#enroll()
    if (this.#options.alone) await this.#options.store.resignOthers(this.node)
    await this.#ticker.start()
  }

  /** Ends the beats and gives up the lease: what this node may still hold can be taken over at once. */
  async stop(): Promise<void> {
    await this.#ticker.stop()
    if (this.#heldSince === Infinity) return
    this.#heldSince = Infinity
    this.#options.trust.revoke()
    await this.#options.store.resign(this.node).catch(() => this.#options.log.event('lease_kept'))
  }

  /** The services have changed: a beat tells the others now. */
  serve(): void {
    this.#ticker.wake()
  }

  /** What others must know of the services of this node. */
  get #known(): Known {
    const all = [...this.#options.services.values()]
    return {
      services: all.map(({ name }) => name),
      callbacks: Object.fromEntries(all.flatMap(({ name, callback }) => (callback ? [[name, callback]] : []))),
    }
  }

  async #enroll(): Promise<void> {
    const begun = process.hrtime.bigint()
    const { store, timings, name, version } = this.#options
    const row = { id: this.node, name: name(), version, ...this.#known }
    const { until } = await store.enroll(row, timings.lease, this.#claimWindow)
    this.#heldSince = performance.now()
    this.#extend(begun, until)
  }

  async #beat(): Promise<boolean> {
    const { identity, store, states, timings, lanes, log, renamed, beaten } = this.#options
    const begun = process.hrtime.bigint()
    // Trust is extended only by what is known of pauses: what was changed during an outage holds from the first request after it.
    const [found] = await Promise.all([
      store.beat(this.node, timings.lease, this.#claimWindow, { ...lanes.load, ...this.#known }),
      states.read(),
    ])
    if (!found) {
      log.event('node_row_gone')
      this.#options.trust.revoke()
      identity.node = randomUUID()
      renamed(this.node)
      await this.#enroll()
    } else {
      // Where this node had no trust any more the others had none either, and some have no lease: they get the time to beat.
      if (!this.trusted) this.#heldSince = performance.now()
      if (!found.held) {
        log.event('lease_lapsed')
        this.#heldSince = performance.now()
        // Also where this process's clock stood still and trust seems to hold: a new epoch, so that all is asked about.
        this.#options.trust.revoke()
      }
      this.#extend(begun, found.until)
    }
    states.beaten()
    beaten()
    return false
  }

  #extend(begun: bigint, until: string): void {
    this.#until = until
    this.#claimsUntilNs = begun + BigInt(Math.round(this.#claimWindow)) * NS_PER_MS
    this.#options.trust.extend(begun, process.hrtime.bigint(), BigInt(this.#options.timings.trust) * NS_PER_MS)
  }
}
