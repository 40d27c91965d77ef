// Dispatch: what was claimed goes to a thread, suspects go to the quarantine, and what a dead thread ran starts again.
import { CRASHES } from '../core/crashes.ts'
import { cannotDecrypt } from '../core/failures.ts'
import type { Trust } from '../core/trust.ts'
import { revive } from '../lifecycle/claim.ts'
import { park } from '../lifecycle/park.ts'
import { fail } from '../lifecycle/settle.ts'
import type { ClaimedRow } from '../store/claimed.ts'
import type { Orphan } from '../store/revivals.ts'
import type { Unopened } from '../store/sealed.ts'
import type { Store } from '../store/store.ts'
import { StoreError } from '../store/trouble.ts'
import type { Log } from '../telemetry/log.ts'
import type { Meters } from '../telemetry/meters.ts'
import type { Tracing } from '../telemetry/tracing.ts'
import { type Waiting, begin } from './begin.ts'
import type { Lanes } from './lanes.ts'
import type { RunningTask, RunningTasks } from './running.ts'
import type { Pool } from './pool.ts'
import type { Quarantine } from './quarantine.ts'
import type { Thread } from './thread.ts'

export interface DispatchDependencies {
  readonly store: Store
  readonly running: RunningTasks
  readonly lanes: Pick<Lanes, 'of'>
  readonly trust: Trust
  readonly pool: Pick<Pool, 'idlest' | 'threads'>
  readonly quarantine: Pick<Quarantine, 'add'>
  readonly log: Log
  readonly meters: Meters
  /** Absent: nobody wants spans. */
  readonly tracing?: Tracing | undefined
}

/** A claim's own name: the fence of the rows that it brought, and the trust epoch in which it was sent. */
export interface Sent {
  readonly node: string
  readonly token: number
  readonly epoch: number
}

const REVIVE_RETRY = 500
/** How long a task waits for a node that has its key, ms. */
const KEY_WAIT = 2_000

/** Whether a task has never begun: from when it was due until now it has only waited. */
const isFirst = ({ attempt, step, firstStep }: ClaimedRow): boolean => attempt === 1 && step === firstStep

/** Brings claims to threads. */
export class Dispatch {
  readonly #by: DispatchDependencies
  /** Claims that wait for a thread, because the last one has died. */
  #awaitingThread: Waiting[] = []
  #stopping = false

  constructor(by: DispatchDependencies) {
    this.#by = by
  }

  /** Takes a claimed row in hand and starts its actor. */
  accept(row: ClaimedRow, { node, token, epoch }: Sent): void {
    const { running, log, meters, tracing } = this.#by
    if (row.lost) meters.takeovers += 1
    const { id, key, service, action, crashes, attempt, granted } = row
    if (row.failed) return log.event('task_failed_crashed', { task: id, service, action, why: 'crashed', crashes })
    if (row.lost) log.event('task_taken_over', { task: id, service, action, step: row.step, crashes })
    if (isFirst(row)) meters.services.of(service).queue.observe(row.age)
    // One actor of one task: the older claim's actor ends first, and the new one starts behind it in the same thread.
    const older = running.get(id)
    if (older) this.stop(older)
    const task: RunningTask = {
      id,
      key,
      token,
      node,
      service,
      action,
      crashes,
      attempt,
      thread: undefined,
      writing: false,
      answered: false,
      granted,
      epoch,
      spans: tracing?.claim(row),
    }
    running.add(task)
    if (row.cannotDecrypt) return void this.#leaveUnread(task, row.cannotDecrypt)
    this.#place({ task, assignment: row, since: performance.now() }, older?.thread)
  }

  /** Aborts an actor and lets its claim go; what it reports from now on is not heard. */
  stop(task: RunningTask): void {
    task.thread?.tell({ kind: 'stop', id: task.id, token: task.token })
    this.#by.running.drop(task)
  }

  /** A claim was found good in this epoch: its requests may begin. */
  confirm(task: RunningTask, epoch: number): void {
    task.epoch = epoch
    task.thread?.tell({ kind: 'confirm', id: task.id, token: task.token, epoch })
  }

  /** A thread has died: what it ran starts again on another, unless a last word is being written. */
  threadDied(thread: Thread): void {
    const orphans = this.#by.running.all().filter((task) => task.thread === thread)
    for (const task of orphans) task.thread = undefined
    this.orphaned(orphans.filter(({ writing }) => !writing))
  }

  /** Starts claims again that lost their thread: the next try, one crash more. */
  orphaned(tasks: readonly RunningTask[]): void {
    if (tasks.length > 0) void this.#revive(tasks)
  }

  /** There is a thread again. */
  resume(): void {
    for (const waiting of this.#awaitingThread.splice(0))
      if (this.#by.running.has(waiting.task) && !waiting.task.writing) this.#place(waiting)
  }

  /** Ends the repeats of `orphaned`. */
  end(): void {
    this.#stopping = true
  }

  #place(waiting: Waiting, prefer?: Thread): void {
    const { pool, quarantine } = this.#by
    if (waiting.task.crashes >= CRASHES.suspect) return quarantine.add(waiting)
    const thread = prefer && pool.threads.includes(prefer) ? prefer : pool.idlest
    if (thread) begin(thread, waiting)
    else this.#awaitingThread.push(waiting)
  }

  /** A body that cannot be decrypted here: the task waits for a node that can, or fails where there is none. */
  async #leaveUnread(task: RunningTask, { lacks }: Unopened): Promise<void> {
    const { store, running, log } = this.#by
    const { id, service, action } = task
    task.writing = true
    try {
      if (lacks !== undefined && (await store.isKeyKnown(lacks)))
        await park({ store }, task, { wait: KEY_WAIT, failure: cannotDecrypt, uncounted: true })
      else {
        log.event('task_failed_sealed', { task: id, service, action, why: cannotDecrypt.code })
        await fail({ store }, task, cannotDecrypt)
      }
    } catch (err) {
      // The next sync gives the claim back.
      log.event('end_failed', { err, task: id })
    }
    running.drop(task)
  }

  async #revive(tasks: readonly RunningTask[]): Promise<void> {
    const { running, lanes, trust, log, store } = this.#by
    // Nothing else judges them until the write has said whether they are still ours.
    for (const task of tasks) task.writing = true
    const { epoch } = trust
    const orphans: readonly Orphan[] = tasks.map((task) => ({
      ...task,
      logged: lanes.of(task.service)?.logged ?? true,
    }))
    const rows = await this.#untilAnswered(() => revive({ store }, orphans))
    const found = new Map(rows.map((row) => [row.id, row]))
    for (const task of tasks) {
      task.writing = false
      if (!running.has(task)) continue
      const row = found.get(task.id)
      running.drop(task)
      if (!row) continue
      log.event('thread_lost', { task: task.id, service: task.service, crashes: row.crashes })
      this.accept(row, { node: task.node, token: task.token, epoch })
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
