// The door: which scope a route needs, and whether the key of a request has it. The first thing that is judged of a request.
import type { Context } from 'koa'
import { type Caller, isExpired, keyOf, mayDo, type Scope } from '../core/key.ts'
import { Refusal } from '../core/refusal.ts'
import { callerOf } from './caller.ts'
import type { ApiContext } from './dependencies.ts'

/** What a route needs: a scope, or nothing. */
export type Needs = Scope | 'open'

const AUTHORIZATION = /^authorization$/i
/** A token as RFC 6750 writes it. */
const BEARER = /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i

/**
 * Finds out who sends a request, for `callerOf`. Without keys that costs nothing. Throws a `Refusal`: `unauthorized` without a key that
 * counts, `not_allowed` where the key lacks the scope.
 */
export function letIn({ keys }: Pick<ApiContext, 'keys'>, ctx: Context, needs: Needs): void {
  if (keys.size === 0 || needs === 'open') return
  const { rawHeaders } = ctx.req
  // Node keeps the first of several, and a proxy may have looked at another one.
  const [given, ...more] = rawHeaders.filter((_, i) => i % 2 === 1 && AUTHORIZATION.test(rawHeaders[i - 1] ?? ''))
  const token = more.length === 0 ? BEARER.exec(given ?? '')?.[1] : undefined
  const key = token === undefined ? undefined : keyOf(keys, token, Date.now())
  if (key === undefined) {
    ctx.set('WWW-Authenticate', given === undefined ? 'Bearer' : 'Bearer error="invalid_token"')
    throw new Refusal('unauthorized', given === undefined ? NO_KEY : BAD_KEY)
  }
  const caller: Caller = { name: key.name, key }
  ctx.state.caller = caller
  if (!mayDo(caller, needs)) throw new Refusal('not_allowed', `The key lacks the scope \`${needs}\`.`)
}

/** Whether the key with which a request was let in still counts, as it was then. */
export function isStillIn({ keys }: Pick<ApiContext, 'keys'>, ctx: Context): boolean {
  const { key } = callerOf(ctx)
  return key === undefined || (keys.get(key.name) === key && !isExpired(key, Date.now()))
}

const NO_KEY = 'Send a key: `Authorization: Bearer tk_…`.'
const BAD_KEY = 'The key does not count here: check it, or ask those who run task_api for another one.'
