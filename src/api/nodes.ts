// The routes of nodes and statistics: who is at work, and what tasks came to, by the minute.
import type { Context } from 'koa'
import { timeOf } from '../core/time.ts'
import { parseDuration } from '../core/units.ts'
import { sendJson } from './answer.ts'
import type { ApiContext } from './dependencies.ts'
import type { Parameters } from './parameters.ts'

/** What is shown where the caller says nothing. */
const SINCE = '1h'

/** GET /nodes */
export async function listNodes(api: ApiContext, ctx: Context): Promise<void> {
  sendJson(ctx, 200, JSON.stringify(await api.store.nodes()))
}

/** GET /stats */
export async function showStats(api: ApiContext, ctx: Context, parameters: Parameters): Promise<void> {
  const given = parameters.get('since') ?? SINCE
  const ago = parseDuration(given)
  const since = ago === undefined ? { at: new Date(timeOf(given) ?? 0).toISOString() } : { ago }
  const found = await api.store.stats({ since, service: parameters.get('service') })
  sendJson(ctx, 200, JSON.stringify(found))
}
