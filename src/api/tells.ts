// The routines that tell more of a task: its tries, and why it is not running.
import type { Context } from 'koa'
import { explain } from '../core/explain.ts'
import { LIST_LIMIT } from '../core/limits.ts'
import { sendJson } from './answer.ts'
import type { ApiContext } from './dependencies.ts'
import type { Parameters } from './parameters.ts'
import { idOf, noSuchTask } from './tasks.ts'

/** GET /tasks/:id/attempts */
export async function listAttempts(api: ApiContext, ctx: Context, parameters: Parameters): Promise<void> {
  const id = idOf(ctx)
  const limit = Number(parameters.get('limit') ?? LIST_LIMIT.default)
  const found = await api.store.attempts(id, parameters.get('after') ?? '0', limit + 1)
  if (found === undefined) throw noSuchTask()
  const shown = found.slice(0, limit)
  const last = shown.at(-1)
  if (last && found.length > limit)
    ctx.set('Link', `</tasks/${id}/attempts?limit=${limit}&after=${last.id}>; rel="next"`)
  sendJson(ctx, 200, JSON.stringify(shown.map(({ id: _place, ...attempt }) => attempt)))
}

/** GET /tasks/:id/explain */
export async function explainTask(api: ApiContext, ctx: Context): Promise<void> {
  const facts = await api.store.facts(idOf(ctx))
  if (facts === undefined) throw noSuchTask()
  sendJson(ctx, 200, JSON.stringify(explain(facts, api.services.get(facts.service)?.limit)))
}
