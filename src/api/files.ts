// Files of the package as answers: each is read once, and has an ETag and a compressed form.
import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { Context } from 'koa'

/** The root of the package: one folder further up once this file is compiled. */
export const ROOT = new URL(import.meta.url.endsWith('.ts') ? '../../' : '../../../', import.meta.url)

/** The bytes of an answer, and what tells their version. */
interface Bytes {
  readonly bytes: Buffer
  readonly etag: string
}

/** A file as callers get it: as it is, and compressed. */
export interface SentFile {
  readonly type: string
  readonly identity: Bytes
  readonly gzip: Bytes
}

const compress = promisify(gzip)
const versioned = (bytes: Buffer): Bytes => ({
  bytes,
  etag: createHash('sha256').update(bytes).digest('base64url').slice(0, 22),
})

/** Prepares a file for its callers. */
export async function fileOf(bytes: Buffer, type: string): Promise<SentFile> {
  return { type, identity: versioned(bytes), gzip: versioned(await compress(bytes)) }
}

/** Calls a function once, when the first asks; after a failure again. */
export function once<Value>(load: () => Promise<Value>): () => Promise<Value> {
  let loaded: Promise<Value> | undefined
  return () =>
    (loaded ??= load().catch((error: unknown) => {
      loaded = undefined
      throw error
    }))
}

/** Answers with a file. A caller who has it already is told so. Caches may keep it, and ask each time whether it is still the same. */
export function sendFile(ctx: Context, file: SentFile, headers: Readonly<Record<string, string>>): void {
  const coding = ctx.acceptsEncodings('gzip', 'identity') === 'gzip' ? 'gzip' : 'identity'
  const { bytes, etag } = file[coding]
  ctx.status = 200
  ctx.etag = etag
  ctx.vary('Accept-Encoding')
  ctx.set({ ...headers, 'Cache-Control': 'no-cache' })
  if (hasIt(ctx, etag)) {
    ctx.status = 304
    return
  }
  if (coding === 'gzip') ctx.set('Content-Encoding', coding)
  ctx.set('Content-Type', `${file.type}; charset=utf-8`)
  ctx.body = bytes
}

/** Whether a caller names the version that he has, and it is this one. */
const hasIt = (ctx: Context, etag: string): boolean =>
  ctx
    .get('If-None-Match')
    .split(',')
    .some((tag) => tag.trim().replace(/^W\//, '') === `"${etag}"`)
