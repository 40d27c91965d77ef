// The mailbox of one actor: takes the supervisor's commands, and offers the actor's loop a few events to wait for.
import type { Admission } from '../core/admission.ts'
import type { Trust } from '../core/trust.ts'
import type { InFlightRequest } from './send.ts'

/**
 * - `going`    requests may begin
 * - `draining` no request begins any more; the request in flight may end
 * - `stopped`  every wait ends at once, and nothing more is reported
 */
type Mode = 'going' | 'draining' | 'stopped'

/** How often an actor that waits for permission checks without being woken, ms. */
const PERMISSION_CHECK_INTERVAL_MS = 1_000

/** One actor's mailbox. The actor has one loop, so at most one wait is open at a time. */
export class Mailbox {
  readonly #trust: Trust
  readonly #now: () => bigint
  readonly #admission: () => Admission
  /** Whether the next request is granted. */
  #granted: boolean
  #mode: Mode = 'going'
  /** The epoch in which the claim was last confirmed. */
  #epoch: number
  #request: InFlightRequest | undefined
  #wake: (() => void) | undefined
  #timer: NodeJS.Timeout | undefined
  #committed: number | undefined

  /** @param admission which requests of the service may begin; `granted`: whether Postgres has granted the first. */
  constructor(
    trust: Trust,
    epoch: number,
    now: () => bigint,
    admission: () => Admission = () => 'all',
    granted = false,
  ) {
    this.#trust = trust
    this.#epoch = epoch
    this.#now = now
    this.#admission = admission
    this.#granted = granted
  }

  get stopped(): boolean {
    return this.#mode === 'stopped'
  }

  /** Whether what comes next must not come here: the actor drains, or the next request takes its turn among those of all nodes. */
  get yields(): boolean {
    return this.#mode === 'draining' || this.#admission() !== 'all'
  }

  /** Whether a request may begin now. */
  readonly mayBegin = (): boolean =>
    this.#mode === 'going' && this.#admitted && this.#trust.holds(this.#now()) && this.#epoch === this.#trust.epoch

  get #admitted(): boolean {
    const admission = this.#admission()
    return admission === 'all' || (admission === 'granted' && this.#granted)
  }

  /** Waits until a request may begin. False: no request will begin here, as the actor was drained or stopped, or its service admits none. */
  async permission(): Promise<boolean> {
    // When trust has lapsed, the supervisor confirms the claim again and so wakes the actor. The timer covers a very short
    // lapse: this thread saw the lapse, but the supervisor, which was extending trust at that moment, did not.
    while (this.#mode === 'going' && this.#admitted && !this.mayBegin()) {
      const timer = setTimeout(() => this.#rouse(), PERMISSION_CHECK_INTERVAL_MS)
      await this.#wait()
      clearTimeout(timer)
    }
    return this.#mode === 'going' && this.#admitted
  }

  /** Waits for a request to end. `stop` aborts the request. */
  async during(request: InFlightRequest): ReturnType<typeof awaitReply> {
    this.#request = request
    if (this.stopped) request.stop()
    const reply = await awaitReply(request)
    this.#request = undefined
    if (reply !== 'not_begun') this.#granted = false
    return this.stopped ? 'stopped' : reply
  }

  /** Waits for the commit of a report. Returns the number of the next try, or undefined when the actor was stopped. */
  async commit(): Promise<number | undefined> {
    while (this.#committed === undefined && !this.stopped) await this.#wait()
    const attempt = this.#committed
    this.#committed = undefined
    return this.stopped ? undefined : attempt
  }

  /** Waits for `ms` milliseconds. False: a drain or a stop ended the wait early. */
  async pause(ms: number): Promise<boolean> {
    let over = false
    this.#timer = setTimeout(() => {
      over = true
      this.#rouse()
    }, ms)
    while (!over && this.#mode === 'going') await this.#wait()
    clearTimeout(this.#timer)
    return over && this.#mode === 'going'
  }

  /** Command: the report is committed. `attempt` is the number of the next try. */
  go(attempt: number, epoch: number): void {
    this.#committed = attempt
    this.confirm(epoch)
  }

  /** Command: the claim was confirmed in this epoch. */
  confirm(epoch: number): void {
    this.#epoch = Math.max(this.#epoch, epoch)
    this.#rouse()
  }

  drain(): void {
    if (this.#mode === 'going') this.#mode = 'draining'
    this.#rouse()
  }

  stop(): void {
    this.#mode = 'stopped'
    this.#request?.stop()
    this.#rouse()
  }

  #wait(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve))
  }

  #rouse(): void {
    const wake = this.#wake
    this.#wake = undefined
    wake?.()
  }
}

const awaitReply = (request: InFlightRequest): InFlightRequest['reply'] => request.reply
