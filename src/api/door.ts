// The door for bodies: what they are declared as, how long they are, and their very bytes.
import bodyParser from 'koa-bodyparser'
import type { Context, Middleware, Next } from 'koa'
import { MAX_BODY } from '../core/limits.ts'
import { Refusal } from '../core/refusal.ts'
import { TOO_LARGE } from './answer.ts'

// type/subtype, then parameters whose value is a token or a quoted string (RFC 9110, 8.3.1).
const MEDIA_TYPE = /^application\/json((?:[ \t]*;[ \t]*(?:[^\s;="]+=(?:[^\s;="]+|"[^"\\]*"))?)*)[ \t]*$/i
const CHARSET = /;[ \t]*charset=("?)([^\s;"]*)\1/gi

/** Refuses a body that is not declared as plain JSON in UTF-8, or is declared as too long. */
export async function checkDeclared(ctx: Context, next: Next): Promise<void> {
  const type = MEDIA_TYPE.exec(ctx.get('Content-Type'))
  if (type === null) throw new Refusal('not_json', '`Content-Type` must be `application/json`.')
  const charsets = [...(type[1] ?? '').matchAll(CHARSET)].map(([, , charset]) => charset?.toLowerCase())
  if (charsets.some((charset) => charset !== 'utf-8')) throw new Refusal('not_json', 'The `charset` must be `utf-8`.')
  if (!/^(identity)?$/i.test(ctx.get('Content-Encoding')))
    throw new Refusal('not_json', 'The body must not be encoded.')
  if (Number(ctx.get('Content-Length')) > MAX_BODY) throw new Refusal('body_too_large', TOO_LARGE)
  // From here on it is what the parser, which compares by its own rules, takes for plain JSON.
  ctx.req.headers['content-type'] = 'application/json'
  delete ctx.req.headers['content-encoding']
  await next()
}

/** Makes the middleware that reads a body. As latin1 text every byte stays what it is, and JSON is left alone. */
export function makeBodyReader(): Middleware {
  const options = {
    enableTypes: ['text'],
    extendTypes: { text: ['application/json'] },
    // The same as latin1, but decoded natively: 0.14 ms per MiB instead of 3.
    encoding: 'binary',
    textLimit: String(MAX_BODY),
  }
  return bodyParser(options)
}

/** The bytes of the body that was read; none when the request has no body. */
export function bodyOf(ctx: Context): Buffer {
  const { rawBody } = ctx.request
  return Buffer.from(typeof rawBody === 'string' ? rawBody : '', 'latin1')
}
