// The table of routes, the router built from it, and the answers to other paths and methods.
import { Router } from '@koa/router'
import type Koa from 'koa'
import type { Context } from 'koa'
import { Refusal } from '../core/refusal.ts'
import { isTaskId } from '../core/task.ts'
import type { ApiContext } from './dependencies.ts'
import { checkDeclared, checkSupported, makeBodyReader } from './body.ts'
import { showFront } from './front.ts'
import { showLife, showReadiness } from './health.ts'
import { type ParameterName, type Parameters, readParameters } from './parameters.ts'
import { createTask, deleteTask, listTasks, noSuchTask, readOneTask } from './tasks.ts'

interface Route {
  /** GET includes HEAD. */
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** Matched exactly: no trailing slash, case-sensitive. */
  readonly path: string
  /** The allowed query parameters; absent: the query is ignored. */
  readonly parameters?: readonly ParameterName[]
  /** Whether the route reads a body. */
  readonly body?: true
  readonly verb: (api: ApiContext, ctx: Context, parameters: Parameters) => Promise<void>
}

export const ROUTES: readonly Route[] = [
  { method: 'GET', path: '/', verb: showFront },
  { method: 'POST', path: '/tasks', parameters: [], body: true, verb: createTask },
  { method: 'GET', path: '/tasks', parameters: ['limit', 'before', 'status', 'service', 'action'], verb: listTasks },
  { method: 'GET', path: '/tasks/:id', parameters: ['view'], verb: readOneTask },
  { method: 'DELETE', path: '/tasks/:id', parameters: [], verb: deleteTask },
  { method: 'GET', path: '/livez', verb: showLife },
  { method: 'GET', path: '/readyz', verb: showReadiness },
]

/** Adds the routes to an application, then the answers to everything else: OPTIONS, 405 and 404. */
export function addRoutes(app: Koa, api: ApiContext): void {
  const router = new Router({ sensitive: true, strict: true })
  const reader = makeBodyReader()
  for (const { method, path, parameters, body, verb } of ROUTES) {
    // One function for all checks, because each middleware costs a promise per request.
    const serve = (ctx: Context): Promise<unknown> => {
      if (path.endsWith('/:id') && !isTaskId(String(ctx.params.id))) throw noSuchTask()
      const given = readParameters(parameters === undefined ? '' : ctx.querystring, parameters ?? [])
      if (!body) return verb(api, ctx, given)
      checkSupported(ctx)
      checkDeclared(ctx)
      return reader(ctx, () => verb(api, ctx, given))
    }
    router.register(path, [method], serve)
  }
  app.use(router.routes())
  app.use(unrouted)
}

/** Answers a request whose path or method has no route. */
function unrouted(ctx: Context): void {
  const methods = new Set((ctx.matched as { methods: string[] }[]).flatMap((layer) => layer.methods))
  if (methods.size === 0) throw new Refusal('not_found', 'There is nothing at this path.')
  ctx.set('Allow', [...methods, 'OPTIONS'].join(', '))
  if (ctx.method !== 'OPTIONS') throw new Refusal('method_not_allowed', `This path does not know ${ctx.method}.`)
  ctx.status = 204
}
