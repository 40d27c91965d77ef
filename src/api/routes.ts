// The table of routes, the router built from it, and the answers to other paths and methods.
import { Router } from '@koa/router'
import type Koa from 'koa'
import type { Context } from 'koa'
import { MAX_BATCH_BODY, MAX_BODY } from '../core/limits.ts'
import { Refusal } from '../core/refusal.ts'
import { isTaskId } from '../core/task.ts'
import type { ApiContext } from './dependencies.ts'
import { bulkRoute } from './bulk.ts'
import { checkDeclared, makeBodyReader } from './body.ts'
import { streamEvents } from './events.ts'
import { showFront } from './front.ts'
import { showLife, showReadiness } from './health.ts'
import { FILTERS, type ParameterName, type Parameters, readParameters } from './parameters.ts'
import {
  deleteSchedule,
  listSchedules,
  pauseSchedule,
  putSchedule,
  resumeSchedule,
  runSchedule,
  showSchedule,
} from './schedules.ts'
import { changeService, listServices, pauseService, reloadServices, resumeService, showService } from './services.ts'
import { showMetrics } from './metrics.ts'
import { listNodes, showStats } from './nodes.ts'
import { cancelTask, changeTask, retryTask } from './changes.ts'
import { explainTask, listAttempts } from './tells.ts'
import { createBatch, createTask, deleteTask, listTasks, noSuchTask, readOneTask } from './tasks.ts'

interface Route {
  /** GET includes HEAD. */
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Matched exactly: no trailing slash, case-sensitive. */
  readonly path: string
  /** The allowed query parameters; absent: the query is ignored. */
  readonly parameters?: readonly ParameterName[]
  /** Whether there may be no body. */
  readonly optional?: true
  /** The longest body that the route reads, bytes; absent: it reads none. */
  readonly body?: number
  readonly verb: (api: ApiContext, ctx: Context, parameters: Parameters) => Promise<void>
}

/** The parameters of a change of many tasks. */
const BULK = [...FILTERS, 'after', 'before', 'dryRun'] as const

export const ROUTES: readonly Route[] = [
  { method: 'GET', path: '/', verb: showFront },
  { method: 'POST', path: '/tasks', parameters: ['wait'], body: MAX_BODY, verb: createTask },
  { method: 'POST', path: '/tasks/batch', parameters: [], body: MAX_BATCH_BODY, verb: createBatch },
  { method: 'GET', path: '/tasks', parameters: ['limit', 'before', 'view', ...FILTERS], verb: listTasks },
  { method: 'POST', path: '/tasks/cancel', parameters: BULK, verb: bulkRoute('cancel') },
  { method: 'POST', path: '/tasks/retry', parameters: [...BULK, 'rate', 'spread'], verb: bulkRoute('retry') },
  { method: 'POST', path: '/tasks/delete', parameters: BULK, verb: bulkRoute('delete') },
  { method: 'GET', path: '/tasks/:id', parameters: ['view', 'wait'], verb: readOneTask },
  { method: 'GET', path: '/tasks/:id/attempts', parameters: ['limit', 'after'], verb: listAttempts },
  { method: 'GET', path: '/tasks/:id/explain', parameters: [], verb: explainTask },
  { method: 'GET', path: '/tasks/:id/events', parameters: [], verb: streamEvents },
  { method: 'DELETE', path: '/tasks/:id', parameters: [], verb: deleteTask },
  { method: 'PATCH', path: '/tasks/:id', parameters: ['view'], body: MAX_BODY, verb: changeTask },
  { method: 'POST', path: '/tasks/:id/cancel', parameters: ['view'], verb: cancelTask },
  { method: 'POST', path: '/tasks/:id/retry', parameters: [], body: MAX_BODY, optional: true, verb: retryTask },
  { method: 'GET', path: '/schedules', parameters: ['limit', 'afterName'], verb: listSchedules },
  { method: 'PUT', path: '/schedules/:name', parameters: [], body: MAX_BODY, verb: putSchedule },
  { method: 'GET', path: '/schedules/:name', parameters: [], verb: showSchedule },
  { method: 'DELETE', path: '/schedules/:name', parameters: [], verb: deleteSchedule },
  { method: 'POST', path: '/schedules/:name/run', parameters: [], body: MAX_BODY, optional: true, verb: runSchedule },
  { method: 'POST', path: '/schedules/:name/pause', parameters: [], verb: pauseSchedule },
  { method: 'POST', path: '/schedules/:name/resume', parameters: [], verb: resumeSchedule },
  { method: 'POST', path: '/services/reload', parameters: [], verb: reloadServices },
  { method: 'GET', path: '/services', parameters: [], verb: listServices },
  { method: 'GET', path: '/services/:name', parameters: [], verb: showService },
  { method: 'PATCH', path: '/services/:name', parameters: [], body: MAX_BODY, verb: changeService },
  { method: 'POST', path: '/services/:name/pause', parameters: [], body: MAX_BODY, optional: true, verb: pauseService },
  { method: 'POST', path: '/services/:name/resume', parameters: [], verb: resumeService },
  { method: 'GET', path: '/nodes', parameters: [], verb: listNodes },
  { method: 'GET', path: '/stats', parameters: ['since', 'service'], verb: showStats },
  { method: 'GET', path: '/metrics', verb: showMetrics },
  { method: 'GET', path: '/livez', verb: showLife },
  { method: 'GET', path: '/readyz', verb: showReadiness },
]

/** Adds the routes to an application, then the answers to everything else: OPTIONS, 405 and 404. */
export function addRoutes(app: Koa, api: ApiContext): void {
  const router = new Router({ sensitive: true, strict: true })
  for (const { method, path, parameters, body, optional, verb } of ROUTES) {
    const reader = makeBodyReader(body ?? 0)
    // One function for all checks, because each middleware costs a promise per request.
    const serve = (ctx: Context): Promise<unknown> | void => {
      if (path === '/tasks/:id' && exactly(ctx).length > 0) return unrouted(ctx)
      if (path.includes('/:id') && !isTaskId(String(ctx.params.id))) throw noSuchTask()
      const given = readParameters(parameters === undefined ? '' : ctx.querystring, parameters ?? [])
      if (body === undefined || (optional && !hasBody(ctx))) return verb(api, ctx, given)
      checkDeclared(ctx, body)
      return reader(ctx, () => verb(api, ctx, given))
    }
    router.register(path, [method], serve)
  }
  app.use(router.routes())
  app.use(unrouted)
}

interface Layer {
  readonly path: string | RegExp
  readonly methods: readonly string[]
}

const layersOf = (ctx: Context): readonly Layer[] => ctx.matched as readonly Layer[]

/**
 * The routes of the very path: `/tasks/batch` is no task with the id `batch`. The text `/tasks/:id` itself is no such path. A service may
 * be named `reload`.
 */
const exactly = (ctx: Context): readonly Layer[] =>
  ctx.path.startsWith('/tasks/') && !ctx.path.includes(':') ? layersOf(ctx).filter(({ path }) => path === ctx.path) : []

/** Whether a request says that a body follows (RFC 9112, 6). */
const hasBody = ({ req }: Context): boolean =>
  req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length'] ?? 0) > 0

/** Answers a request whose path or method has no route. */
function unrouted(ctx: Context): void {
  const exact = exactly(ctx)
  const methods = new Set((exact.length > 0 ? exact : layersOf(ctx)).flatMap((layer) => layer.methods))
  if (methods.size === 0) throw new Refusal('not_found', 'There is nothing at this path.')
  ctx.set('Allow', [...methods, 'OPTIONS'].join(', '))
  if (ctx.method !== 'OPTIONS') throw new Refusal('method_not_allowed', `This path does not know ${ctx.method}.`)
  ctx.status = 204
}
