// The times of schedules: each node looks when the next one has come. Whoever is first moves the schedule on and makes the task.
import type { Part } from '../core/part.ts'
import { fire, type FireDependencies } from '../lifecycle/fire.ts'
import { Ticker } from './ticker.ts'

/** Between two looks, ms, while there is no schedule that could make a task. */
const IDLE_MS = 3_000
/** Likewise while there is one: another node may have made a new one since, and died. */
const BUSY_MS = 1_500
/** After a look that failed, ms. */
const RETRY_MS = 500
/** A node looks so long after the time, at most, ms: nodes that look at different times are not in each other's way. */
const SPREAD_MS = 100
/** Between two looks while others have what is due, ms. */
const LEFT_MS = 250

export class Schedules implements Part {
  readonly #by: FireDependencies
  readonly #ticker: Ticker
  #timer: NodeJS.Timeout | undefined

  constructor(by: FireDependencies) {
    this.#by = by
    const run = (): Promise<boolean> => this.#look()
    this.#ticker = new Ticker({ name: 'schedules', every: IDLE_MS, retry: RETRY_MS, log: by.log, run })
  }

  start(): Promise<void> {
    return this.#ticker.start()
  }

  async stop(): Promise<void> {
    await this.#ticker.stop()
    clearTimeout(this.#timer)
  }

  /** A schedule was changed here: its next time may come sooner than this node knows. */
  wake(): void {
    this.#ticker.wake()
  }

  async #look(): Promise<boolean> {
    clearTimeout(this.#timer)
    const { moved, left, wait } = await fire(this.#by)
    // What has been moved on may be due again, and there may be more.
    if (moved > 0) return true
    const pause = Math.min(wait, left > 0 ? LEFT_MS : wait < Infinity ? BUSY_MS : Infinity)
    if (pause < IDLE_MS) this.#timer = setTimeout(() => this.wake(), pause + Math.random() * SPREAD_MS)
    return false
  }
}
