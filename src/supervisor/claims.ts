// Claims: each is sent under a token of its own, and what it brings goes to a thread.
import type { Terms } from '../core/limit.ts'
import type { Trust } from '../core/trust.ts'
import { claim, tokens } from '../lifecycle/claim.ts'
import { grant } from '../lifecycle/grant.ts'
import type { Queue } from '../queue/port.ts'
import type { ClaimedRow } from '../store/claimed.ts'
import type { ClaimQuery, Wanted } from '../store/claims.ts'
import type { Granted } from '../store/grants.ts'
import type { Store } from '../store/store.ts'
import type { Audit } from './audit.ts'
import type { Dispatch, Sent } from './dispatch.ts'
import type { Lanes } from './lanes.ts'
import type { Lease } from './lease.ts'
import type { Notices } from './notices.ts'
import type { RunningTasks } from './running.ts'

export interface ClaimsDependencies {
  readonly store: Store
  readonly queue: Queue
  readonly lanes: Lanes
  readonly running: RunningTasks
  readonly lease: Lease
  readonly trust: Trust
  readonly dispatch: Dispatch
  readonly notices: Notices
  readonly audit: Pick<Audit, 'suspect'>
}

/** The epoch of a claim that no epoch has confirmed: it sends nothing until one does. */
const UNCONFIRMED = -1

export class Claims {
  readonly #by: ClaimsDependencies
  readonly #newToken = tokens()
  #closed = false

  constructor(by: ClaimsDependencies) {
    this.#by = by
  }

  /** Whether claims may be sent now: this node is trusted, its last beat is fresh, and Postgres answers. */
  get open(): boolean {
    return !this.#closed && this.#by.lease.mayClaim && this.#by.store.healthy
  }

  /** Sends no claim any more; one in flight is still answered. */
  close(): void {
    this.#closed = true
  }

  /** Claims rows and starts them. Throws a `StoreError`. */
  claim(query: ClaimQuery, takesOver: boolean): Promise<readonly ClaimedRow[]> {
    const { store, lease } = this.#by
    return this.#started(
      (by, token) => claim({ store, ...by, takesOver: takesOver && lease.takesOver }, token, query),
      (rows) => rows,
    )
  }

  /** Claims rows of a service with a limit and starts them. Throws a `StoreError`. */
  grant(service: string, wanted: Wanted, terms: Terms): Promise<Granted> {
    const { store } = this.#by
    return this.#started(
      (by, token) => grant({ store, ...by }, token, service, wanted, terms),
      ({ rows }) => rows,
    )
  }

  async #started<Answer>(
    ask: (by: { node: string; validUntil: string }, token: number) => Promise<Answer>,
    rowsOf: (answer: Answer) => readonly ClaimedRow[],
  ): Promise<Answer> {
    const sent = this.send()
    let rows: readonly ClaimedRow[] = []
    try {
      const answer = await ask({ node: sent.node, validUntil: this.#by.lease.claimsUntil }, sent.token)
      rows = rowsOf(answer)
      return answer
    } catch (error) {
      this.suspect()
      throw error
    } finally {
      this.arrived(sent, rows)
    }
  }

  /** The outcome of a claim may be unknown. */
  suspect(): void {
    this.#by.audit.suspect()
  }

  /** A claim is on its way: syncs leave its rows alone until it has arrived. */
  send(): Sent {
    const { lease, trust, running } = this.#by
    const sent = { node: lease.node, token: this.#newToken(), epoch: trust.epoch }
    running.sent(sent.token)
    return sent
  }

  /** Starts what a claim has brought. */
  arrived(sent: Sent, rows: readonly ClaimedRow[]): void {
    const { running, lease, dispatch, notices } = this.#by
    const { cancelled } = running.arrived(sent.token)
    // Under a new name the rows of the old one are not this node's to run; others take them over.
    if (sent.node !== lease.node) return
    for (const row of rows) {
      // A row that may have been deleted since it was claimed begins nothing before it has been asked about.
      const doubtful = cancelled(row.id)
      dispatch.accept(row, doubtful ? { ...sent, epoch: UNCONFIRMED } : sent)
      if (doubtful) notices.heard(row.id)
    }
  }
}
