// What the ends of statements say of Postgres: whether it is reached, and whether it takes what this node writes. Each change is logged once.
import type { Log } from '../telemetry/log.ts'
import { blameOf, isSlow, refuses, sqlState, StoreError } from './trouble.ts'

interface Refusal {
  readonly at: number
  /** Whether there was no room for it, as on a full disk: less than that may get through meanwhile. */
  readonly room: boolean
  /** Whether it was the server that could not take it. */
  readonly server: boolean
}

/** A statement that was refused for want of room is tried again by then, if anybody still wants it, ms. */
const FORGOTTEN = 10_000

/** The kind of the small write that is made only to see whether writes are taken. */
export const TRIAL = 'trial'

/** The health of Postgres, as this node sees it. */
export class Health {
  readonly #log: Log
  readonly #again: () => void
  readonly #refused = new Map<string, Refusal>()
  #through = true
  /** Whether one of the refusals since writes were taken last was a server's. */
  #left = false
  #away = false
  #over = false

  /** @param again called when writes are taken again that a server could not take: this may be another one, and connections for reads never hear that theirs is not */
  constructor(log: Log, again: () => void) {
    this.#log = log
    this.#again = again
  }

  /** Whether the last statement got through. */
  get through(): boolean {
    return this.#through
  }

  /** Whether it refuses writes, while other statements may get through. */
  get refusing(): boolean {
    return this.#refused.size > 0
  }

  /** A statement of this kind got through. */
  succeeded(kind: string): void {
    this.#through = true
    if (this.#away && !this.#over) this.#log.info('postgres is back')
    this.#away = false
    this.#forget((refused) => refused === kind)
  }

  /** A statement of this kind failed. */
  failed(kind: string, error: unknown): void {
    if (!(error instanceof StoreError) || (error.trouble !== 'notSent' && error.trouble !== 'unknown'))
      return this.#forget((refused) => refused === kind)
    this.#through = false
    if (this.#over) return
    const why = error.message
    if (refuses(error.cause)) {
      // Of a statement that was only slow a trial has to say whether writes are refused.
      if (isSlow(error.cause) && kind !== TRIAL) return
      if (!this.refusing) this.#log.error({ why }, 'postgres refuses writes')
      this.#refused.set(kind, {
        at: performance.now(),
        room: sqlState(error.cause)?.startsWith('53') === true,
        server: blameOf(error.cause) === 'server',
      })
    } else if (!this.#away) {
      this.#away = true
      this.#log.error({ why }, 'postgres is unreachable')
    }
  }

  /** A small write got through that was made only to see: what had been refused would be too, unless it is room that it lacked. */
  tried(): void {
    const long = performance.now() - FORGOTTEN
    this.#forget((_kind, { at, room }) => !room || at < long)
  }

  /** From now on statements fail because this node stops. */
  end(): void {
    this.#over = true
  }

  #forget(which: (kind: string, refusal: Refusal) => boolean): void {
    if (!this.refusing) return
    for (const [kind, refusal] of this.#refused)
      if (which(kind, refusal)) {
        this.#left ||= refusal.server
        this.#refused.delete(kind)
      }
    if (this.refusing || this.#over) return
    this.#log.info('postgres takes writes again')
    if (this.#left) this.#again()
    this.#left = false
  }
}
