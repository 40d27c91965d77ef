// The door for bodies: what they are declared as, how long they are, and their very bytes.
import bodyParser from 'koa-bodyparser'
import type { Context, Middleware } from 'koa'
import { MAX_BODY } from '../core/limits.ts'
import { Refusal } from '../core/refusal.ts'
import { BODY_TOO_LARGE } from './answer.ts'

// type/subtype, then parameters whose value is a token or a quoted string (RFC 9110, 8.3.1).
const MEDIA_TYPE = /^application\/json((?:[ \t]*;[ \t]*(?:[^\s;="]+=(?:[^\s;="]+|"[^"\\]*"))?)*)[ \t]*$/i
const CHARSET = /;[ \t]*charset=("?)([^\s;"]*)\1/gi

const NO_BYTES = Buffer.alloc(0)

/** Refuses what a caller would rely on, and what would be ignored. */
export function checkSupported(ctx: Context): void {
  if (ctx.req.headers['idempotency-key'] === undefined) return
  throw new Refusal(
    'not_supported',
    'There is no `Idempotency-Key` for POST in this release: send the request without it. A repeated POST is a second task.',
  )
}

/** Refuses a body that is not declared as plain JSON in UTF-8, or is declared as too long. */
export function checkDeclared(ctx: Context): void {
  const type = MEDIA_TYPE.exec(ctx.get('Content-Type'))
  if (type === null) throw new Refusal('not_json', '`Content-Type` must be `application/json`.')
  if (type[1] && [...type[1].matchAll(CHARSET)].some(([, , charset]) => charset?.toLowerCase() !== 'utf-8'))
    throw new Refusal('not_json', 'The `charset` must be `utf-8`.')
  const { headers } = ctx.req
  if (!/^(identity)?$/i.test(headers['content-encoding'] ?? ''))
    throw new Refusal('not_json', 'The body must not be encoded.')
  if (Number(headers['content-length']) > MAX_BODY) throw new Refusal('body_too_large', BODY_TOO_LARGE)
  // From here on it is what the parser, which compares by its own rules, takes for plain JSON.
  headers['content-type'] = 'application/json'
  if (headers['content-encoding'] !== undefined) delete headers['content-encoding']
}

/** Makes the middleware that reads a body: as text of no encoding, which is its bytes. */
export function makeBodyReader(): Middleware {
  const options = {
    enableTypes: ['text'],
    extendTypes: { text: ['application/json'] },
    // Its types have no null; raw-body, which is asked in the end, says that it decodes nothing then.
    encoding: null as unknown as string,
    textLimit: String(MAX_BODY),
  }
  return bodyParser(options)
}

/** The bytes of the body that was read; none when the request has no body. */
export function bodyOf(ctx: Context): Buffer {
  const rawBody: unknown = ctx.request.rawBody
  return Buffer.isBuffer(rawBody) ? rawBody : NO_BYTES
}
