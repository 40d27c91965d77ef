// The body of a request: checks its declared type and length, and reads its bytes.
import bodyParser from 'koa-bodyparser'
import type { Context, Middleware } from 'koa'
import { Refusal } from '../core/refusal.ts'
import { BODY_TOO_LARGE } from './answer.ts'

// type/subtype, then parameters whose value is a token or a quoted string (RFC 9110, 8.3.1).
const MEDIA_TYPE = /^application\/json((?:[ \t]*;[ \t]*(?:[^\s;="]+=(?:[^\s;="]+|"[^"\\]*"))?)*)[ \t]*$/i
const CHARSET = /;[ \t]*charset=("?)([^\s;"]*)\1/gi

const NO_BYTES = Buffer.alloc(0)

/** Checks that the body is declared as plain JSON in UTF-8 and as not too long. Throws a `Refusal`. */
export function checkDeclared(ctx: Context, limit: number): void {
  const type = MEDIA_TYPE.exec(ctx.get('Content-Type'))
  if (type === null) throw new Refusal('not_json', '`Content-Type` must be `application/json`.')
  if (type[1] && [...type[1].matchAll(CHARSET)].some(([, , charset]) => charset?.toLowerCase() !== 'utf-8'))
    throw new Refusal('not_json', 'The `charset` must be `utf-8`.')
  const { headers } = ctx.req
  if (!/^(identity)?$/i.test(headers['content-encoding'] ?? ''))
    throw new Refusal('not_json', 'The body must not be encoded.')
  if (Number(headers['content-length']) > limit) throw new Refusal('body_too_large', BODY_TOO_LARGE)
  // The parser compares by rules of its own, so it gets the plain form.
  headers['content-type'] = 'application/json'
  if (headers['content-encoding'] !== undefined) delete headers['content-encoding']
}

/** Makes the middleware that reads a body of at most `limit` bytes, as bytes. */
export function makeBodyReader(limit: number): Middleware {
  const options = {
    enableTypes: ['text'],
    extendTypes: { text: ['application/json'] },
    // With null raw-body decodes nothing; the types of koa-bodyparser do not know that.
    encoding: null as unknown as string,
    textLimit: String(limit),
  }
  return bodyParser(options)
}

/** The bytes of the body that was read; empty when the request has no body. */
export function bodyOf(ctx: Context): Buffer {
  const rawBody: unknown = ctx.request.rawBody
  return Buffer.isBuffer(rawBody) ? rawBody : NO_BYTES
}
