// The audit: a line of the log for each change of what all share, or of many tasks.
import type { Context } from 'koa'
import { Refusal } from '../core/refusal.ts'
import type { ApiContext } from './dependencies.ts'
import type { Parameters } from './parameters.ts'
import { MAX_TEXT, whoOf } from './refusals.ts'

/** The work of a route. How many tasks it has changed, where it changes many. */
export type Verb = (api: ApiContext, ctx: Context, parameters: Parameters) => Promise<number | void>

/** How the audit calls the change that a route makes: `services.pause`, `schedules.put`. */
const nameOf = (method: string, path: string): string => {
  const words = path.split('/').filter((word) => word !== '' && !word.startsWith(':'))
  return `${words[0]}.${words[1] ?? method.toLowerCase()}`
}

/** The verb of a route that also tells the log what it has changed, or may have. What is refused or only counted is no change. */
export const audited =
  (method: string, path: string, verb: Verb): Verb =>
  async (api, ctx, parameters) => {
    const what = nameOf(method, path)
    const said = path.includes('/:name') ? ctx.path.split('/')[2] : ctx.querystring
    const target = said?.slice(0, MAX_TEXT) || '-'
    const tell = (outcome: string, count: number | undefined): void =>
      api.log.event('audit', { ...whoOf(ctx), what, target, count, outcome })
    try {
      const count = (await verb(api, ctx, parameters)) ?? undefined
      if (parameters.get('dryRun') !== 'true') tell('ok', count)
    } catch (error) {
      const code = error instanceof Refusal ? error.code : 'internal'
      if (code === 'outcome_unknown' || code === 'internal') tell(code, undefined)
      throw error
    }
  }
