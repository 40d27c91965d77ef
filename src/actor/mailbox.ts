// The mailbox of one actor: what the supervisor tells it, as the few questions that its loop waits on.
import type { Trust } from '../core/trust.ts'
import type { InFlightRequest } from './send.ts'

/**
 * An actor is `going`, or the node is `draining` (nothing new begins, what is in request may end), or it is `stopped`
 * (whatever it waits on ends at once and nothing more is reported).
 */
type Mode = 'going' | 'draining' | 'stopped'

/** How often an actor that waits for permission looks by itself, ms. */
const LOOK = 1_000

/** One actor's mailbox. At most one wait is open at a time, as the loop is one. */
export class Mailbox {
  readonly #trust: Trust
  readonly #now: () => bigint
  #mode: Mode = 'going'
  /** The epoch in which the claim was last confirmed. */
  #epoch: number
  #request: InFlightRequest | undefined
  #wake: (() => void) | undefined
  #timer: NodeJS.Timeout | undefined
  #committed: number | undefined

  constructor(trust: Trust, epoch: number, now: () => bigint) {
    this.#trust = trust
    this.#epoch = epoch
    this.#now = now
  }

  get stopped(): boolean {
    return this.#mode === 'stopped'
  }

  get draining(): boolean {
    return this.#mode === 'draining'
  }

  /** Whether a request may begin this very moment. */
  readonly mayBegin = (): boolean =>
    this.#mode === 'going' && this.#trust.holds(this.#now()) && this.#epoch === this.#trust.epoch

  /** Waits until a request may begin; false when none ever will. */
  async permission(): Promise<boolean> {
    // A trust that has lapsed comes back with a confirmation, which rouses. The look by time is for a lapse so short that
    // this thread saw it and the supervisor, which was just extending, did not.
    while (this.#mode === 'going' && !this.mayBegin()) {
      const timer = setTimeout(() => this.#rouse(), LOOK)
      await this.#wait()
      clearTimeout(timer)
    }
    return this.#mode === 'going'
  }

  /** Waits for a request to end; `stop` cuts it off. */
  async during(request: InFlightRequest): ReturnType<typeof awaitReply> {
    this.#request = request
    if (this.stopped) request.stop()
    const reply = await awaitReply(request)
    this.#request = undefined
    return this.stopped ? 'stopped' : reply
  }

  /** Waits for the commit of a report: the number of the next try, or undefined when the claim is lost. */
  async commit(): Promise<number | undefined> {
    while (this.#committed === undefined && !this.stopped) await this.#wait()
    const attempt = this.#committed
    this.#committed = undefined
    return this.stopped ? undefined : attempt
  }

  /** Waits for some milliseconds; false when it was cut short by a drain or a stop. */
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

  /** The report is committed. */
  go(attempt: number, epoch: number): void {
    this.#committed = attempt
    this.confirm(epoch)
  }

  /** The claim was found good in this epoch. */
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
