// The Koa application: the middleware that every request passes, outermost first.
import Koa, { type Context, type Next } from 'koa'
import { MAX_HEADERS } from '../core/limits.ts'
import { Refusal } from '../core/refusal.ts'
import { answerAll } from './answer.ts'
import type { ApiContext } from './dependencies.ts'
import { addRoutes } from './routes.ts'

/** Makes the application. */
export function makeApp(api: ApiContext): Koa {
  const app = new Koa()
  app.on('error', (err: unknown) => logError(api, err))
  app.use((ctx, next) => answerAll(api, ctx, next))
  app.use(checkRequestLine)
  addRoutes(app, api)
  return app
}

/** Refuses requests that RFC 9112 forbids and that Node accepts. Sets the target to the form `/path?query`. */
function checkRequestLine(ctx: Context, next: Next): Promise<unknown> {
  const { req } = ctx
  if (!/^1\.[01]$/.test(req.httpVersion)) throw new Refusal('bad_request', 'The version must be HTTP/1.1.')
  if (req.rawHeaders.length > 2 * MAX_HEADERS)
    throw new Refusal('headers_too_large', `There are more than ${MAX_HEADERS} headers: send fewer.`)
  let hosts = 0
  for (let i = 0; i < req.rawHeaders.length; i += 2) if (req.rawHeaders[i]?.toLowerCase() === 'host') hosts += 1
  if (hosts > 1 || (hosts === 0 && req.httpVersion === '1.1')) {
    throw new Refusal('bad_request', 'There must be one `Host` header.')
  }
  const target = originForm(req.url ?? '')
  if (target === undefined) throw new Refusal('bad_request', 'The target of the request is not valid.')
  req.url = target
  return next()
}

/** `/path?query` of a request's target, also of an absolute URL; undefined when a character is not allowed in a URL. */
function originForm(target: string): string | undefined {
  const origin = target.startsWith('/') ? target : target.replace(/^https?:\/\/[^/?#]+/i, '').replace(/^(?=$|\?)/, '/')
  return /^[/*][\x21\x22\x24-\x7e]*$/.test(origin) ? origin : undefined
}

/** The codes of an error when the caller has closed the connection. */
const GONE = new Set(['ECONNRESET', 'EPIPE', 'ECANCELED', 'ERR_STREAM_PREMATURE_CLOSE'])

/** Logs an error that occurs while an answer is sent. In most cases the caller closed the connection. */
function logError({ log }: ApiContext, err: unknown): void {
  const { code } = err as { code?: unknown }
  const gone = typeof code === 'string' && GONE.has(code)
  if (gone) log.event('caller_gone', { err })
  else log.event('answer_failed', { err })
}
