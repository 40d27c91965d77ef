// Dispatch: what was claimed goes to a thread, suspects go to the quarantine, and what a dead thread ran starts again.
import type { Trust } from '../core/trust.ts'
import { revive } from '../lifecycle/claim.ts'
import type { ClaimedRow, Orphan } from '../store/claims.ts'
import type { Store } from '../store/store.ts'
import { StoreError } from '../store/trouble.ts'
import type { Log } from '../telemetry/log.ts'
import { type Waiting, begin } from './begin.ts'
import type { Hands, Held } from './hands.ts'
import type { Pool } from './pool.ts'
import { type Quarantine, SUSPECT_FROM } from './quarantine.ts'
import type { Thread } from './thread.ts'

export interface DispatchDependencies {
  readonly store: Store
  readonly hands: Hands
  readonly trust: Trust
  readonly pool: Pick<Pool, 'idlest' | 'threads'>
  readonly quarantine: Pick<Quarantine, 'add'>
  readonly log: Log
}

/** A claim's own name: the fence of the rows that it brought, and the trust epoch in which it was sent. */
export interface Sent {
  readonly node: string
  readonly token: number
  readonly epoch: number
}

const REVIVE_RETRY = 500

/** Brings claims to threads. */
export class Dispatch {
  readonly #by: DispatchDependencies
  /** Claims that wait for a thread, because the last one has died. */
  #homeless: Waiting[] = []
  #stopping = false

  constructor(by: DispatchDependencies) {
    this.#by = by
  }

  /** Takes a claimed row in hand and starts its actor. */
  accept(row: ClaimedRow, { node, token, epoch }: Sent): void {
    const { hands, log } = this.#by
    const { id, service, action, crashes, attempt } = row
    if (row.failed) return log.event('task_failed_crashed', { task: id, service, action, why: 'crashed', crashes })
    if (row.lost) log.event('task_taken_over', { task: id, service, action, step: row.step, crashes })
    // One actor of one task: the older claim's actor ends first, and the new one starts behind it in the same thread.
    const older = hands.get(id)
    if (older) this.stop(older)
    const held: Held = { id, token, node, service, action, crashes, attempt, thread: undefined, writing: false, epoch }
    hands.add(held)
    this.#place({ held, task: row, since: performance.now() }, older?.thread)
  }

  /** Aborts an actor and lets its claim go; what it reports from now on is not heard. */
  stop(held: Held): void {
    held.thread?.tell({ kind: 'stop', id: held.id, token: held.token })
    this.#by.hands.drop(held)
  }

  /** A claim was found good in this epoch: its requests may begin. */
  confirm(held: Held, epoch: number): void {
    held.epoch = epoch
    held.thread?.tell({ kind: 'confirm', id: held.id, token: held.token, epoch })
  }

  /** A thread has died: what it ran starts again on another, unless a last word is being written. */
  threadDied(thread: Thread): void {
    const orphans = this.#by.hands.all().filter((held) => held.thread === thread)
    for (const held of orphans) held.thread = undefined
    this.orphaned(orphans.filter(({ writing }) => !writing))
  }

  /** Starts claims again that lost their thread: the next try, one crash more. */
  orphaned(helds: readonly Held[]): void {
    if (helds.length > 0) void this.#revive(helds)
  }

  /** There is a thread again. */
  resume(): void {
    for (const waiting of this.#homeless.splice(0))
      if (this.#by.hands.has(waiting.held) && !waiting.held.writing) this.#place(waiting)
  }

  /** Ends the repeats of `orphaned`. */
  end(): void {
    this.#stopping = true
  }

  #place(waiting: Waiting, prefer?: Thread): void {
    const { pool, quarantine } = this.#by
    if (waiting.held.crashes >= SUSPECT_FROM) return quarantine.add(waiting)
    const thread = prefer && pool.threads.includes(prefer) ? prefer : pool.idlest
    if (thread) begin(thread, waiting)
    else this.#homeless.push(waiting)
  }

  async #revive(helds: readonly Held[]): Promise<void> {
    const { hands, trust, log, store } = this.#by
    // Nothing else judges them until the write has said whether they are still ours.
    for (const held of helds) held.writing = true
    const { epoch } = trust
    const rows = await this.#untilAnswered(() => revive({ store }, helds satisfies readonly Orphan[]))
    const found = new Map(rows.map((row) => [row.id, row]))
    for (const held of helds) {
      held.writing = false
      if (!hands.has(held)) continue
      const row = found.get(held.id)
      hands.drop(held)
      if (!row) continue
      log.event('thread_lost', { task: held.id, service: held.service, crashes: row.crashes })
      this.accept(row, { node: held.node, token: held.token, epoch })
    }
  }

  async #untilAnswered(ask: () => Promise<ClaimedRow[]>): Promise<ClaimedRow[]> {
    for (;;) {
      try {
        return await ask()
      } catch (error) {
        if (!(error instanceof StoreError) || error.trouble === 'bug')
          this.#by.log.event('revive_failed', { err: error })
        if (this.#stopping) return []
        await new Promise((resolve) => setTimeout(resolve, REVIVE_RETRY))
      }
    }
  }
}
