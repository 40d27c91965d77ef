// The audit: after each beat this node asks Postgres what of its tasks is still its own, and now and then what else names it.
import type { Trust } from '../core/trust.ts'
import type { Timings } from '../core/timings.ts'
import { release } from '../lifecycle/release.ts'
import type { Store } from '../store/store.ts'
import type { Log } from '../telemetry/log.ts'
import type { Dispatch } from './dispatch.ts'
import type { Lease } from './lease.ts'
import type { RunningTasks } from './running.ts'
import { findStrays, syncRunning } from './sync.ts'

export interface AuditDependencies {
  readonly store: Store
  readonly running: RunningTasks
  readonly lease: Lease
  readonly trust: Trust
  readonly dispatch: Dispatch
  readonly timings: Timings
  readonly log: Log
}

/** A look at all that names this node follows so many times its own length after the last one, and at most so long, ms: dead entries can make it long. */
const STRAYS = { times: 50, most: 30_000 }

export class Audit {
  readonly #by: AuditDependencies
  #missed: ReadonlyMap<string, number> = new Map()
  #asking = false
  #nextStrays = 0
  #urgent = true

  constructor(by: AuditDependencies) {
    this.#by = by
  }

  /** The outcome of a claim or an insert is unknown: its rows may name this node, and nothing here runs them. */
  suspect(): void {
    this.#urgent = true
  }

  /** Asks and judges, one question at a time. Never throws. */
  async run(): Promise<void> {
    if (this.#asking) return
    this.#asking = true
    const { store, running, lease, trust, dispatch, log } = this.#by
    try {
      const { epoch } = trust
      const judged = await syncRunning({ store, running, node: lease.node, epoch })
      for (const task of judged.stop) {
        log.event('claim_gone', { task: task.id, service: task.service })
        dispatch.stop(task)
      }
      for (const task of judged.confirm) dispatch.confirm(task, epoch)
      await this.#strays()
    } catch (error) {
      log.event('sync_failed', { err: error })
    } finally {
      this.#asking = false
    }
  }

  async #strays(): Promise<void> {
    const { store, running, lease, trust, timings } = this.#by
    const begun = performance.now()
    // What was missed once is asked about again at the next beat.
    if (!this.#urgent && this.#missed.size === 0 && begun < this.#nextStrays) return
    this.#urgent = false
    const asked = { store, running, node: lease.node, epoch: trust.epoch }
    const found = await findStrays(asked, this.#missed).catch((error: unknown) => {
      this.#urgent = true
      throw error
    })
    this.#missed = found.missed
    for (const ref of found.release) void release({ store }, ref).catch(() => undefined)
    const now = performance.now()
    this.#nextStrays = now + Math.max(timings.lease, Math.min(STRAYS.most, (now - begun) * STRAYS.times))
  }
}
