// The routes of services.
import type { Context } from 'koa'
import { sendJson } from './answer.ts'
import type { ApiContext } from './dependencies.ts'

/** POST /services/reload */
export async function reloadServices(api: ApiContext, ctx: Context): Promise<void> {
  sendJson(ctx, 200, JSON.stringify(await api.reload()))
}
