// The routes of nodes and statistics: who is at work, and what tasks came to, by the minute.
import type { Context } from 'koa'
import { isFor } from '../core/key.ts'
import { timeOf } from '../core/time.ts'
import { parseDuration } from '../core/units.ts'
import { sendJson } from './answer.ts'
import { callerOf } from './caller.ts'
import type { ApiContext } from './dependencies.ts'
import { refuseFaults } from './faults.ts'
import type { Parameters } from './parameters.ts'

/** What is shown where the caller says nothing. */
const SINCE = '1h'

/** GET /nodes: a key with `services` sees those names alone. */
export async function listNodes(api: ApiContext, ctx: Context): Promise<void> {
  const caller = callerOf(ctx)
  const nodes = await api.store.nodes()
  const shown = nodes.map((node) => ({ ...node, services: node.services.filter((name) => isFor(caller, name)) }))
  sendJson(ctx, 200, JSON.stringify(shown))
}

/** GET /stats */
export async function showStats(api: ApiContext, ctx: Context, parameters: Parameters): Promise<void> {
  const given = parameters.get('since') ?? SINCE
  const ago = parseDuration(given)
  const since = ago === undefined ? { at: new Date(timeOf(given) ?? 0).toISOString() } : { ago }
  const caller = callerOf(ctx)
  const service = parameters.get('service')
  if (service !== undefined && !isFor(caller, service))
    throw refuseFaults('not_allowed', [{ parameter: 'service', detail: 'The key is not for this service.' }])
  const found = await api.store.stats({ since, service })
  sendJson(ctx, 200, JSON.stringify(found.filter((row) => isFor(caller, row.service))))
}
