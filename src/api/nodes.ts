// The routes of nodes and statistics: who is at work, what tasks came to by the minute, and what has failed.
import type { Context } from 'koa'
import { isFor } from '../core/key.ts'
import { locationOf } from '../core/task.ts'
import { timeOf } from '../core/time.ts'
import { parseDuration } from '../core/units.ts'
import type { Since } from '../store/stats.ts'
import { sendJson } from './answer.ts'
import { callerOf } from './caller.ts'
import type { ApiContext } from './dependencies.ts'
import { refuseFaults } from './faults.ts'
import { filtersOf, withinBounds } from './filters.ts'
import { MOST_SINCE, type Parameters } from './parameters.ts'

/** What is shown where the caller says nothing. */
const SINCE = { stats: '1h', failures: '24h' }

/** GET /nodes: a key with `services` sees those names alone. */
export async function listNodes(api: ApiContext, ctx: Context): Promise<void> {
  const caller = callerOf(ctx)
  const nodes = await api.store.nodes()
  const shown = nodes.map((node) => ({ ...node, services: node.services.filter((name) => isFor(caller, name)) }))
  sendJson(ctx, 200, JSON.stringify(shown))
}

/** GET /stats */
export async function showStats(api: ApiContext, ctx: Context, parameters: Parameters): Promise<void> {
  const since = sinceOf(parameters, SINCE.stats)
  if ('ago' in since && since.ago > (parseDuration(MOST_SINCE.stats) ?? 0))
    throw refuseFaults('invalid_parameter', [
      { parameter: 'since', detail: `\`since\` must be a duration of at most ${MOST_SINCE.stats} here.` },
    ])
  const caller = callerOf(ctx)
  const service = parameters.get('service')
  if (service !== undefined && !isFor(caller, service))
    throw refuseFaults('not_allowed', [{ parameter: 'service', detail: 'The key is not for this service.' }])
  const found = await api.store.stats({ since, service })
  sendJson(ctx, 200, JSON.stringify(found.filter((row) => isFor(caller, row.service))))
}

/** GET /failures */
export async function showFailures(api: ApiContext, ctx: Context, parameters: Parameters): Promise<void> {
  const bounded = withinBounds(callerOf(ctx), filtersOf(parameters))
  const found = await api.store.failures({ ...bounded, since: sinceOf(parameters, SINCE.failures) })
  sendJson(ctx, 200, JSON.stringify(found.map(({ task, ...group }) => ({ ...group, task: locationOf(task) }))))
}

const sinceOf = (parameters: Parameters, preset: string): Since => {
  const given = parameters.get('since') ?? preset
  const ago = parseDuration(given)
  return ago === undefined ? { at: new Date(timeOf(given) ?? 0).toISOString() } : { ago }
}
