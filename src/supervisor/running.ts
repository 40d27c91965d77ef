// The tasks that this node runs, by id, and the claims whose answer is still under way.
import type { ClaimRef } from '../store/fenced.ts'
import type { ClaimSpans } from '../telemetry/tracing.ts'
import type { Lanes } from './lanes.ts'
import type { Thread } from './thread.ts'

/** A task that this node runs: from the answer of its claim until its last report is written. */
export interface RunningTask extends ClaimRef {
  readonly key: string
  readonly service: string
  readonly action: string
  readonly crashes: number
  /** The number of the try that its row names, as far as this node has heard. */
  attempt: number
  /** The thread of its actor; undefined while the task waits for one. */
  thread: Thread | undefined
  /** Whether a write of it is under way. Its row may already say what this node has not heard yet. */
  writing: boolean
  /** Whether its last request has been answered: only its end is still to be written. */
  answered: boolean
  /** Whether Postgres has granted its request. */
  readonly granted: boolean
  /** The trust epoch in which it was last confirmed. */
  epoch: number
  /** Its spans, where this node makes any. */
  readonly spans?: ClaimSpans | undefined
}

/** Cancelled ids that are remembered one by one; anybody who reaches Redis can send more. */
const MOST_CANCELLED = 10_000

export class RunningTasks {
  readonly #lanes: Lanes
  readonly #tasks = new Map<string, RunningTask>()
  /** Claims sent and notices heard so far: one count, so that each has its place in the order of all. */
  #count = 0
  /** Tokens of the claims whose answer is under way, the oldest first, each with its place. */
  readonly #inFlight = new Map<number, number>()
  /** Ids that notices named while claims were in flight, the oldest first: each claim sent before may still bring them. */
  readonly #cancelled = new Map<string, number>()
  /** The last notice of those that were too many to remember: every row of a claim sent before may be meant. */
  #forgotten = 0
  readonly #ended: (task: RunningTask) => void

  /** @param ended is called with each task that does not run here any more. */
  constructor(lanes: Lanes, ended: (task: RunningTask) => void) {
    this.#lanes = lanes
    this.#ended = ended
  }

  get size(): number {
    return this.#tasks.size
  }

  /** Whether nothing runs, and no claim is under way that may bring something. */
  get empty(): boolean {
    return this.#tasks.size === 0 && !this.#lanes.reserving
  }

  /** A claim statement is on its way. */
  sent(token: number): void {
    this.#forget()
    this.#inFlight.set(token, ++this.#count)
  }

  /** It has been answered, or has failed; `cancelled`, to be asked before anything else here, tells the ids that may have been deleted. */
  arrived(token: number): { cancelled(id: string): boolean } {
    const place = this.#inFlight.get(token) ?? Infinity
    this.#inFlight.delete(token)
    return { cancelled: (id) => this.#forgotten > place || (this.#cancelled.get(id) ?? 0) > place }
  }

  /** The claims whose answer is under way. */
  get inFlight(): ReadonlyMap<number, unknown> {
    return this.#inFlight
  }

  /** Remembers a cancelled id until every claim that is in flight now is answered: one of them may bring it. */
  remember(id: string): void {
    this.#forget()
    if (this.#inFlight.size === 0) return
    const place = ++this.#count
    // Taken out first, so that the order stays that of the notices.
    if (!this.#cancelled.delete(id) && this.#cancelled.size >= MOST_CANCELLED) this.#forgotten = place
    else this.#cancelled.set(id, place)
  }

  /** Forgets the ids that no claim in flight was sent before. */
  #forget(): void {
    const [oldest = Infinity] = this.#inFlight.values()
    for (const [id, place] of this.#cancelled) {
      if (place > oldest) break
      this.#cancelled.delete(id)
    }
  }

  get(id: string): RunningTask | undefined {
    return this.#tasks.get(id)
  }

  /** Whether this very claim still runs. */
  has(task: RunningTask): boolean {
    return this.#tasks.get(task.id) === task
  }

  all(): RunningTask[] {
    return [...this.#tasks.values()]
  }

  /** Adds a claim. Any older claim of the same id must have been dropped before. */
  add(task: RunningTask): void {
    this.#tasks.set(task.id, task)
    this.#lanes.began(task.service)
  }

  /** The last request of a task is answered; its end is still to be written. */
  answered(task: RunningTask): void {
    if (task.answered || !this.has(task)) return
    task.answered = true
    this.#lanes.answered(task.service)
  }

  /** Lets a claim go; its slot is free. False when it had been let go before. */
  drop(task: RunningTask): boolean {
    if (!this.has(task)) return false
    this.#tasks.delete(task.id)
    if (task.thread) task.thread.load -= 1
    task.spans?.end()
    this.#ended(task)
    this.#lanes.ended(task.service, !task.answered)
    return true
  }
}
