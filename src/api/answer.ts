// Sends answers: JSON, refusals as problem documents, and the headers of every answer.
import { finished } from 'node:stream/promises'
import type { Context, Next } from 'koa'
import { Refusal, REFUSALS } from '../core/refusal.ts'
import type { ApiContext } from './dependencies.ts'
import { COMMON_HEADERS, PROBLEM_TYPE, problemText, RETRY_AFTER_SECONDS } from './problem.ts'

/** The detail of `body_too_large`. */
export const BODY_TOO_LARGE = 'The body is over 1 MiB, or a batch over 8 MiB.'

/** How long the rest of a refused body may take before the answer is sent and the connection is closed, ms. */
const DROP_BODY_TIMEOUT_MS = 2_000

const COMMON = Object.entries(COMMON_HEADERS)
const JSON_TYPE = 'application/json; charset=utf-8'

/** Answers with JSON text, byte for byte. */
export function sendJson(ctx: Context, status: number, text: string): void {
  ctx.status = status
  ctx.res.setHeader('Content-Type', JSON_TYPE)
  ctx.body = text
}

/** Answers a change to a caller who may not see what it has changed. */
export const sendLocation = (ctx: Context, status: number, location: string): void =>
  sendJson(ctx, status, JSON.stringify({ location }))

/** The outermost middleware: turns every error into an answer, and logs unexpected errors. */
export async function answerAll(api: ApiContext, ctx: Context, next: Next): Promise<void> {
  for (const [name, value] of COMMON) ctx.res.setHeader(name, value)
  try {
    await next()
  } catch (error) {
    if (!isGone(ctx)) refuse(api, ctx, refusalOf(error) ?? unexpected(api, ctx, error))
    await dropBody(ctx, api.draining())
  }
  if (ctx.status === 503) ctx.set('Retry-After', RETRY_AFTER_SECONDS)
  if (api.draining()) ctx.set('Connection', 'close')
}

function refuse({ refusals }: ApiContext, ctx: Context, refusal: Refusal): void {
  refusals.tell(ctx, refusal)
  ctx.status = refusal.status
  if ('retryAfter' in REFUSALS[refusal.code]) ctx.set('Retry-After', String(refusal.retryAfter))
  ctx.set('Content-Type', PROBLEM_TYPE)
  ctx.body = problemText(refusal)
}

/**
 * Reads and drops the rest of a refused body, because a caller who is still sending does not read. If the answer closes the
 * connection, the body is dropped first: closing with unread bytes resets the connection, and the answer may be lost.
 */
async function dropBody({ req, res }: Context, draining: boolean): Promise<void> {
  if (req.complete) return
  req.resume()
  if (draining || !res.shouldKeepAlive)
    await finished(req, { signal: AbortSignal.timeout(DROP_BODY_TIMEOUT_MS) }).catch(() => undefined)
}

function refusalOf(error: unknown): Refusal | undefined {
  if (error instanceof Refusal) return error
  // koa-bodyparser's own error: a body without a declared length was too long.
  const type = error instanceof Error && 'type' in error ? error.type : undefined
  return type === 'entity.too.large' ? new Refusal('body_too_large', BODY_TOO_LARGE) : undefined
}

/** Whether the caller closed the connection before the request was complete. Then there is nothing to answer or to log. */
const isGone = ({ req }: Context): boolean => !req.complete && req.destroyed

function unexpected({ log }: ApiContext, ctx: Context, err: unknown): Refusal {
  log.event('request_failed', { err, method: ctx.method, path: ctx.path })
  return new Refusal('internal', '')
}
