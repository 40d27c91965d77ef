// The page /ui: its files and no others, each with its type, its version and a compressed form, below whatever path a proxy serves it.
import { once } from 'node:events'
import { readFileSync, readdirSync, statSync } from 'node:fs'
import { get, type IncomingMessage } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { gunzipSync } from 'node:zlib'
import { expect } from 'chai'
import { aKey } from '../../support/keys.ts'
import { codeOf, type Opened, openApi } from './support.ts'

const TYPES: Record<string, string> = { js: 'text/javascript', css: 'text/css', svg: 'image/svg+xml' }
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; " +
  "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

/** Every file of the folder, and the path at which it is served; undefined: it is not. */
const FILES = readdirSync('web', { recursive: true, encoding: 'utf8' })
  .filter((name) => statSync(`web/${name}`).isFile())
  .map((name) => ({ name, type: TYPES[name.replace(/^.*\./, '')] }))
const SERVED = [
  { path: '/ui', name: 'index.html', type: 'text/html' },
  ...FILES.flatMap(({ name, type }) => (type === undefined ? [] : [{ path: `/ui/${name}`, name, type }])),
]

describe('/ui', () => {
  let open: Opened
  before(async () => {
    open = await openApi()
    // The page itself needs no key.
    open.backstage.callers.set('shop', aKey('shop'))
  })
  after(() => open.api.stop())

  /** An answer as it came over the wire. */
  const raw = async (
    path: string,
    headers: Record<string, string>,
  ): Promise<{ head: IncomingMessage; body: Buffer }> => {
    const [head] = (await once(get(open.url + path, { headers, agent: false }), 'response')) as [IncomingMessage]
    return { head, body: await buffer(head) }
  }

  for (const { path, name, type } of SERVED)
    it(`serves ${path}, plain and compressed, and says whether it is still the same`, async () => {
      const text = readFileSync(`web/${name}`)
      const plain = await raw(path, {})
      const zipped = await raw(path, { 'Accept-Encoding': 'br, gzip' })
      expect(plain.body.equals(text)).to.equal(true)
      expect(gunzipSync(zipped.body).equals(text)).to.equal(true)
      for (const [{ head }, coding] of [
        [plain, undefined],
        [zipped, 'gzip'],
      ] as const) {
        expect(head.statusCode).to.equal(200)
        expect(head.headers).to.deep.include({
          'content-type': `${type}; charset=utf-8`,
          'cache-control': 'no-cache',
          vary: 'Accept-Encoding',
          'x-content-type-options': 'nosniff',
          'referrer-policy': 'no-referrer',
          'content-security-policy': POLICY,
        })
        expect(head.headers['content-encoding']).to.equal(coding)
        const has = { 'If-None-Match': head.headers.etag ?? '', ...(coding && { 'Accept-Encoding': coding }) }
        const again = await raw(path, has)
        expect([again.head.statusCode, again.body.length, again.head.headers.etag]).to.deep.equal([304, 0, has['If-None-Match']]) // prettier-ignore
        expect(again.head.headers.vary).to.equal('Accept-Encoding')
      }
      expect(zipped.head.headers.etag).not.to.equal(plain.head.headers.etag)
      const other = await raw(path, { 'If-None-Match': plain.head.headers.etag ?? '', 'Accept-Encoding': 'gzip' })
      expect(other.head.statusCode).to.equal(200)
    })

  it('compresses for nobody who does not want it', async () => {
    for (const accepted of ['', 'identity', 'br', 'gzip;q=0', 'deflate, identity;q=0.5'])
      expect((await raw('/ui', { 'Accept-Encoding': accepted })).head.headers['content-encoding'], accepted).to.equal(undefined) // prettier-ignore
  })

  it('leads from /ui/ to the page, below whatever path a proxy serves it', async () => {
    const { status, headers } = await open.request('/ui/')
    expect([status, headers.get('Location')]).to.deep.equal([308, '../ui'])
    expect(new URL(headers.get('Location') ?? '', 'https://host/tools/tasks/ui/').pathname).to.equal('/tools/tasks/ui')
  })

  it('has only links that are relative, to files that are there', async () => {
    const page = await (await open.request('/ui')).text()
    const links = [...page.matchAll(/(?:href|src)="([^"]+)"/g)].map(([, link = '']) => link)
    expect(links).to.include('ui/main.js')
    for (const link of links) expect(link).not.to.match(/^(?:\/|[a-z]+:)/)
    expect(page).not.to.match(/ style=| on\w+=|<style|javascript:/i)
  })

  const nowhere = [
    'index.html',
    'none.js',
    'vendor',
    'vendor/',
    'vendor/preact.LICENSE',
    '.',
    '..',
    '../package.json',
    'vendor/../main.js',
    '%2e%2e/package.json',
    '..%2fpackage.json',
    'vendor%2fpreact.js',
    '..%5cpackage.json',
    '/main.js',
    'main.js/',
    'main.js%00',
    'MAIN.JS',
    '__proto__',
    'constructor',
    'page.ts',
  ]
  for (const name of nowhere)
    it(`has nothing at /ui/${name}`, async () => {
      const answer = await open.raw(`GET /ui/${name} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
      expect(answer).to.match(/^HTTP\/1\.1 404 /)
      expect(answer).to.contain('"code":"not_found"')
    })

  it('refuses what is missing as a problem', async () => {
    expect(await codeOf(await open.request('/ui/none.css'))).to.equal('not_found')
    expect(FILES.some(({ type }) => type === undefined)).to.equal(true)
  })
})
