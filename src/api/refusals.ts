// Refused keys, as the log tells of them.
import type { Context } from 'koa'
import type { Refusal } from '../core/refusal.ts'
import type { FieldsOf } from '../telemetry/events.ts'
import type { Log } from '../telemetry/log.ts'
import { callerOf } from './caller.ts'

/** The longest text of a request in a line. */
export const MAX_TEXT = 1_000
/** The codes of a refused key. */
const REFUSED: readonly string[] = ['unauthorized', 'not_allowed']
/** Lines of refused keys in a second. */
const MOST_LINES = 10
const SECOND_MS = 1_000

/** Tells the log of refused keys, and no more than so many lines a second: who has no key must not fill the log. */
export class Refusals {
  readonly #log: Log
  #lines = 0
  /** Those of this second that have no line. */
  #more: FieldsOf<'audit_refused'> | undefined

  constructor(log: Log) {
    this.#log = log
  }

  /** Tells of a refusal, if it is one of a key. */
  tell(ctx: Context, { code }: Refusal): void {
    if (!REFUSED.includes(code)) return
    const target = ctx.path.slice(0, MAX_TEXT)
    const fields = { ...whoOf(ctx), what: ctx.method, target, count: 1, outcome: code }
    if (this.#lines === 0) setTimeout(() => this.#end(), SECOND_MS).unref()
    this.#lines += 1
    if (this.#lines <= MOST_LINES) this.#log.event('audit_refused', fields)
    else this.#more = { ...fields, count: this.#lines - MOST_LINES }
  }

  #end(): void {
    if (this.#more) this.#log.event('audit_refused', this.#more)
    this.#more = undefined
    this.#lines = 0
  }
}

/** Who asks, and from where. What a proxy says of its caller is not asked: anybody can say it. */
export const whoOf = (ctx: Context): Pick<FieldsOf<'audit'>, 'who' | 'from'> => ({
  who: callerOf(ctx).name ?? '-',
  from: ctx.req.socket.remoteAddress ?? '-',
})
