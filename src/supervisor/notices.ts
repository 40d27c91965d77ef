// Cancel notices: anybody can send one, so the row is read before an actor is stopped.
import type { Trust } from '../core/trust.ts'
import type { Store } from '../store/store.ts'
import { StoreError } from '../store/trouble.ts'
import type { Log } from '../telemetry/log.ts'
import type { Dispatch } from './dispatch.ts'
import type { RunningTasks } from './running.ts'

export interface NoticesDependencies {
  readonly store: Pick<Store, 'standing'>
  readonly running: RunningTasks
  readonly trust: Pick<Trust, 'epoch'>
  readonly dispatch: Pick<Dispatch, 'stop' | 'confirm'>
  readonly log: Log
}

/** Between two questions, ms: a flood of forged notices costs Postgres so many a second and no more. */
const PAUSE = 50
/** After a question without an answer, ms. */
const RETRY = 300

/**
 * Only ids in hand are asked about, all that gathered in one question, and one question at a time. A row that is gone never
 * comes back, so an answer cannot be too old to act on, whatever claim brought the id meanwhile.
 */
export class Notices {
  readonly #by: NoticesDependencies
  #heard = new Set<string>()
  #asking = false
  #timer: NodeJS.Timeout | undefined
  #over = false

  constructor(by: NoticesDependencies) {
    this.#by = by
  }

  /** Somebody says that a task was deleted. Nothing follows when it is not in hand. */
  heard(id: string): void {
    if (this.#over || !this.#by.running.get(id)) return
    this.#heard.add(id)
    if (this.#asking) return
    this.#asking = true
    // Notices that came in one read of the socket share the question.
    setImmediate(() => void this.#ask())
  }

  /** Asks nothing any more. */
  end(): void {
    this.#over = true
    this.#heard.clear()
    clearTimeout(this.#timer)
  }

  async #ask(): Promise<void> {
    const ids = [...this.#heard].filter((id) => this.#by.running.get(id))
    this.#heard = new Set()
    const answered = ids.length === 0 || (await this.#judge(ids).catch((error: unknown) => this.#keep(ids, error)))
    if (this.#over) return
    this.#timer = setTimeout(
      () => {
        if (this.#heard.size > 0) return void this.#ask()
        this.#asking = false
      },
      answered ? PAUSE : RETRY,
    )
  }

  async #judge(ids: readonly string[]): Promise<true> {
    const { store, running, trust, dispatch, log } = this.#by
    // The epoch of before the question: what is known from it is not newer than that.
    const asked = trust.epoch
    const rows = new Map((await store.standing(ids)).map((row) => [row.id, row]))
    for (const id of ids) {
      const task = running.get(id)
      const found = rows.get(id)
      // A task that has ended never comes back either.
      const row = found?.ended ? undefined : found
      // A claim that was applied before the row went may still bring it.
      if (!row) running.remember(id)
      if (!task) continue
      if (!row) dispatch.stop(task)
      else {
        if (log.hears('cancel_notice_wrong')) log.event('cancel_notice_wrong', { task: id })
        // A claim that the notice had made doubtful. What else the row says is the sync's to judge.
        if (!task.writing && task.epoch < asked && row.token === task.token && row.node === task.node)
          dispatch.confirm(task, asked)
      }
    }
    return true
  }

  /** While Postgres is away they are asked about again, with what comes meanwhile; the next sync would tell as well. */
  #keep(ids: readonly string[], error: unknown): false {
    if (error instanceof StoreError && error.trouble !== 'bug') for (const id of ids) this.#heard.add(id)
    else this.#by.log.event('cancel_notices_failed', { err: error })
    return false
  }
}
