// GET /caller: who asks, and what the key may do.
import type { Context } from 'koa'
import { SCOPES } from '../core/key.ts'
import { sendJson } from './answer.ts'
import { callerOf } from './caller.ts'
import type { ApiContext } from './dependencies.ts'

/** GET /caller: without keys everybody has every scope. */
export async function showCaller({ version }: ApiContext, ctx: Context): Promise<void> {
  const { name, key } = callerOf(ctx)
  const { scopes = Object.keys(SCOPES), services = null, own = false } = key ?? {}
  sendJson(ctx, 200, JSON.stringify({ name, scopes, services, own, version }))
}
