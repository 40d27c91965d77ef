// The OpenAPI document, and the page that shows it: files of the package, read when somebody asks for the first time.
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Context } from 'koa'
import type { Document } from './document.ts'
import { pageOf } from './page.ts'

/** The root of the package: one folder further up once this file is compiled. */
const ROOT = new URL(import.meta.url.endsWith('.ts') ? '../../' : '../../../', import.meta.url)

/** What the page may load: its style and its script, from where it comes itself. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/** Makes the verb that serves a file, or what is printed from it. A caller who has it already is told so. */
function serve(file: string, type: string, print = (text: string): string => text) {
  let read: Promise<{ text: string; etag: string }> | undefined
  const load = async (): Promise<{ text: string; etag: string }> => {
    const text = print(await readFile(new URL(file, ROOT), 'utf8'))
    return { text, etag: createHash('sha256').update(text).digest('base64url').slice(0, 22) }
  }
  return async (_api: unknown, ctx: Context): Promise<void> => {
    const { text, etag } = await (read ??= load())
    ctx.status = 200
    ctx.etag = etag
    // Caches may keep it, and ask each time whether it is still the same.
    ctx.set('Cache-Control', 'no-cache')
    if (hasIt(ctx, etag)) {
      ctx.status = 304
      return
    }
    ctx.set('Content-Type', `${type}; charset=utf-8`)
    ctx.set('Content-Security-Policy', POLICY)
    ctx.body = text
  }
}

/** Whether a caller names the version that he has, and it is this one. */
const hasIt = (ctx: Context, etag: string): boolean =>
  ctx
    .get('If-None-Match')
    .split(',')
    .some((tag) => tag.trim().replace(/^W\//, '') === `"${etag}"`)

const DOCUMENT = 'docs/openapi.json'

/** GET /openapi.json */
export const serveOpenApi = serve(DOCUMENT, 'application/json')
/** GET /docs */
export const serveDocs = serve(DOCUMENT, 'text/html', (text) => pageOf(JSON.parse(text) as Document))
/** GET /docs/page.css */
export const serveStyle = serve('src/api/page.css', 'text/css')
/** GET /docs/page.js */
export const serveScript = serve('src/api/page.js', 'text/javascript')
