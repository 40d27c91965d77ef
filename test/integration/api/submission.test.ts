// POST /tasks: everything that is refused, and that nothing is created then.
import { gzipSync } from 'node:zlib'
import { expect } from 'chai'
import { MAX_BODY, MAX_DEPTH, MAX_FAULTS } from '../../../src/core/limits.ts'
import { codeOf, everything, type Opened, openApi } from './support.ts'

interface Problem {
  code: string
  detail: string
  errors?: { pointer: string; detail: string }[]
}

const padded = (length: number): string => {
  const bare = '{"service":"billing","action":"charge","payload":""}'
  return bare.replace('""}', `"${'x'.repeat(length - bare.length)}"}`)
}

const nested = (depth: number): string =>
  `{"service":"billing","action":"charge","payload":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`

describe('the input of POST /tasks', () => {
  let open: Opened
  before(async () => {
    open = await openApi()
  })
  after(() => open.api.stop())
  beforeEach(() => open.backstage.submitted.splice(0))

  const refuses = (what: string, status: number, code: string, body: string | Uint8Array, headers = {}): void => {
    it(`refuses ${what}: ${status} ${code}`, async () => {
      const response = await open.post(body, headers)
      expect(response.status).to.equal(status)
      expect(await codeOf(response)).to.equal(code)
      expect(open.backstage.submitted).to.deep.equal([])
    })
  }

  describe('types', () => {
    const task = '{"service":"billing","action":"charge"}'
    const good = [
      'application/json',
      'APPLICATION/JSON',
      'application/json; charset=utf-8',
      'application/json;',
      'application/json;charset="UTF-8"',
      'application/json ; version=1 ; charset=utf-8',
    ]
    for (const type of good) {
      it(`takes ${type}`, async () => {
        expect((await open.post(task, { 'Content-Type': type })).status).to.equal(302)
        expect(open.backstage.submitted).to.have.length(1)
      })
    }
    const bad = [
      '',
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      'application/jsonx',
      'application/vnd.api+json',
      'application/problem+json',
      'text/json',
      'application/json, text/plain',
      'application/json; charset',
      'application/json; charset=latin1',
      'application/json; charset=utf-16',
      'application/json; charset=',
      'application/json; charset=utf-8; charset=latin1',
    ]
    for (const type of bad) refuses(`the type ${type || '(none)'}`, 415, 'not_json', task, { 'Content-Type': type })

    refuses('a gzipped body', 415, 'not_json', gzipSync(task), { 'Content-Encoding': 'gzip' })
    refuses('a body encoded twice', 415, 'not_json', task, { 'Content-Encoding': 'identity, gzip' })

    it('takes the content coding identity', async () => {
      expect((await open.post(task, { 'Content-Encoding': 'Identity' })).status).to.equal(302)
    })

    it('looks at the type before it looks at the size and the text', async () => {
      const response = await open.post('x'.repeat(2 * MAX_BODY), { 'Content-Type': 'text/plain' })
      expect(response.status).to.equal(415)
    })
  })

  describe('an idempotency key', () => {
    const task = '{"service":"billing","action":"charge"}'
    for (const key of ['', 'two words', '"half', 'back\\slash', 'x'.repeat(256)])
      refuses(`the key ${key.slice(0, 10) || '(empty)'}`, 400, 'invalid_idempotency_key', task, {
        'Idempotency-Key': key,
      })

    it('is named in the refusal, with what to do', async () => {
      const problem = (await (await open.post(task, { 'idempotency-key': '' })).json()) as Problem
      expect(problem.detail).to.contain('`Idempotency-Key`').and.to.contain('255')
    })

    it('is nobody’s business where nothing is created', async () => {
      expect((await open.request('/tasks', { headers: { 'Idempotency-Key': 'k' } })).status).to.equal(200)
    })
  })

  describe('sizes', () => {
    it('takes a body of exactly 1 MiB', async () => {
      expect((await open.post(padded(MAX_BODY))).status).to.equal(302)
    })

    refuses('one byte more', 413, 'body_too_large', padded(MAX_BODY + 1))
    refuses('many bytes more', 413, 'body_too_large', Buffer.alloc(20 * MAX_BODY, 0x20))

    it('refuses a body that turns out too large in chunks', async () => {
      const response = await open.raw(
        'POST /tasks HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n' +
          'Connection: close\r\n\r\n' +
          `10000\r\n${' '.repeat(65_536)}\r\n`.repeat(40) +
          '0\r\n\r\n',
      )
      expect(response)
        .to.match(/^HTTP\/1\.1 413 /)
        .and.to.contain('"code":"body_too_large"')
    })

    it('serves the connection on after a body that was too large', async () => {
      const socket = await open.connect()
      const answer = everything(socket)
      const head = 'POST /tasks HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n'
      socket.write(`${head}Content-Length: ${4 * MAX_BODY}\r\n\r\n${' '.repeat(4 * MAX_BODY)}`)
      socket.write('GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
      expect((await answer).match(/HTTP\/1\.1 (\d+)/g)).to.deep.equal(['HTTP/1.1 413', 'HTTP/1.1 200'])
    })

    it('is heard by a caller who closes after the request and sends far too much', async () => {
      const socket = await open.connect()
      const answer = everything(socket)
      const head = 'POST /tasks HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnection: close\r\n'
      socket.write(`${head}Content-Length: ${30 * MAX_BODY}\r\n\r\n`)
      for (let i = 0; i < 30; i++) socket.write(' '.repeat(MAX_BODY))
      expect(await answer).to.match(/^HTTP\/1\.1 413 /)
    })

    it('refuses a length beyond 32 bits by its headers alone', async () => {
      const head = 'POST /tasks HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n'
      const socket = await open.connect()
      socket.write(`${head}Content-Length: 4294967297\r\n\r\n`)
      socket.once('data', () => socket.end())
      expect(await everything(socket)).to.match(/^HTTP\/1\.1 413 /)
    })
  })

  describe('texts', () => {
    refuses('no body', 400, 'malformed_json', '')
    refuses('whitespace', 400, 'malformed_json', ' \n')
    refuses('text that is not JSON', 400, 'malformed_json', '{"service":"billing","action":"charge",}')
    refuses('two values', 400, 'malformed_json', '{"service":"billing","action":"charge"}{}')
    refuses('a byte order mark', 400, 'malformed_json', '\ufeff{"service":"billing","action":"charge"}')
    refuses('UTF-16', 400, 'malformed_json', Buffer.from('{"service":"billing","action":"charge"}', 'utf16le'))
    for (const bytes of ['ff', 'c3', 'c0af', 'eda080', 'f4908080', 'e28282e2']) {
      const body = Buffer.concat([
        Buffer.from('{"service":"billing","action":"charge","payload":"'),
        Buffer.from(bytes, 'hex'),
        Buffer.from('"}'),
      ])
      refuses(`the bytes ${bytes}, which are not UTF-8`, 400, 'malformed_json', body)
    }
    refuses('a raw NUL', 400, 'malformed_json', '{"service":"billing","action":"charge","payload":"\0"}')
    refuses(`${MAX_DEPTH + 1} levels`, 400, 'too_deep', nested(MAX_DEPTH + 1))
    refuses('half a million levels', 400, 'too_deep', nested(500_000))
    for (const text of ['[]', 'null', '1', '"{}"', 'true']) refuses(`${text}, no object`, 400, 'invalid_task', text)

    it(`takes ${MAX_DEPTH} levels`, async () => {
      expect((await open.post(nested(MAX_DEPTH))).status).to.equal(302)
    })

    it('says from which byte on a body is not JSON', async () => {
      const problem = (await (await open.post('{"é":tru}')).json()) as Problem
      expect(problem.detail).to.contain('byte 9')
    })
  })

  describe('members', () => {
    const cases: [string, string, string[]][] = [
      ['{}', 'invalid_task', ['/service', '/action']],
      ['{"service":"billing"}', 'invalid_task', ['/action']],
      ['{"action":"charge"}', 'invalid_task', ['/service']],
      ['{"service":"","action":""}', 'invalid_task', ['/service', '/action']],
      ['{"service":1,"action":null}', 'invalid_task', ['/service', '/action']],
      ['{"service":["billing"],"action":{}}', 'invalid_task', ['/service', '/action']],
      ['{"service":"billing","action":"."}', 'invalid_task', ['/action']],
      ['{"service":"billing","action":".."}', 'invalid_task', ['/action']],
      ['{"service":"billing","action":"a/b"}', 'invalid_task', ['/action']],
      ['{"service":"billing","action":"a\\u0000"}', 'invalid_task', ['/action']],
      [`{"service":"billing","action":"${'a'.repeat(201)}"}`, 'invalid_task', ['/action']],
      ['{"service":"billing","action":"charge","x":1}', 'invalid_task', ['/x']],
      ['{"service":"billing","action":"charge","Payload":1}', 'invalid_task', ['/Payload']],
      ['{"service":"billing","action":"charge","__proto__":1}', 'invalid_task', ['/__proto__']],
      ['{"service":"billing","action":"charge","a/b~c":1,"":2}', 'invalid_task', ['/a~1b~0c', '/']],
      ['{"service":"billing","action":"charge","service":"billing"}', 'invalid_task', ['/service']],
      ['{"service":"billing","action":"charge","\\u0061ction":"charge"}', 'invalid_task', ['/action']],
      ['{"payload":1,"service":"billing","action":"charge","payload":1}', 'invalid_task', ['/payload']],
      ['{"x":1,"service":"nobody","action":"","x":2}', 'invalid_task', ['/x', '/action', '/service']],
      ['{"service":"nobody","action":"charge"}', 'unknown_service', ['/service']],
      ['{"service":"Billing","action":"charge"}', 'unknown_service', ['/service']],
      ['{"service":"toString","action":"charge"}', 'unknown_service', ['/service']],
      ['{"service":"bill ing\\ud800","action":"charge"}', 'unknown_service', ['/service']],
    ]
    for (const [body, code, pointers] of cases) {
      it(`refuses ${body.slice(0, 90)} for ${pointers.join(' and ')}`, async () => {
        const response = await open.post(body)
        const problem = (await response.clone().json()) as Problem
        expect(await codeOf(response)).to.equal(code)
        expect(response.status).to.equal(400)
        expect(problem.errors?.map(({ pointer }) => pointer)).to.deep.equal(pointers)
        for (const { detail } of problem.errors ?? []) expect(detail).to.be.a('string').and.not.to.equal('')
        expect(open.backstage.submitted).to.deep.equal([])
      })
    }

    it('takes every name of a registered service and every form of an action', async () => {
      expect((await open.post('{"service":"constructor","action":"A-z.0_9~"}')).status).to.equal(302)
      expect((await open.post(`{"service":"billing","action":"${'a'.repeat(200)}"}`)).status).to.equal(302)
    })

    it(`names ${MAX_FAULTS} faults at most, however many there are`, async () => {
      const names = Array.from({ length: 50_000 }, (_, i) => `"${i}":0`)
      const text = await (await open.post(`{${names.join(',')}}`)).text()
      expect((JSON.parse(text) as Problem).errors).to.have.length(MAX_FAULTS)
      expect(text.length).to.be.lessThan(20_000)
    })
  })
})
