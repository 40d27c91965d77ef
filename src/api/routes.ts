// The table of routes, the router built from it, and the answers to other paths and methods.
import { Router, type RouterContext } from '@koa/router'
import type Koa from 'koa'
import type { Context } from 'koa'
import { MAX_BATCH_BODY, MAX_BODY } from '../core/limits.ts'
import { Refusal } from '../core/refusal.ts'
import { isTaskId } from '../core/task.ts'
import { boundsOf } from '../core/key.ts'
import type { ApiContext } from './dependencies.ts'
import { audited, type Verb } from './audit.ts'
import { letIn, type Needs } from './door.ts'
import { bulkRoute } from './bulk.ts'
import { checkDeclared, makeBodyReader } from './body.ts'
import { callerOf } from './caller.ts'
import { serveDocs, serveOpenApi, serveScript, serveStyle } from './documents.ts'
import { streamEvents } from './events.ts'
import { showFront } from './front.ts'
import { showLife, showReadiness } from './health.ts'
import { FILTERS, type ParameterName, readParameters } from './parameters.ts'
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
import { listNodes, showFailures, showStats } from './nodes.ts'
import { cancelTask, changeTask, retryTask } from './changes.ts'
import { explainTask, listAttempts } from './tells.ts'
import { showCaller } from './whoami.ts'
import { createBatch, createTask, deleteTask, idOf, listTasks, noSuchTask, readOneTask } from './tasks.ts'
import { serveUi } from './ui.ts'

export interface Route {
  /** GET includes HEAD. */
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Matched exactly: no trailing slash, case-sensitive. */
  readonly path: string
  /** The scope that a key must have; `open`: no key is needed. */
  readonly needs: Needs
  /** The allowed query parameters; absent: the query is ignored. */
  readonly parameters?: readonly ParameterName[]
  /** Whether there may be no body. */
  readonly optional?: true
  /** The longest body that the route reads, bytes; absent: it reads none. */
  readonly body?: number
  /** Whether the verb itself looks whether the caller may see its task: a repeat is answered also when that is gone. */
  readonly repeats?: true
  readonly verb: Verb
}

/** The parameters of a change of many tasks. */
const BULK = [...FILTERS, 'after', 'before', 'dryRun'] as const

/** One row a route. `src/openapi` describes each. */
export const ROUTES: readonly Route[] = [
  { method: 'GET', path: '/', needs: 'open', verb: showFront },
  { method: 'POST', path: '/tasks', needs: 'submit', parameters: ['wait'], body: MAX_BODY, verb: createTask },
  { method: 'POST', path: '/tasks/batch', needs: 'submit', parameters: [], body: MAX_BATCH_BODY, verb: createBatch },
  {
    method: 'GET',
    path: '/tasks',
    needs: 'read',
    parameters: ['limit', 'before', 'view', ...FILTERS],
    verb: listTasks,
  },
  { method: 'POST', path: '/tasks/cancel', needs: 'cancel', parameters: BULK, verb: bulkRoute('cancel') },
  {
    method: 'POST',
    path: '/tasks/retry',
    needs: 'submit',
    parameters: [...BULK, 'rate', 'spread'],
    verb: bulkRoute('retry'),
  },
  { method: 'POST', path: '/tasks/delete', needs: 'cancel', parameters: BULK, verb: bulkRoute('delete') },
  { method: 'GET', path: '/tasks/:id', needs: 'read', parameters: ['view', 'wait'], verb: readOneTask },
  { method: 'GET', path: '/tasks/:id/attempts', needs: 'read', parameters: ['limit', 'after'], verb: listAttempts },
  { method: 'GET', path: '/tasks/:id/explain', needs: 'read', parameters: [], verb: explainTask },
  { method: 'GET', path: '/tasks/:id/events', needs: 'read', parameters: [], verb: streamEvents },
  { method: 'DELETE', path: '/tasks/:id', needs: 'cancel', parameters: [], verb: deleteTask },
  { method: 'PATCH', path: '/tasks/:id', needs: 'cancel', parameters: ['view'], body: MAX_BODY, verb: changeTask },
  { method: 'POST', path: '/tasks/:id/cancel', needs: 'cancel', parameters: ['view'], verb: cancelTask },
  {
    method: 'POST',
    path: '/tasks/:id/retry',
    needs: 'submit',
    parameters: [],
    body: MAX_BODY,
    optional: true,
    repeats: true,
    verb: retryTask,
  },
  { method: 'GET', path: '/schedules', needs: 'read', parameters: ['limit', 'afterName'], verb: listSchedules },
  { method: 'PUT', path: '/schedules/:name', needs: 'operate', parameters: [], body: MAX_BODY, verb: putSchedule },
  { method: 'GET', path: '/schedules/:name', needs: 'read', parameters: [], verb: showSchedule },
  { method: 'DELETE', path: '/schedules/:name', needs: 'operate', parameters: [], verb: deleteSchedule },
  {
    method: 'POST',
    path: '/schedules/:name/run',
    needs: 'submit',
    parameters: [],
    body: MAX_BODY,
    optional: true,
    verb: runSchedule,
  },
  { method: 'POST', path: '/schedules/:name/pause', needs: 'operate', parameters: [], verb: pauseSchedule },
  { method: 'POST', path: '/schedules/:name/resume', needs: 'operate', parameters: [], verb: resumeSchedule },
  { method: 'POST', path: '/services/reload', needs: 'operate', parameters: [], verb: reloadServices },
  { method: 'GET', path: '/services', needs: 'read', parameters: [], verb: listServices },
  { method: 'GET', path: '/services/:name', needs: 'read', parameters: [], verb: showService },
  { method: 'PATCH', path: '/services/:name', needs: 'operate', parameters: [], body: MAX_BODY, verb: changeService },
  {
    method: 'POST',
    path: '/services/:name/pause',
    needs: 'operate',
    parameters: [],
    body: MAX_BODY,
    optional: true,
    verb: pauseService,
  },
  { method: 'POST', path: '/services/:name/resume', needs: 'operate', parameters: [], verb: resumeService },
  { method: 'GET', path: '/ui', needs: 'open', verb: serveUi },
  // What stands in braces may be empty.
  { method: 'GET', path: '/ui/{*file}', needs: 'open', verb: serveUi },
  { method: 'GET', path: '/livez', needs: 'open', verb: showLife },
  { method: 'GET', path: '/readyz', needs: 'open', verb: showReadiness },
  { method: 'GET', path: '/openapi.json', needs: 'open', verb: serveOpenApi },
  { method: 'GET', path: '/docs', needs: 'open', verb: serveDocs },
  { method: 'GET', path: '/docs/page.css', needs: 'open', verb: serveStyle },
  { method: 'GET', path: '/docs/page.js', needs: 'open', verb: serveScript },
  { method: 'GET', path: '/nodes', needs: 'read', parameters: [], verb: listNodes },
  { method: 'GET', path: '/stats', needs: 'read', parameters: ['since', 'service'], verb: showStats },
  { method: 'GET', path: '/failures', needs: 'read', parameters: ['since', 'service'], verb: showFailures },
  { method: 'GET', path: '/caller', needs: 'read', parameters: [], verb: showCaller },
  { method: 'GET', path: '/metrics', needs: 'read', verb: showMetrics },
]

/** Adds the routes to an application, then the answers to everything else: OPTIONS, 405 and 404. */
export function addRoutes(app: Koa, api: ApiContext): void {
  // A router for each first part of a path, because a router tries all of its routes.
  const routers = new Map(ROUTES.map(({ path }) => [firstOf(path), new Router({ sensitive: true, strict: true })]))
  for (const { method, path, needs, parameters, body, optional, repeats, verb: plain } of ROUTES) {
    const reader = makeBodyReader(body ?? 0)
    const own = path.includes('/:id') && !repeats ? ofOneTask(plain) : plain
    const isChange = needs === 'operate' || parameters?.includes('dryRun')
    const verb = isChange ? audited(method, path, own) : own
    // One function for all checks, because each middleware costs a promise per request.
    const serve = (ctx: Context): Promise<unknown> | void => {
      if (path === '/tasks/:id' && exactly(ctx).length > 0) return unrouted(ctx)
      letIn(api, ctx, needs)
      if (path.includes('/:id') && !isTaskId(String(ctx.params.id))) throw noSuchTask()
      const given = readParameters(parameters === undefined ? '' : ctx.querystring, parameters ?? [])
      if (body === undefined || (optional && !hasBody(ctx))) return verb(api, ctx, given)
      checkDeclared(ctx, body)
      return reader(ctx, () => verb(api, ctx, given))
    }
    routers.get(firstOf(path))?.register(path, [method], serve)
  }
  const answers = new Map([...routers].map(([first, router]) => [first, router.routes()]))
  app.use((ctx, next) => answers.get(firstOf(ctx.path))?.(ctx as RouterContext, next) ?? next())
  app.use(unrouted)
}

/** The first part of a path, such as `/tasks` of `/tasks/1`. */
function firstOf(path: string): string {
  const end = path.indexOf('/', 1)
  return end < 0 ? path : path.slice(0, end)
}

/** A verb of one task. A task beyond the bounds of the caller is as absent as one that there is not, by the same statement. */
const ofOneTask =
  (verb: Verb): Verb =>
  (api, ctx, parameters) => {
    const bounds = boundsOf(callerOf(ctx))
    if (bounds === undefined) return verb(api, ctx, parameters)
    return api.store.sees(idOf(ctx), bounds).then((sees) => {
      if (!sees) throw noSuchTask()
      return verb(api, ctx, parameters)
    })
  }

interface Layer {
  readonly path: string | RegExp
  readonly methods: readonly string[]
}

const layersOf = (ctx: Context): readonly Layer[] => (ctx.matched as readonly Layer[] | undefined) ?? []

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
