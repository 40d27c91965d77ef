// The table of answers over HTTP: what each status of a service makes of its task (docs/contract.md, section 2).
import { expect } from 'chai'
import { gzipSync } from 'node:zlib'
import type { RunningNode } from '../../src/main.ts'
import { ended, openWorld, post, type Shown, type World } from '../support/world.ts'

describe("a service's answer", () => {
  let world: World
  let node: RunningNode
  before(async () => {
    world = await openWorld()
    const retry = { attempts: 3, backoff: 20, maxBackoff: 40 }
    node = await world.node({ services: { svc: { retry, timeout: 5_000 }, quick: { retry, timeout: 150 } } })
  })
  after(() => world.close())

  const run = async (action: string, payload?: string, service?: string): Promise<Shown> =>
    ended(node.url, await post(node.url, action, payload, service))

  it('200 with JSON: complete, the body is the result', async () => {
    expect(await run('ok'))
      .to.include({ status: 'complete', step: 0, attempt: 1, fails: 0 })
      .and.deep.include({
        result: { ok: true },
        payload: {},
      })
  })

  it('200 with what is no JSON: the result is the text as a JSON string', async () => {
    expect((await run('text')).result).to.equal('not json \u00fc')
  })

  it('200 with bytes that are no UTF-8: the result is a JSON string with U+FFFD', async () => {
    const url = await world.serve((_request, response) => response.end(Buffer.from([0x22, 0xff, 0x22])))
    const own = await world.node({ services: { bytes: { url } } })
    const task = await ended(own.url, await post(own.url, 'a', undefined, 'bytes'))
    await own.stop()
    expect(task).to.include({ status: 'complete', result: '"\ufffd"' })
  })

  it('204: complete without a result', async () => {
    expect(await run('none'))
      .to.include({ status: 'complete', resultOmitted: null })
      .and.not.have.property('result')
  })

  for (const status of [201, 202, 203, 207, 226, 299])
    it(`${status}: complete, the body is the result`, async () => {
      expect(await run(`status.${status}`)).to.deep.include({ status: 'complete', result: { status: 'it' } })
    })

  for (const status of [400, 401, 403, 404, 409, 410, 418, 422, 500, 501, 505, 507, 599])
    it(`${status}: failed as service_error with status and body, after one request`, async () => {
      const task = await run(`status.${status}`)
      expect(task.status).to.equal('failed')
      expect(task.error).to.include({ code: 'service_error', status, body: '{"status":"it"}' })
      expect(world.service.of(task.location)).to.have.length(1)
    })

  it('500 where retry.on names it: the same step again, until the tries are over', async () => {
    const retry = { attempts: 2, backoff: 10, maxBackoff: 10, on: [500] }
    const own = await world.node({ services: { on: { retry } } })
    const task = await ended(own.url, await post(own.url, 'fail', undefined, 'on'))
    await own.stop()
    expect(task.error).to.include({ code: 'service_unavailable', status: 500, body: '{"why":"no"}' })
    expect(world.service.of(task.location).map(({ attempt }) => attempt)).to.deep.equal([1, 2])
  })

  it('500 with a long body: its first 64 KiB are kept', async () => {
    const { error } = await run('loud.100000')
    expect(error).to.include({ code: 'service_error', status: 500, body: 'x'.repeat(64 * 1024) })
  })

  for (const status of [300, 301, 302, 303, 304, 307, 308])
    it(`${status}: failed as redirect`, async () => {
      const task = await run(`status.${status}`)
      expect(task.error).to.include({ code: 'redirect', status })
      expect(world.service.of(task.location)).to.have.length(1)
    })

  it('307 with a Location: never followed', async () => {
    const task = await run('redirect')
    expect(task.error).to.include({ code: 'redirect', status: 307 })
    const paths = world.service.of(task.location).map(({ request }) => request.url)
    expect(paths).to.deep.equal(['/run/redirect'])
  })

  for (const status of [408, 425, 429, 502, 503, 504])
    it(`${status}: the same step again, until service_unavailable with the last answer`, async () => {
      const task = await run(`status.${status}`)
      expect(task.error).to.include({ code: 'service_unavailable', status, body: '{"status":"it"}' })
      const seen = world.service.of(task.location)
      expect(seen.map(({ attempt }) => attempt)).to.deep.equal([1, 2, 3])
      expect(new Set(seen.map(({ key }) => key)).size).to.equal(1)
      expect(seen.every(({ step }) => step === 0)).to.equal(true)
    })

  for (const [action, how] of [
    ['drop', 'a connection that is reset'],
    ['half', 'a body that breaks off'],
  ] as const)
    it(`${how}: the same step again, until service_unavailable`, async () => {
      const task = await run(action)
      expect(task.error).to.have.property('code', 'service_unavailable')
      expect(task.error).not.to.have.property('status')
      expect(world.service.of(task.location).map(({ attempt }) => attempt)).to.deep.equal([1, 2, 3])
    })

  it('a connection that is refused: again, until service_unavailable', async () => {
    const retry = { attempts: 2, backoff: 10, maxBackoff: 10 }
    const own = await world.node({ services: { nobody: { url: 'http://127.0.0.1:1/', retry } } })
    const task = await ended(own.url, await post(own.url, 'a', undefined, 'nobody'))
    await own.stop()
    expect(task).to.include({ status: 'failed', attempt: 2 })
    expect(task.error).to.have.property('code', 'service_unavailable')
    expect(task.error?.detail)
      .to.match(/ECONNREFUSED/)
      .and.not.match(/127/)
  })

  it('a head of ten thousand fields: again, until service_unavailable', async () => {
    const fields = Array.from({ length: 10_000 }, () => ['X-A', 'b']).flat()
    const url = await world.serve((_request, response) => response.writeHead(200, fields).end('{}'))
    const retry = { attempts: 2, backoff: 10, maxBackoff: 10 }
    const own = await world.node({ services: { many: { url, retry } } })
    const task = await ended(own.url, await post(own.url, 'a', undefined, 'many'))
    await own.stop()
    expect(task).to.include({ status: 'failed', attempt: 2 })
    expect(task.error).to.include({ code: 'service_unavailable' })
    expect(task.error?.detail).to.include('the head of the answer is too long')
  })

  it('no answer in the time limit: again, until timeout; each request is cut off', async () => {
    const task = await run('hang', undefined, 'quick')
    expect(task.error).to.have.property('code', 'timeout')
    const seen = world.service.of(task.location)
    expect(seen.map(({ attempt }) => attempt)).to.deep.equal([1, 2, 3])
    expect(seen.every(({ aborted }) => aborted)).to.equal(true)
  })

  it('a body that never ends: the time limit covers it too', async () => {
    const url = await world.serve((_request, response) => void response.writeHead(200).write('{'))
    const retry = { attempts: 1, backoff: 10, maxBackoff: 10 }
    const own = await world.node({ services: { endless: { url, retry, timeout: 200 } } })
    const task = await ended(own.url, await post(own.url, 'a', undefined, 'endless'))
    await own.stop()
    expect(task.error).to.have.property('code', 'timeout')
  })

  it('206 and 200 that are compressed, though nobody asked, or begin with a byte order mark: what they hold', async () => {
    const url = await world.serve((request, response) => {
      const mark = String(request.headers['task-action']) === 'mark'
      const step = Number(request.headers['task-step'])
      const text = `${mark ? '\ufeff' : ''}{"n":${step}}`
      response.writeHead(step < 1 ? 206 : 200, mark ? {} : { 'Content-Encoding': 'gzip' })
      response.end(mark ? text : gzipSync(text))
    })
    const own = await world.node({ services: { odd: { url } } })
    for (const action of ['gzip', 'mark']) {
      const task = await ended(own.url, await post(own.url, action, undefined, 'odd'))
      expect(task).to.deep.include({ status: 'complete', step: 1, state: { n: 0 }, result: { n: 1 } })
    }
    await own.stop()
  })

  it('206 with what is no JSON: failed as bad_body, with the reason and the body', async () => {
    const task = await run('garbage')
    expect(task.error).to.include({ code: 'bad_body', status: 206, body: '{"half":' })
    expect(task.error?.detail).to.equal('The body of an answer 206 was not JSON: it is malformed.')
    expect(world.service.of(task.location)).to.have.length(1)
  })

  it('200 with exactly 1 MiB: kept; with one byte more: complete, and the result is omitted', async () => {
    const [full, over] = await Promise.all([run('big.1048576'), run('big.1048577')])
    expect(full).to.include({ status: 'complete', resultOmitted: null, result: 'x'.repeat(1_048_574) })
    expect(over).to.include({ status: 'complete', resultOmitted: true }).and.not.have.property('result')
  })

  it('206 with more than 1 MiB: failed as body_too_large', async () => {
    expect((await run('large.1048577')).error).to.include({ code: 'body_too_large', status: 206 })
  })
})
