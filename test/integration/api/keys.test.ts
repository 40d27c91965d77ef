// The door: every route with every scope, with keys that count and with all that does not.
import { once } from 'node:events'
import { expect } from 'chai'
import { ROUTES } from '../../../src/api/routes.ts'
import { hashOf, type Scope, SCOPES } from '../../../src/core/key.ts'
import { aKey, as, tokenOf } from '../../support/keys.ts'
import { aTask, codeOf, type Opened, openApi } from './support.ts'

const ALL = Object.keys(SCOPES) as Scope[]
const REFUSED = [401, 403]
const JSON_TYPE = { 'content-type': 'application/json' }

/** A path of a route: the task 1, the schedule 1, the service billing. */
const pathOf = (path: string): string =>
  path
    .replace(':id', '1')
    .replace('{*file}', 'main.js')
    .replace(':name', path.startsWith('/services') ? 'billing' : '1')

describe('the door', () => {
  let opened: Opened
  beforeEach(async () => {
    opened = await openApi()
    const { callers, tasks } = opened.backstage
    for (const scope of ALL) callers.set(scope, aKey(scope, { scopes: [scope] }))
    callers.set('all', aKey('all'))
    callers.set('old', aKey('old', { expires: Date.now() - 1 }))
    callers.set('soon', aKey('soon', { expires: Date.now() + 60_000 }))
    callers.set('two', aKey('two', { hashes: [hashOf('tk_first'), hashOf('tk_second')] }))
    tasks.set('1', aTask({ status: 'complete', finishedAt: '2026-01-02T03:04:05.678Z' }))
  })
  afterEach(() => opened[Symbol.asyncDispose]())

  const send = async (method: string, path: string, headers: Record<string, string> = {}): Promise<Response> => {
    const { status, headers: told, body } = await opened.request(path, { method, headers })
    const text = body === null ? '' : await new Response(body).text()
    return new Response(status === 204 ? null : text, { status, headers: told })
  }

  for (const { method, path, needs } of ROUTES) {
    const methods = method === 'GET' ? ['GET', 'HEAD'] : [method]
    it(`lets ${needs === 'open' ? 'everybody' : `keys with \`${needs}\``} ${method} ${path}`, async () => {
      for (const one of methods) {
        const without = await send(one, pathOf(path))
        expect(without.status === 401, `${one} without a key`).to.equal(needs !== 'open')
        if (needs !== 'open') expect(without.headers.get('www-authenticate')).to.equal('Bearer')
        for (const scope of ALL) {
          const { status } = await send(one, pathOf(path), as(scope))
          if (needs === 'open' || needs === scope) expect(REFUSED, `${one} as ${scope}`).not.to.include(status)
          else expect(status, `${one} as ${scope}`).to.equal(403)
        }
      }
    })
  }

  it('is not there without keys', async () => {
    opened.backstage.callers.clear()
    for (const { method, path } of ROUTES)
      expect(REFUSED, `${method} ${path}`).not.to.include((await send(method, pathOf(path), as('nobody'))).status)
  })

  it('answers 404, 405 and OPTIONS without a key', async () => {
    expect((await send('GET', '/nope')).status).to.equal(404)
    expect((await send('GET', '/tasks/')).status).to.equal(404)
    expect((await send('PUT', '/tasks')).status).to.equal(405)
    expect((await send('GET', '/tasks/batch')).status).to.equal(405)
    for (const path of ['/tasks', '/tasks/1', '/schedules/1', '/services/billing']) {
      const { status, headers } = await send('OPTIONS', path)
      expect(status, path).to.equal(204)
      expect(headers.get('allow'), path).to.contain('OPTIONS')
    }
  })

  it('comes before all else that is wrong with a request', async () => {
    for (const path of [
      '/tasks/abc',
      '/tasks/0',
      '/tasks?limit=x',
      '/tasks?nope=1',
      '/tasks/1?view=x',
      '/services/a%2Fb',
    ])
      expect((await send('GET', path)).status, path).to.equal(401)
    const bodies = ['', '{', '[]', '{"service":"nope","action":"a"}', 'x'.repeat(2 * 1024 * 1024)]
    for (const body of bodies) {
      const answer = await opened.request('/tasks', { method: 'POST', body, headers: { 'content-type': 'text/plain' } })
      expect(await codeOf(answer), body.slice(0, 20)).to.equal('unauthorized')
    }
    expect((await send('POST', '/tasks?wait=x', as('read'))).status).to.equal(403)
    expect(opened.backstage.submitted).to.deep.equal([])
  })

  for (const [what, header] of Object.entries({
    'an unknown token': 'Bearer tk_nobody',
    'an expired key': as('old').authorization,
    'a scheme alone': 'Bearer',
    'another scheme': `Basic ${Buffer.from(`all:${tokenOf('all')}`).toString('base64')}`,
    'a token without its scheme': tokenOf('all'),
    'two tokens': `Bearer ${tokenOf('all')} ${tokenOf('all')}`,
    'tokens with a comma': `Bearer ${tokenOf('all')}, Bearer ${tokenOf('all')}`,
    'the hash in place of the token': `Bearer ${hashOf(tokenOf('all'))}`,
    'a part of a token': as('all').authorization.slice(0, -1),
    'more than a token': `${as('all').authorization}l`,
    'a token in other letters': 'Bearer TK_ALL',
  }))
    it(`refuses ${what} as any other`, async () => {
      const answer = await send('GET', '/tasks', { authorization: header })
      expect(answer.status).to.equal(401)
      expect(answer.headers.get('www-authenticate')).to.equal('Bearer error="invalid_token"')
      const unknown = await send('GET', '/tasks', { authorization: 'Bearer tk_other' })
      expect(await answer.text()).to.equal(await unknown.text())
    })

  it('refuses two headers with a key', async () => {
    const line = `Authorization: Bearer ${tokenOf('all')}\r\n`
    const request = `GET /tasks HTTP/1.1\r\nHost: a\r\n${line}${line}Connection: close\r\n\r\n`
    expect(await opened.raw(request)).to.match(/^HTTP\/1.1 401 /)
  })

  it('knows a key by each of its tokens, in any letters of the scheme, and until it expires', async () => {
    for (const authorization of ['Bearer tk_first', 'bearer tk_second', 'BEARER  tk_second', as('soon').authorization])
      expect((await send('GET', '/tasks', { authorization })).status, authorization).to.equal(200)
  })

  it('forgets a key that is taken away', async () => {
    expect((await send('GET', '/tasks', as('all'))).status).to.equal(200)
    opened.backstage.callers.delete('all')
    expect((await send('GET', '/tasks', as('all'))).status).to.equal(401)
  })

  for (const length of ['Content-Length: 1000000000', 'Transfer-Encoding: chunked'])
    it(`refuses before a body comes (${length})`, async () => {
      const socket = await opened.connect()
      socket.write(`POST /tasks HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n${length}\r\n\r\n`)
      const [answer] = (await once(socket, 'data')) as [Buffer]
      expect(answer.toString()).to.match(/^HTTP\/1.1 401 /)
      socket.destroy()
    })

  it('keeps tokens out of the log, also of what goes wrong', async () => {
    opened.backstage.before = async () => {
      throw new Error('a bug')
    }
    expect((await send('GET', '/tasks', as('all'))).status).to.equal(500)
    expect((await send('GET', '/tasks', { authorization: 'Bearer tk_nobody' })).status).to.equal(401)
    expect(JSON.stringify(opened.backstage.logged)).to.contain('a bug').and.not.contain('tk_')
  })

  it('tells the verbs who asks', async () => {
    const body = '{"service":"billing","action":"a"}'
    await opened.request('/tasks', { method: 'POST', body, headers: { ...JSON_TYPE, ...as('all') } })
    expect(opened.backstage.submitters).to.deep.equal(['all'])
  })
})
