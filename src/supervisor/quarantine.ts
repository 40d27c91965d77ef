// The quarantine: tasks that kept losing their thread run in a thread of their own, in ever smaller groups, until they make progress.
import { CRASHES } from '../core/crashes.ts'
import { fail } from '../lifecycle/settle.ts'
import type { Store } from '../store/store.ts'
import type { Log } from '../telemetry/log.ts'
import { type Waiting, begin } from './begin.ts'
import type { RunningTask, RunningTasks } from './running.ts'
import type { Pool, PoolOptions } from './pool.ts'
import type { Thread } from './thread.ts'

/**
 * How many suspects may be on trial together: 64, and of a group that dies each is tried again among 8, then by itself. A hundred
 * tasks that shared a thread with a poison are cleared in seconds, and the poison is found in three deaths.
 */
const groupOf = ({ crashes }: RunningTask): number => 8 ** Math.max(0, CRASHES.alone - 1 - crashes)

/** Takes up again what a dead thread ran. */
export interface Revivals {
  orphaned(tasks: readonly RunningTask[]): void
}

export interface QuarantineOptions {
  /** Makes the pool of its one thread. */
  pool(events: Pick<PoolOptions, 'died' | 'available'>): Pick<Pool, 'start' | 'stop' | 'idlest' | 'drain' | 'serve'>
  readonly store: Pick<Store, 'settle'>
  readonly running: RunningTasks
  /** How long a suspect is on trial, ms: so long it keeps others from beginning. */
  readonly trial: number
  readonly log: Log
  readonly revivals: Revivals
}

/** Its thread starts with the first suspect. */
export class Quarantine {
  readonly #options: QuarantineOptions
  readonly #pool: ReturnType<QuarantineOptions['pool']>
  /** Who runs, each with the end of its trial; undefined: that is over. */
  readonly #running = new Map<RunningTask, NodeJS.Timeout | undefined>()
  #waiting: Waiting[] = []
  #started = false

  constructor(options: QuarantineOptions) {
    this.#options = options
    this.#pool = options.pool({ died: (_thread, cause) => this.#died(cause), available: () => this.#next() })
  }

  async stop(): Promise<void> {
    this.#waiting = []
    for (const timer of this.#running.values()) clearTimeout(timer)
    this.#running.clear()
    await this.#pool.stop()
  }

  /** Nothing new begins here any more. */
  drain(): void {
    this.#pool.drain()
  }

  /** The services have changed. */
  serve(): void {
    this.#pool.serve()
  }

  /** Takes a suspect; it runs when its turn comes. */
  add(suspect: Waiting): void {
    this.#waiting.push(suspect)
    if (this.#started) return this.#next()
    this.#started = true
    this.#pool.start().catch((error: unknown) => this.#options.log.event('quarantine_not_started', { err: error }))
  }

  /** A claim was let go. */
  ended(task: RunningTask): void {
    if (!this.#running.has(task)) return
    clearTimeout(this.#running.get(task))
    this.#running.delete(task)
    this.#next()
  }

  /** Starts as many as the trial has room for. */
  #next(): void {
    for (let thread = this.#pool.idlest; thread && this.#hasRoom();) {
      const suspect = this.#waiting.shift()
      // Let go, or being given back by a drain.
      if (suspect && this.#options.running.has(suspect.task) && !suspect.task.writing) this.#try(thread, suspect)
    }
  }

  #hasRoom(): boolean {
    const task = this.#waiting[0]?.task
    if (!task) return false
    if (task.crashes >= CRASHES.alone) return this.#running.size === 0
    const onTrial = [...this.#running].flatMap(([other, timer]) => (timer === undefined ? [] : [other]))
    return onTrial.length < Math.min(...[task, ...onTrial].map(groupOf))
  }

  #try(thread: Thread, suspect: Waiting): void {
    const { task } = suspect
    const timer = setTimeout(() => {
      if (task.crashes >= CRASHES.alone) return
      this.#running.set(task, undefined)
      this.#next()
    }, this.#options.trial)
    this.#running.set(task, timer)
    begin(thread, suspect)
  }

  #died(cause: Error): void {
    const dead = [...this.#running.keys()]
    for (const timer of this.#running.values()) clearTimeout(timer)
    this.#running.clear()
    for (const task of dead) task.thread = undefined
    const { log, revivals } = this.#options
    const [culprit, ...others] = dead
    if (!culprit) log.event('thread_died', { err: cause, tasks: 0 })
    else if (others.length === 0) void this.#convict(culprit, cause)
    else {
      log.event('suspects_died', { err: cause, tasks: dead.length })
      // A report that is being written decides by itself; its writer finds the thread gone.
      // The last that began is the likeliest culprit: it goes first.
      revivals.orphaned(dead.filter(({ writing }) => !writing).toReversed())
    }
  }

  async #convict(task: RunningTask, cause: Error): Promise<void> {
    const { log, running, store } = this.#options
    log.event('task_killed_thread', { task: task.id, service: task.service, action: task.action, err: cause })
    // A report that is being written decides by itself how the task goes on.
    if (task.writing) return
    task.writing = true
    const failure = { code: 'crashed', detail: 'The task killed its thread when it was run alone.' } as const
    await fail({ store }, task, failure).catch((error: unknown) =>
      log.event('report_failed', { err: error, task: task.id, service: task.service, report: 'settle' }),
    )
    task.writing = false
    running.drop(task)
  }
}
