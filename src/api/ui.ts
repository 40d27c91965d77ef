// The page /ui: the files of the folder web. Only what is there when the first asks is ever served.
import { readdir, readFile } from 'node:fs/promises'
import { extname, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Context } from 'koa'
import { Refusal } from '../core/refusal.ts'
import { fileOf, once, ROOT, type SentFile, sendFile } from './files.ts'

const FOLDER = new URL('web/', ROOT)
const PAGE = 'index.html'

/** The types of files by their endings. Others, such as licences, are not served. */
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
}

/** The page loads its own files, calls the API that it comes from, and makes no markup of text. */
const HEADERS = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; " +
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
  'Referrer-Policy': 'no-referrer',
}

/** Every file of the page by its path below the folder. */
const files = once(async () => {
  const names = await readdir(fileURLToPath(FOLDER), { recursive: true })
  const found = names.flatMap((name) => {
    const type = TYPES[extname(name)]
    return type === undefined ? [] : [{ name: name.replaceAll(sep, '/'), type }]
  })
  const read = found.map(async ({ name, type }): Promise<[string, SentFile]> => [
    name,
    await fileOf(await readFile(new URL(name, FOLDER)), type),
  ])
  return new Map(await Promise.all(read))
})

/** GET /ui, and the files of the page; /ui/ leads to the page. */
export async function serveUi(_api: unknown, ctx: Context): Promise<void> {
  if (ctx.path === '/ui/') {
    ctx.status = 308
    ctx.set('Location', '../ui')
    ctx.body = ''
    return
  }
  const name = ctx.path.slice('/ui/'.length)
  const file = name === PAGE ? undefined : (await files()).get(name || PAGE)
  if (file === undefined) throw new Refusal('not_found', 'The page has no such file.')
  sendFile(ctx, file, HEADERS)
}
