// Paths and methods: HEAD, OPTIONS, 405 with Allow, and what is no path of ours.
import { expect } from 'chai'
import { ROUTES } from '../../../src/api/routes.ts'
import { aTask, codeOf, type Opened, openApi, words } from './support.ts'

const ALLOWED: Record<string, string[]> = {
  '/': ['GET', 'HEAD', 'OPTIONS'],
  '/tasks': ['POST', 'GET', 'HEAD', 'OPTIONS'],
  '/tasks/batch': ['POST', 'OPTIONS'],
  '/tasks/cancel': ['POST', 'OPTIONS'],
  '/tasks/retry': ['POST', 'OPTIONS'],
  '/tasks/delete': ['POST', 'OPTIONS'],
  '/tasks/1': ['GET', 'HEAD', 'PATCH', 'DELETE', 'OPTIONS'],
  '/tasks/1/attempts': ['GET', 'HEAD', 'OPTIONS'],
  '/tasks/1/explain': ['GET', 'HEAD', 'OPTIONS'],
  '/tasks/1/events': ['GET', 'HEAD', 'OPTIONS'],
  '/tasks/1/cancel': ['POST', 'OPTIONS'],
  '/tasks/1/retry': ['POST', 'OPTIONS'],
  '/schedules': ['GET', 'HEAD', 'OPTIONS'],
  '/schedules/1': ['PUT', 'GET', 'HEAD', 'DELETE', 'OPTIONS'],
  '/schedules/1/run': ['POST', 'OPTIONS'],
  '/schedules/1/pause': ['POST', 'OPTIONS'],
  '/schedules/1/resume': ['POST', 'OPTIONS'],
  '/services': ['GET', 'HEAD', 'OPTIONS'],
  '/services/1': ['GET', 'HEAD', 'PATCH', 'OPTIONS'],
  '/services/1/pause': ['POST', 'OPTIONS'],
  '/services/1/resume': ['POST', 'OPTIONS'],
  // A service may have this name.
  '/services/reload': ['POST', 'GET', 'HEAD', 'PATCH', 'OPTIONS'],
  '/nodes': ['GET', 'HEAD', 'OPTIONS'],
  '/stats': ['GET', 'HEAD', 'OPTIONS'],
  '/metrics': ['GET', 'HEAD', 'OPTIONS'],
  '/failures': ['GET', 'HEAD', 'OPTIONS'],
  '/caller': ['GET', 'HEAD', 'OPTIONS'],
  '/ui': ['GET', 'HEAD', 'OPTIONS'],
  '/ui/main.js': ['GET', 'HEAD', 'OPTIONS'],
  '/livez': ['GET', 'HEAD', 'OPTIONS'],
  '/readyz': ['GET', 'HEAD', 'OPTIONS'],
  '/openapi.json': ['GET', 'HEAD', 'OPTIONS'],
  '/docs': ['GET', 'HEAD', 'OPTIONS'],
  '/docs/page.css': ['GET', 'HEAD', 'OPTIONS'],
  '/docs/page.js': ['GET', 'HEAD', 'OPTIONS'],
}

const allowOf = (response: Response): string[] => (response.headers.get('Allow') ?? '').split(', ').sort()

describe('paths and methods', () => {
  let open: Opened
  before(async () => {
    open = await openApi()
    open.backstage.tasks.set('1', aTask())
  })
  after(() => open.api.stop())

  it('has a path here for every route', () => {
    const paths = new Set(ROUTES.map(({ path }) => path.replace(/:\w+/, '1').replace('{*file}', 'main.js')))
    expect([...paths]).to.have.members(Object.keys(ALLOWED))
  })

  for (const [path, methods] of Object.entries(ALLOWED)) {
    it(`answers OPTIONS ${path} with Allow and no body`, async () => {
      const response = await open.request(path, { method: 'OPTIONS' })
      expect(response.status).to.equal(204)
      expect(allowOf(response)).to.deep.equal(methods.toSorted())
    })

    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'GET'].filter((method) => !methods.includes(method))) {
      it(`answers 405 with Allow to ${method} ${path}`, async () => {
        const response = await open.request(path, { method })
        expect(response.status).to.equal(405)
        expect(allowOf(response)).to.deep.equal(methods.toSorted())
        expect(await codeOf(response)).to.equal('method_not_allowed')
      })
    }

    // A stream has no length, metrics are never the same, and what explains a task is not behind this API.
    if (methods.includes('GET') && !/events|explain|metrics/.test(path))
      it(`answers HEAD ${path} as GET, without the body`, async () => {
        const [get, head] = [await open.request(path), await open.request(path, { method: 'HEAD' })]
        expect(head.status).to.equal(get.status).and.to.equal(200)
        for (const name of ['Content-Type', 'Content-Length']) {
          expect(head.headers.get(name)).to.equal(get.headers.get(name)).and.not.to.equal(null)
        }
        const raw = await open.raw(`HEAD ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
        expect(raw).to.match(/\r\n\r\n$/)
      })
  }

  const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8'
  const fronts: [string | undefined, 'json' | 'html'][] = [
    [undefined, 'json'],
    ['', 'json'],
    ['*/*', 'json'],
    ['application/json', 'json'],
    ['image/png', 'json'],
    ['text/html;q=0', 'json'],
    ['text/html;q=0.5, application/json', 'json'],
    ['text/html', 'html'],
    ['text/*', 'html'],
    [BROWSER, 'html'],
  ]
  for (const [accept, kind] of fronts) {
    it(`says at / what this is, as ${kind} to Accept: ${accept ?? '(none)'}`, async () => {
      const header = accept === undefined ? '' : `Accept: ${accept}\r\n`
      const answer = await open.raw(`GET / HTTP/1.1\r\nHost: x\r\n${header}Connection: close\r\n\r\n`)
      const [head = '', body = ''] = answer.split('\r\n\r\n')
      expect(head).to.match(/^HTTP\/1\.1 200 /)
      expect(head).to.match(/\r\nVary: Accept\r\n/i)
      const type = kind === 'html' ? 'text/html' : 'application/json'
      expect(head.toLowerCase()).to.contain(`\r\ncontent-type: ${type}; charset=utf-8\r\n`)
      for (const named of ['background tasks', '/tasks', '/readyz', 'docs/contract.md']) expect(body).to.contain(named)
      if (kind === 'json') expect(JSON.parse(body)).to.have.all.keys('about', 'paths', 'docs')
    })
  }

  it('loads nothing from elsewhere into the page, and lets nobody else', async () => {
    const response = await open.request('/', { headers: { Accept: BROWSER } })
    expect(response.headers.get('Content-Security-Policy')).to.match(/^default-src 'none';/)
    const page = await response.text()
    expect(page).to.match(/^<!doctype html>/)
    expect(page).not.to.match(/<(script|link|img|style|iframe)|https?:|javascript:| on\w+=/i)
    for (const [, path = ''] of page.matchAll(/href="([^"]*)"/g))
      expect((await open.request(`/${path}`)).status).to.equal(200)
  })

  it('answers HEAD of what is not there with 404', async () => {
    for (const path of ['/tasks/2', '/ui/none.js'])
      expect((await open.request(path, { method: 'HEAD' })).status).to.equal(404)
  })

  it('answers 405 to methods that few know', async () => {
    for (const method of ['PROPFIND', 'TRACE', 'LOCK']) {
      const answer = await open.raw(`${method} /tasks HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
      expect(answer, method)
        .to.match(/^HTTP\/1\.1 405 /)
        .and.to.match(/\r\nAllow: /)
    }
  })

  const nowhere = words(`
    /task /tasks/ /tasks/1/ /TASKS /Tasks/1 /tasks/1/x //tasks /tasks//1 /./tasks /tasks/.. /tasks/../tasks
    /%74asks /tasks%2f1 /tasks%00 /tasks/1%00 /tasks/%2e%2e /%2e%2e/tasks /% /%zz /tasks/% /tasks/%e0%a4%a
    /ui/none.js /UI /ui// /uis /tasks;x /tasks/1;x /livez/ /LIVEZ /readyz/x /healthz /__proto__ /constructor /favicon.ico /tasks\\1
    /tasks/1| * /tasks/:id /tasks/:id/attempts /tasks/:id/events /tasks/:id/explain
  `)
  for (const path of nowhere) {
    it(`answers 404 to GET ${path}`, async () => {
      const answer = await open.raw(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
      expect(answer)
        .to.match(/^HTTP\/1\.1 404 /)
        .and.to.contain('"code":"not_found"')
    })
  }

  it('answers 404 to any method on a path that is not there', async () => {
    for (const method of ['POST', 'DELETE', 'OPTIONS', 'PUT']) {
      expect((await open.request('/nowhere', { method })).status, method).to.equal(404)
    }
  })
})
