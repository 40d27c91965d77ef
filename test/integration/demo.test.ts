import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { SERVICE_DEFAULTS, urlOf } from '../../src/core/service.ts'
import { demoHints, DemoService, demoService } from '../../src/demo/demo.ts'

describe('the demo service', () => {
  const demo = new DemoService()
  before(() => demo.start())
  after(() => demo.stop())

  const call = async (action: string, body: string, method = 'POST') => {
    const answer = await fetch(urlOf(demo, action), method === 'GET' ? { method } : { method, body })
    return [answer.status, await answer.text()]
  }

  it('is registered with the defaults', () => {
    expect(demoService(demo.url)).to.deep.equal({ name: 'demo', url: demo.url, ...SERVICE_DEFAULTS })
    expect(urlOf(demoService(demo.url), 'echo').href).to.match(/^http:\/\/127\.0\.0\.1:\d+\/echo$/)
  })

  it('echoes the payload to the byte', async () => {
    const payload = '{ "a":1.0,"a":9007199254740993 ,"\\u0000":"\\ud800"}'
    expect(await call('echo', payload)).to.deep.equal([200, payload])
  })

  it('counts with 206 to the last, which is 200', async () => {
    const answers: unknown[] = []
    let body = '{"to":3}'
    for (let status: unknown = 206; status === 206;) {
      const [code, text] = await call('count', body)
      answers.push([code, text])
      status = code
      body = String(text)
    }
    expect(answers).to.deep.equal([
      [206, '{"from":1,"to":3}'],
      [206, '{"from":2,"to":3}'],
      [200, '{"from":3,"to":3}'],
    ])
  })

  it('counts to five when not told otherwise', async () => {
    expect(await call('count', '{}')).to.deep.equal([206, '{"from":1,"to":5}'])
    expect(await call('count', '{"to":0}')).to.deep.equal([200, '{"from":0,"to":0}'])
  })

  it('fails with 500 and says so in JSON', async () => {
    expect(await call('fail', '{}')).to.deep.equal([500, '{"error":"this action always fails"}'])
  })

  it('answers slowly', async () => {
    const start = performance.now()
    expect(await call('slow', '{"seconds":0.2}')).to.deep.equal([200, '{"seconds":0.2}'])
    expect(performance.now() - start).to.be.at.least(190)
  })

  for (const [action, body] of [
    ['count', '{"to":'],
    ['count', 'null'],
    ['count', '[]'],
    ['count', '{"to":"5"}'],
    ['count', '{"to":1.5}'],
    ['count', '{"to":1e9}'],
    ['count', '{"from":-1}'],
    ['slow', '{"seconds":31}'],
    ['slow', '{"seconds":-1}'],
    ['slow', '{"seconds":"3"}'],
    ['slow', '\0'],
  ] as const) {
    it(`refuses ${action} of ${JSON.stringify(body)} with 500`, async () => {
      expect((await call(action, body))[0]).to.equal(500)
    })
  }

  it('refuses other actions, other methods, and bodies that are too large', async () => {
    expect((await call('constructor', '{}'))[0]).to.equal(404)
    expect((await call('echo', '', 'GET'))[0]).to.equal(405)
    expect((await call('echo', ' '.repeat(1024 * 1024 + 1)))[0]).to.equal(413)
  })

  it('outlives callers that send junk or go away', async () => {
    const { port } = new URL(urlOf(demo, 'echo'))
    const length = 'Content-Length: 10'
    for (const junk of [
      '\0\0\r\n\r\n',
      `POST /echo HTTP/1.1\r\nHost: a\r\n${length}\r\n\r\n{`,
      `POST /slow HTTP/1.1\r\nHost: a\r\n${length}\r\n\r\n{        }`,
    ]) {
      const socket = connect(Number(port), '127.0.0.1')
      await once(socket, 'connect')
      await new Promise((resolve) => socket.write(junk, resolve))
      socket.destroy()
      await once(socket, 'close')
    }
    expect(await call('echo', '1')).to.deep.equal([200, '1'])
  })

  it('starts and stops any number of times, and ends what is open', async () => {
    const part = new DemoService()
    await part.stop()
    expect(() => part.url).to.throw('not been started')
    await Promise.all([part.start(), part.start()])
    const open = fetch(urlOf(part, 'slow'), { method: 'POST', body: '{}' }).catch(() => 'ended')
    await fetch(urlOf(part, 'echo'), { method: 'POST', body: '{}' })
    await Promise.all([part.stop(), part.stop()])
    expect(await open).to.equal('ended')
    await part.start()
    expect((await fetch(urlOf(part, 'echo'), { method: 'POST', body: '{}' })).status).to.equal(200)
    await part.stop()
  })

  it('prints hints whose lines can be pasted', async () => {
    const seen: string[] = []
    const api = createServer((request, response) => {
      seen.push(`${request.method} ${request.url}`)
      response.writeHead(request.method === 'POST' ? 302 : 200, { Location: `/tasks/${seen.length}` }).end()
      request.resume()
    })
    await once(api.listen(0, '127.0.0.1'), 'listening')
    const hints = demoHints(`http://127.0.0.1:${(api.address() as AddressInfo).port}`)
    expect(hints.split('\n')).to.have.length.below(12)
    const lines = hints.split('\n').filter((text) => text.startsWith('    '))
    for (const line of lines) await promisify(execFile)('sh', ['-c', `sleep() { :; }\n${line}`])
    api.close()
    expect(seen).to.deep.equal([
      'POST /tasks',
      'GET /tasks?limit=10',
      'POST /tasks',
      'GET /tasks/3',
      'POST /tasks',
      'DELETE /tasks/5',
    ])
  })
})
