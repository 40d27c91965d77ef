// The health of Postgres, as the results of statements show it: reachable or not, accepting writes or not. Each change is logged once.
import type { Log } from '../telemetry/log.ts'
import { blameOf, isSlow, refuses, sqlState, StoreError } from './trouble.ts'

interface Refusal {
  readonly at: number
  /** Whether there was no room, as on a full disk. A smaller write may still succeed. */
  readonly room: boolean
  /** Whether the server accepts no writes at all, as a standby. */
  readonly server: boolean
}

/** When a refusal for lack of room is forgotten, ms. A caller who still wants the write has tried again by then. */
const NO_ROOM_EXPIRY_MS = 10_000

/** The kind of the small write that only tests whether Postgres accepts writes. */
export const PROBE = 'probe'

/** The health of Postgres, as this node sees it. */
export class Health {
  readonly #log: Log
  readonly #again: () => void
  readonly #refused = new Map<string, Refusal>()
  #through = true
  /** Whether one of the refusals since the last accepted write blamed the server. */
  #left = false
  #away = false
  #over = false

  /**
   * @param again called when writes are accepted again after a server refused all writes. The new server may be another one, and
   * the connections for reads are still open to the old server.
   */
  constructor(log: Log, again: () => void) {
    this.#log = log
    this.#again = again
  }

  /** Whether the last statement succeeded. */
  get through(): boolean {
    return this.#through
  }

  /** Whether Postgres refuses writes. Other statements may still succeed. */
  get refusing(): boolean {
    return this.#refused.size > 0
  }

  /** Records that a statement of this kind succeeded. */
  succeeded(kind: string): void {
    this.#through = true
    if (this.#away && !this.#over) this.#log.event('postgres_back')
    this.#away = false
    this.#forget((refused) => refused === kind)
  }

  /** Records that a statement of this kind failed. */
  failed(kind: string, error: unknown): void {
    if (!(error instanceof StoreError) || (error.trouble !== 'notSent' && error.trouble !== 'unknown'))
      return this.#forget((refused) => refused === kind)
    this.#through = false
    if (this.#over) return
    const why = error.message
    if (refuses(error.cause)) {
      // The statement may only have been slow, so a probe decides whether writes are refused.
      if (isSlow(error.cause) && kind !== PROBE) return
      if (!this.refusing) this.#log.event('postgres_refuses_writes', { why })
      this.#refused.set(kind, {
        at: performance.now(),
        room: sqlState(error.cause)?.startsWith('53') === true,
        server: blameOf(error.cause) === 'server',
      })
    } else if (!this.#away) {
      this.#away = true
      this.#log.event('postgres_unreachable', { why })
    }
  }

  /** Records that the probe succeeded. Other writes would succeed too, except those that lack room. */
  probeSucceeded(): void {
    const long = performance.now() - NO_ROOM_EXPIRY_MS
    this.#forget((_kind, { at, room }) => !room || at < long)
  }

  /** From now on statements fail because this node stops, so nothing more is logged. */
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
    this.#log.event('postgres_takes_writes')
    if (this.#left) this.#again()
    this.#left = false
  }
}
