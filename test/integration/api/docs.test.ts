// /openapi.json and the page /docs: served with an ETag, complete without a script, and closed to everything else.
import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { exchangesOf, operationsOf } from '../../../src/api/document.ts'
import { DOCUMENT } from '../../support/openapi.ts'
import { type Opened, openApi } from './support.ts'

const PAGES = ['/openapi.json', '/docs', '/docs/page.css', '/docs/page.js']

describe('/openapi.json and /docs', () => {
  let open: Opened
  let page: string
  before(async () => {
    open = await openApi()
    page = await (await open.request('/docs')).text()
  })
  after(() => open.api.stop())

  it('serve the file of the repository, byte for byte', async () => {
    const response = await open.request('/openapi.json')
    expect(response.headers.get('Content-Type')).to.equal('application/json; charset=utf-8')
    expect(await response.text()).to.equal(readFileSync('docs/openapi.json', 'utf8'))
  })

  for (const path of PAGES)
    it(`tell who has ${path} that it is the same`, async () => {
      const first = await open.request(path)
      const etag = first.headers.get('ETag') ?? ''
      expect(etag).to.match(/^"[\w-]{22}"$/)
      expect(first.headers.get('Cache-Control')).to.equal('no-cache')
      const again = await open.request(path, { headers: { 'If-None-Match': `"other", ${etag}` } })
      expect(again.status).to.equal(304)
      expect(again.headers.get('ETag')).to.equal(etag)
      expect(await again.text()).to.equal('')
      expect((await open.request(path, { headers: { 'If-None-Match': '"other"' } })).status).to.equal(200)
    })

  it('let the page load its own files, and nothing else', async () => {
    const { headers } = await open.request('/docs')
    const policy = headers.get('Content-Security-Policy') ?? ''
    expect(policy).to.match(/^default-src 'none'; script-src 'self'; style-src 'self'; /)
    expect(policy).not.to.match(/unsafe|data:|https?:/)
    expect(headers.get('X-Content-Type-Options')).to.equal('nosniff')
    expect(page).not.to.match(/ style=| on\w+=|<style|javascript:|<(?:img|iframe|form)/i)
    expect([...page.matchAll(/<script[^>]*>(.*?)<\/script>/gs)].map(([, text]) => text)).to.deep.equal([''])
  })

  it('link only to what is there, below whatever path a proxy serves it', async () => {
    const ids = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id)
    expect(new Set(ids).size).to.equal(ids.length)
    for (const [, link = ''] of page.matchAll(/(?:href|src)="([^"]+)"/g)) {
      expect(link).not.to.match(/^(?:\/|[a-z]+:)/)
      if (link.startsWith('#')) expect(ids).to.include(link.slice(1))
      else expect((await open.request(`/${link}`)).status, link).to.equal(200)
    }
  })

  it('show every operation, every schema and every example without a script', () => {
    for (const placed of operationsOf(DOCUMENT)) {
      expect(page).to.include(`<article id="${placed.operation.operationId}">`)
      for (const { summary, path } of exchangesOf(DOCUMENT, placed)) {
        expect(page).to.include(`<figcaption>${summary}</figcaption>`)
        expect(page).to.include(`http://127.0.0.1:3000${path.replaceAll('&', '&amp;')}&#39;`.replace('&#39;', "'"))
      }
    }
    for (const name of Object.keys(DOCUMENT.components.schemas)) expect(page).to.include(`id="schema-${name}"`)
  })
})
