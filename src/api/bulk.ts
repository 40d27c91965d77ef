// The routes that change all tasks that match filters.
import { rateOf } from '../core/limit.ts'
import type { Context } from 'koa'
import { MAX_AHEAD_MS } from '../core/limits.ts'
import { Refusal } from '../core/refusal.ts'
import { bulk, type BulkVerb, type Next } from '../lifecycle/bulk.ts'
import { sendJson } from './answer.ts'
import { callerOf } from './caller.ts'
import type { ApiContext } from './dependencies.ts'
import { refuseFaults } from './faults.ts'
import { ending, goneOf } from './tasks.ts'
import { filtersOf, withinBounds } from './filters.ts'
import { type Parameters, pathOf } from './parameters.ts'

/** POST /tasks/cancel, /tasks/retry and /tasks/delete */
export const bulkRoute =
  (verb: BulkVerb) =>
  async (api: ApiContext, ctx: Context, parameters: Parameters): Promise<number> => {
    const caller = callerOf(ctx)
    const filters = filtersOf(parameters)
    if (Object.keys(filters).length === 0)
      throw new Refusal('invalid_parameter', 'There must be at least one filter: these would be all tasks.')
    const rate = parameters.has('rate') ? rateOf(parameters.get('rate') ?? '') : undefined
    const perSecond = rate && (rate.count * 1000) / rate.perMs
    if (parameters.has('rate') && perSecond === undefined)
      throw refuseFaults('invalid_parameter', [{ parameter: 'rate', detail: '`rate` must be such as 20/s.' }])
    const spread = Number(parameters.get('spread') ?? 0)
    if (perSecond !== undefined && (spread * 1000) / perSecond > MAX_AHEAD_MS)
      throw refuseFaults('invalid_parameter', [
        { parameter: 'rate', detail: 'The next retry would begin after 366 days.' },
      ])
    const dryRun = parameters.get('dryRun') === 'true'
    const created = verb === 'retry' && !dryRun ? await api.quotas.admitMany(caller) : undefined
    const { matched, done, next } = await bulk(ending(api), {
      verb,
      filters: withinBounds(caller, filters),
      caller: caller.name,
      after: parameters.get('after') ?? '0',
      until: parameters.get('before'),
      dryRun,
      apart: perSecond === undefined ? 0 : 1000 / perSecond,
      spread,
      gone: goneOf(ctx),
    })
    created?.(done)
    sendJson(ctx, 200, JSON.stringify({ matched, done, next: next === undefined ? null : locationOf(next) }))
    return done

    function locationOf({ after, until, spread: made }: Next): string {
      const rated = perSecond === undefined ? {} : { spread: String(made) }
      return pathOf(ctx.path, parameters, { after, before: until, ...rated })
    }
  }
