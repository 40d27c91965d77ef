// The OpenAPI document, and the page that shows it: files of the package.
import { readFile } from 'node:fs/promises'
import type { Context } from 'koa'
import type { Document } from './document.ts'
import { fileOf, once, ROOT, sendFile } from './files.ts'
import { pageOf } from './page.ts'

/** What the page may load: its style and its script, from where it comes itself. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/** Makes the verb that serves a file, or what is printed from it. */
function serve(file: string, type: string, print = (text: string): string => text) {
  const read = once(async () => fileOf(Buffer.from(print(await readFile(new URL(file, ROOT), 'utf8'))), type))
  return async (_api: unknown, ctx: Context): Promise<void> =>
    sendFile(ctx, await read(), { 'Content-Security-Policy': POLICY })
}

const DOCUMENT = 'docs/openapi.json'

/** GET /openapi.json */
export const serveOpenApi = serve(DOCUMENT, 'application/json')
/** GET /docs */
export const serveDocs = serve(DOCUMENT, 'text/html', (text) => pageOf(JSON.parse(text) as Document))
/** GET /docs/page.css */
export const serveStyle = serve('src/api/page.css', 'text/css')
/** GET /docs/page.js */
export const serveScript = serve('src/api/page.js', 'text/javascript')
