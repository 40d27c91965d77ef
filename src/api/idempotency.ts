// The `Idempotency-Key` of a POST: with it a repeat creates nothing twice.
import { createHash } from 'node:crypto'
import type { Context } from 'koa'
import { Refusal, REFUSALS } from '../core/refusal.ts'
import type { RequestKey } from '../core/task.ts'

/** Visible ASCII characters without the quote and the backslash. */
const KEY = /^(?:[!#-[\]-~]{1,255}|"[!#-[\]-~]{1,255}")$/

/** The key of a request and what it stands for; undefined where the caller gave none. Throws a Refusal `invalid_idempotency_key`. */
export function requestKeyOf(ctx: Context, body: Buffer): RequestKey | undefined {
  const header = ctx.req.headers['idempotency-key']
  if (header === undefined) return undefined
  if (typeof header !== 'string' || !KEY.test(header))
    throw new Refusal('invalid_idempotency_key', REFUSALS.invalid_idempotency_key.meaning)
  const key = header.replaceAll('"', '')
  return { scope: ctx.path, key, hash: createHash('sha256').update(body).digest() }
}
