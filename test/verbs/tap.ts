// The tap: between the stores and pg, where a statement waits for its turn, is lost, or loses its reply.
import { AsyncLocalStorage } from 'node:async_hooks'
import { EventEmitter, once } from 'node:events'
import timersPromises from 'node:timers/promises'
import { syncBuiltinESMExports } from 'node:module'
import pg from 'pg'
import { createSandbox, type SinonSandbox } from 'sinon'
import { Database, type Prepared } from '../../src/store/database.ts'
import { StoreError, troubleOf } from '../../src/store/trouble.ts'

/**
 * - `lost`     applied, but the sender hears of a broken connection
 * - `cut`      the same, and the connection is broken indeed: a new one has to be made
 * - `unsent`   never applied, and the sender hears the same
 * - `late`     the sender hears the same, and it is applied later
 * - `refused`  Postgres says that it cannot now: not applied, and the sender knows
 */
export type Fault = 'none' | 'lost' | 'cut' | 'unsent' | 'late' | 'refused'

/** A statement that a verb has sent. */
export interface Statement<Sender> {
  /** Who sent it, or for a batch: whose entry woke it. */
  readonly by: Sender
  readonly text: string
  readonly values: readonly unknown[]
  readonly fault: Fault
  /** Whether it has been applied. */
  applied: boolean
  /** Whether its sender heard of a broken connection, and knows nothing. */
  unheard: boolean
}

/** A turn that takes longer, ms, will never be over. */
const LONGEST_TURN = 60_000
/** Pauses up to this long, ms, are over at once for those who send through the tap. */
const LONGEST_PAUSE = 1_000

const broken = (): Error => new Error('Connection terminated unexpectedly')
const shuttingDown = { severity: 'FATAL', code: '57P03' }
const refusing = (): Error => Object.assign(new Error('the database system is shutting down'), shuttingDown)
/** As the store's `Database` would throw it. */
const troubled = (error: Error): StoreError => new StoreError(troubleOf(error), error)

const textOf = (sql: unknown): string => (typeof sql === 'string' ? sql : (sql as Prepared).text)

/** Not what knex asks of a new connection. */
const isStatement = (asked: unknown): boolean => typeof asked === 'object' && asked !== null && 'values' in asked

/** How the statements of some calls pass. */
export class Passage<Sender> {
  readonly #events = new EventEmitter()
  readonly #fault: (by: Sender) => Fault
  readonly #sent: (statement: Statement<Sender>) => void
  #held: boolean
  #waiting: (() => void)[] = []

  /** `held`: each statement waits to be let through, and its answer as well. `fault`: what becomes of the next one. */
  constructor({
    held,
    fault,
    sent,
  }: {
    held: boolean
    fault(by: Sender): Fault
    sent(statement: Statement<Sender>): void
  }) {
    this.#held = held
    this.#fault = fault
    this.#sent = sent
  }

  /** What waits, each to be let go, in the order of their coming. */
  get waiting(): readonly (() => void)[] {
    return this.#waiting
  }

  /** Resolves when `settled` says so; it is asked whenever something comes to wait, or `changed` is called. */
  async until(settled: () => boolean): Promise<void> {
    const signal = AbortSignal.timeout(LONGEST_TURN)
    while (!settled()) await once(this.#events, 'change', { signal })
  }

  changed(): void {
    this.#events.emit('change')
  }

  /** Lets go of all that waits, and of whatever comes. */
  letGo(): void {
    this.#held = false
    for (const go of this.#waiting) go()
  }

  /** What becomes of a statement that is sent now. */
  send(asked: Pick<Statement<Sender>, 'by' | 'text' | 'values'>): Statement<Sender> {
    const statement = { ...asked, fault: this.#fault(asked.by), applied: false, unheard: false }
    this.#sent(statement)
    return statement
  }

  async turn(): Promise<void> {
    if (!this.#held) return
    await new Promise<void>((resolve) => {
      const go = (): void => {
        this.#waiting = this.#waiting.filter((one) => one !== go)
        resolve()
      }
      this.#waiting.push(go)
      this.changed()
    })
  }
}

interface Sending<Sender> {
  readonly by: Sender
  readonly passage: Passage<Sender>
  /** The pauses that it did not have to wait for, ms: its clock is so far ahead, and nobody else's. */
  skipped: number
}

/** A part: while it runs, what is sent within `within` passes through it. Nothing else is touched. */
export class Tap<Sender> {
  readonly #senders = new AsyncLocalStorage<Sending<Sender>>()
  readonly #cut = new AsyncLocalStorage<Statement<Sender>>()
  readonly #sandbox: SinonSandbox = createSandbox()

  start(): void {
    this.#tapStores()
    this.#tapPostgres()
    this.#skipPauses()
  }

  stop(): void {
    this.#sandbox.restore()
    syncBuiltinESMExports()
  }

  within<T>(by: Sender, passage: Passage<Sender>, run: () => Promise<T>): Promise<T> {
    return this.#senders.run({ by, passage, skipped: 0 }, run)
  }

  #tapStores(): void {
    const apply = (query: typeof Database.prototype.query, database: Database, given: unknown[]): unknown => {
      const sender = this.#senders.getStore()
      const send = (): unknown => Reflect.apply(query, database, given)
      const [text, values] = given
      if (!sender) return send()
      const asked = { by: sender.by, text: textOf(text), values: Array.isArray(values) ? values : [] }
      return this.#through(sender.passage, asked, send)
    }
    this.#sandbox.replace(Database.prototype, 'query', new Proxy(Database.prototype.query, { apply }))
  }

  #tapPostgres(): void {
    const apply = async (
      query: typeof pg.Client.prototype.query,
      client: pg.Client,
      given: unknown[],
    ): Promise<unknown> => {
      const answer: unknown = await Reflect.apply(query, client, given)
      const statement = this.#cut.getStore()
      if (!statement || !isStatement(given[0])) return answer
      statement.applied = true
      throw broken()
    }
    this.#sandbox.replace(pg.Client.prototype, 'query', new Proxy(pg.Client.prototype.query, { apply }))
  }

  async #through(
    passage: Passage<Sender>,
    asked: Parameters<typeof passage.send>[0],
    send: () => unknown,
  ): Promise<unknown> {
    await passage.turn()
    const statement = passage.send(asked)
    const { fault } = statement
    if (fault === 'refused') throw troubled(refusing())
    // Before the sender can hear of it and go on.
    statement.unheard = fault === 'unsent' || fault === 'late' || fault === 'cut'
    if (fault === 'unsent' || fault === 'late') throw troubled(broken())
    const answer = await (fault === 'cut' ? this.#cut.run(statement, send) : send())
    statement.applied = true
    await passage.turn()
    statement.unheard = fault === 'lost'
    if (fault === 'lost') throw troubled(broken())
    return answer
  }

  /** The pauses between two tries, and the clock by which they are counted: time passes without being waited for. */
  #skipPauses(): void {
    const now = performance.now.bind(performance)
    const skip = (ms: unknown): unknown => {
      const sending = this.#senders.getStore()
      if (typeof ms !== 'number' || ms > LONGEST_PAUSE || !sending) return ms
      sending.skipped += ms
      return 0
    }
    this.#sandbox.replace(performance, 'now', () => now() + (this.#senders.getStore()?.skipped ?? 0))
    this.#sandbox.replace(
      globalThis,
      'setTimeout',
      new Proxy(globalThis.setTimeout, {
        apply: (later, self, [call, ms, ...given]: unknown[]) => Reflect.apply(later, self, [call, skip(ms), ...given]),
      }),
    )
    this.#sandbox.replace(
      timersPromises,
      'setTimeout',
      new Proxy(timersPromises.setTimeout, {
        apply: (sleep, self, [ms, ...given]: unknown[]) => Reflect.apply(sleep, self, [skip(ms), ...given]),
      }),
    )
    syncBuiltinESMExports()
  }
}
