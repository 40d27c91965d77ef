// Intake: ids that were popped and rows that were swept become claims, and never more of them than there are slots.
import type { Trust } from '../core/trust.ts'
import { type Wanted, claim, tokens } from '../lifecycle/claim.ts'
import type { Slot } from '../lifecycle/submit.ts'
import type { Popped, Queue } from '../queue/port.ts'
import { CLAIM_BYTES, type ClaimedRow, type SweepQuery } from '../store/claims.ts'
import type { Inserted } from '../store/inserts.ts'
import type { Store } from '../store/store.ts'
import type { Log } from '../telemetry/log.ts'
import type { Dispatch, Sent } from './dispatch.ts'
import type { Hands } from './hands.ts'
import type { Lease } from './lease.ts'

export interface IntakeDependencies {
  readonly store: Store
  readonly queue: Pick<Queue, 'push'>
  readonly hands: Hands
  readonly lease: Lease
  readonly trust: Trust
  readonly dispatch: Dispatch
  /** A claim has brought a task that a hint says was deleted. */
  hinted(id: string): void
  readonly log: Log
}

/** What a sweep came to. */
export interface Swept {
  /** The services for which there was no room for more, in slots or in bytes. */
  readonly filled: ReadonlySet<string>
  /** The services of which it brought rows that no list announces: they had been parked, given back, or lost. */
  readonly unannounced: ReadonlySet<string>
}

/** Rows that one pass of the sweep claims at most. */
export const MOST_SWEPT = 500

/** The epoch of a claim that no epoch has confirmed: it sends nothing until one does. */
const NEVER = -1

/** The only place that claims. Popped ids share a statement: one is in flight, the next gathers meanwhile. */
export class Intake {
  readonly #by: IntakeDependencies
  readonly #newToken = tokens()
  #popped: Popped[] = []
  /** How many popped ids of a service are being claimed. */
  readonly #coming = new Map<string, number>()
  /** How many in a row had nothing to claim. */
  readonly #barren = new Map<string, number>()
  #claiming = false
  #open = true

  constructor(by: IntakeDependencies) {
    this.#by = by
  }

  /** Whether claims may be sent now. */
  get open(): boolean {
    return this.#open && this.#by.lease.mayClaim && this.#by.store.healthy
  }

  /** Whether the list of a service has more ids in a row without anything to claim than a pass of the sweep accounts for. */
  barren(service: string): boolean {
    return (this.#barren.get(service) ?? 0) > MOST_SWEPT
  }

  /** How many popped ids of a service have a slot until their claim is answered. */
  coming(service: string): number {
    return this.#coming.get(service) ?? 0
  }

  /** Sends no claim any more; one in flight is still answered. */
  close(): void {
    this.#open = false
  }

  /** Takes popped ids. One that has no room any more goes back to its list. */
  offer(popped: readonly Popped[]): void {
    const { hands, queue } = this.#by
    for (const one of popped) {
      if (!this.#open || hands.room(one.service) < 1) {
        void queue.push(one.service, one.id)
        continue
      }
      hands.reserveOne(one.service)
      count(this.#coming, one.service, 1)
      this.#popped.push(one)
    }
    if (this.#claiming || this.#popped.length === 0) return
    this.#claiming = true
    setImmediate(() => void this.#claimPopped())
  }

  async #claimPopped(): Promise<void> {
    while (this.#popped.length > 0) {
      const batch = this.#popped
      this.#popped = []
      // An id that cannot be claimed now is dropped: the sweep finds its row, if there is one.
      const rows = await this.#claim({ popped: batch }).catch((error: unknown) => {
        this.#by.log.event('claim_failed', { err: error })
        return []
      })
      if (isFull(rows)) this.#putBack(batch, rows)
      for (const { service } of batch) count(this.#barren, service, 1)
      for (const { service } of rows) this.#barren.delete(service)
      for (const { service } of batch) {
        count(this.#coming, service, -1)
        this.#by.hands.unreserveOne(service)
      }
    }
    this.#claiming = false
  }

  /** Claims due rows. Throws a `StoreError`. */
  async sweep(query: SweepQuery): Promise<Swept> {
    const { hands } = this.#by
    hands.reserve(query.limit, query.room)
    try {
      const rows = await this.#claim({ sweep: query })
      const all = rows.length >= query.limit || isFull(rows)
      const brought = new Map<string, number>()
      for (const { service } of rows) count(brought, service, 1)
      const filled = [...query.room].filter(([service, room]) => all || (brought.get(service) ?? 0) >= room)
      const unannounced = rows.filter(({ step, attempt, lost }) => step > 0 || attempt > 1 || lost)
      return {
        filled: new Set(filled.map(([service]) => service)),
        unannounced: new Set(unannounced.map(({ service }) => service)),
      }
    } finally {
      hands.unreserve(query.limit, query.room)
    }
  }

  /** Keeps a slot for a task that is inserted as this node's own; undefined when there is none. */
  slot(service: string): Slot | undefined {
    const { hands, lease, trust, store } = this.#by
    // While rows of a lost insert are looked for the next one may have to wait for seconds, which no slot should.
    if (!this.open || store.looking || hands.room(service) < 1) return undefined
    const sent = { node: lease.node, token: this.#newToken(), epoch: trust.epoch }
    hands.reserveOne(service)
    hands.sent(sent.token)
    return {
      taker: sent,
      over: (row) => {
        const { hinted } = hands.answered(sent.token)
        if (row && sent.node === lease.node) this.#accept(firstClaim(row), sent, hinted(row.id))
        hands.unreserveOne(service)
      },
    }
  }

  async #claim(wanted: Wanted): Promise<ClaimedRow[]> {
    const { store, hands, lease, trust } = this.#by
    const token = this.#newToken()
    const sent = { node: lease.node, token, epoch: trust.epoch }
    hands.sent(token)
    let rows: ClaimedRow[] = []
    try {
      rows = await claim({ store, node: sent.node, takesOver: lease.takesOver, voidFrom: lease.until }, token, wanted)
    } finally {
      const { hinted } = hands.answered(token)
      // Under a new name the rows of the old one are not ours to run; others take them over.
      const ours = sent.node === lease.node
      for (const row of rows) if (ours) this.#accept(row, sent, hinted(row.id))
    }
    return rows
  }

  /** A row that may have been deleted since it was claimed begins nothing before it has been asked about. */
  #accept(row: ClaimedRow, sent: Sent, hinted: boolean): void {
    this.#by.dispatch.accept(row, hinted ? { ...sent, epoch: NEVER } : sent)
    if (hinted) this.#by.hinted(row.id)
  }

  /** Ids for which a claim had no room in bytes; those among them that were stale are dropped the next time. */
  #putBack(popped: readonly Popped[], claimed: readonly ClaimedRow[]): void {
    const taken = new Set(claimed.map(({ id }) => id))
    for (const { service, id } of popped) if (!taken.has(id)) void this.#by.queue.push(service, id)
  }
}

function count(counts: Map<string, number>, service: string, more: number): void {
  counts.set(service, (counts.get(service) ?? 0) + more)
}

/** A row that was inserted claimed, as a claim would have brought it. */
function firstClaim({ id, key, service, action, payload, age }: Inserted): ClaimedRow {
  return {
    id,
    key,
    service,
    action,
    body: payload,
    step: 0,
    attempt: 1,
    fails: 0,
    repeats: 0,
    crashes: 0,
    age,
    failed: false,
    lost: false,
  }
}

/** Whether a claim may have left rows for want of room in bytes. */
function isFull(rows: readonly ClaimedRow[]): boolean {
  const characters = rows.reduce((sum, { body }) => sum + body.length, 0)
  // A character has at most three bytes, so nothing small is measured.
  if (characters * 3 < CLAIM_BYTES) return false
  return rows.reduce((bytes, { body }) => bytes + Buffer.byteLength(body), 0) >= CLAIM_BYTES
}
