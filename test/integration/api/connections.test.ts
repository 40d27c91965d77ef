// Bare connections: what is no HTTP, what comes too slowly, what is too much, and many requests on one connection.
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { expect } from 'chai'
import { everything, type Opened, openApi } from './support.ts'

const GET = 'GET /livez HTTP/1.1\r\nHost: x\r\n'
const TASK = '{"service":"billing","action":"charge"}'
const POST = `POST /tasks HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n`
const POST_TASK = `${POST}Content-Length: ${TASK.length}\r\n\r\n${TASK}`

/** The status lines in what came back. */
const statuses = (answer: string): number[] =>
  [...answer.matchAll(/HTTP\/1\.1 (\d+) /g)].map(([, status]) => Number(status))

/** Checks that an answer is one problem over a connection that closes. */
function expectProblem(answer: string, status: number, code: string): void {
  const [head = '', body = ''] = answer.split('\r\n\r\n')
  expect(statuses(answer)).to.deep.equal([status])
  expect(head)
    .to.match(/\r\nContent-Type: application\/problem\+json/i)
    .and.to.match(/\r\nConnection: close/i)
  expect(head).to.match(/\r\nX-Content-Type-Options: nosniff/i)
  expect(JSON.parse(body)).to.include({ status, code })
  expect(head).to.match(new RegExp(`\r\nContent-Length: ${body.length}(\r\n|$)`, 'i'))
}

describe('a connection', () => {
  let open: Opened
  afterEach(() => open.api.stop())

  describe('with requests that are not valid', () => {
    beforeEach(async () => {
      open = await openApi()
    })

    const invalid: [string, string][] = [
      ['no HTTP at all', 'hello\r\n\r\n'],
      ['lines that end in a bare LF', 'GET /livez HTTP/1.1\nHost: x\n\n'],
      ['two content lengths', `${POST}Content-Length: 39\r\nContent-Length: 40\r\n\r\n${TASK}`],
      ['a content length and chunks', `${POST}Content-Length: 39\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
      ['a content length that is no number', `${POST}Content-Length: +39\r\n\r\n${TASK}`],
      ['a chunk without a size', `${POST}Transfer-Encoding: chunked\r\n\r\nxyz\r\n`],
      ['a folded header', `${GET}X-A: b\r\n c\r\n\r\n`],
      ['a space before a colon', `${GET}X-A : b\r\n\r\n`],
      ['a NUL in the path', 'GET /tasks\0 HTTP/1.1\r\nHost: x\r\n\r\n'],
      ['a NUL in a header', `${GET}X-A: \0\r\n\r\n`],
      ['an unknown method', 'BREW /tasks HTTP/1.1\r\nHost: x\r\n\r\n'],
      ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
      ['a request for a tunnel', 'CONNECT x:80 HTTP/1.1\r\nHost: x:80\r\n\r\n'],
      ['a TLS greeting', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
    ]
    for (const [what, text] of invalid) {
      it(`answers 400 bad_request to ${what}`, async () => {
        expectProblem(await open.raw(Buffer.from(text, 'latin1')), 400, 'bad_request')
        expect(open.backstage.submitted).to.deep.equal([])
        expect(open.backstage.logged).to.deep.equal([])
      })
    }

    const refused: [string, string][] = [
      ['no Host header', 'GET /livez HTTP/1.1\r\nConnection: close\r\n\r\n'],
      ['two Host headers', 'GET /livez HTTP/1.1\r\nHost: a\r\nhost: b\r\nConnection: close\r\n\r\n'],
      ['a fragment in the target', 'GET /livez#x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'],
      ['raw bytes over 127 in the target', 'GET /livez?\xe9 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'],
      ['a version that is not ours', 'GET /livez HTTP/2.0\r\nHost: x\r\nConnection: close\r\n\r\n'],
      ['a target of another scheme', 'GET ftp://x/livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'],
    ]
    for (const [what, text] of refused) {
      it(`answers 400 bad_request to ${what}`, async () => {
        expectProblem(await open.raw(Buffer.from(text, 'latin1')), 400, 'bad_request')
      })
    }

    it('answers 431 to headers over 16 KiB', async () => {
      expectProblem(await open.raw(`${GET}X-A: ${'x'.repeat(20_000)}\r\n\r\n`), 431, 'headers_too_large')
    })

    it('lets one who is refused send on, so that the refusal is heard', async () => {
      const socket = await open.connect()
      let failed = false
      socket.on('error', () => (failed = true))
      const answer = everything(socket)
      socket.write('A'.repeat(4_000_000))
      expectProblem(await answer, 400, 'bad_request')
      expect(failed).to.equal(false)
    })

    it('takes an absolute target for its path, and builds nothing from a host', async () => {
      const evil = 'Host: evil.example\r\nX-Forwarded-Host: evil.example\r\nConnection: close\r\n'
      const answer = await open.raw(
        POST_TASK.replace('/tasks', 'http://evil.example:99999/tasks').replace('Host: x\r\n', evil),
      )
      expect(answer)
        .to.match(/^HTTP\/1\.1 302 /)
        .and.to.match(/\r\nLocation: \/tasks\/1\r\n/)
      expect(answer).not.to.contain('evil')
    })

    for (const [target, status] of [
      ['http://x', 200],
      ['http://[', 200],
      ['http://x?a=b', 200],
      ['https://u:p@x:1/nowhere', 404],
    ] as const) {
      it(`answers ${status} to the target ${target}`, async () => {
        expect(
          statuses(await open.raw(`GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)),
        ).to.deep.equal([status])
      })
    }

    it('serves HTTP/1.0 without a Host header', async () => {
      expect(statuses(await open.raw('GET /livez HTTP/1.0\r\n\r\n'))).to.deep.equal([200])
    })

    it('ignores an expectation that it does not know, and answers the one that it knows', async () => {
      expect(statuses(await open.raw(`${GET}Expect: miracles\r\nConnection: close\r\n\r\n`))).to.deep.equal([200])
      const answer = await open.raw(
        POST_TASK.replace('Host: x', 'Host: x\r\nExpect: 100-continue\r\nConnection: close'),
      )
      expect(statuses(answer)).to.deep.equal([100, 302])
    })

    it('is not disturbed by a caller who leaves in the middle of a body', async () => {
      const socket = await open.connect()
      socket.write(`${POST}Content-Length: 1000\r\n\r\n{`)
      socket.destroy()
      await once(socket, 'close')
      expect((await open.request('/livez')).status).to.equal(200)
      expect(open.backstage.logged).to.deep.equal([])
    })
  })

  describe('with many requests', () => {
    beforeEach(async () => {
      open = await openApi({ maxRequestsPerSocket: 20 })
    })

    it('answers pipelined requests in their order', async () => {
      const held = open.backstage.hold()
      const socket = await open.connect()
      const answer = everything(socket)
      socket.write(`${POST_TASK}${GET}\r\nGET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
      const { go } = await held
      go()
      expect(statuses(await answer)).to.deep.equal([302, 200, 404])
    })

    it('answers a valid request before it refuses the invalid one behind it', async () => {
      const held = open.backstage.hold()
      const socket = await open.connect()
      const answer = everything(socket)
      socket.write(`${POST_TASK}nonsense\r\n\r\n`)
      const { go } = await held
      await (await open.request('/livez')).text()
      go()
      expect(statuses(await answer)).to.deep.equal([302, 400])
    })

    it('answers what was asked before a caller closed its half', async () => {
      const held = open.backstage.hold()
      const socket = await open.connect()
      const answer = everything(socket)
      socket.end(`${GET}\r\n${POST_TASK}${GET}\r\n`)
      const { go } = await held
      await (await open.request('/livez')).text()
      go()
      expect(statuses(await answer)).to.deep.equal([200, 302, 200])
    })

    it('answers a valid request before it refuses the tunnel behind it', async () => {
      expect(statuses(await open.raw(`${POST_TASK}CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n`))).to.deep.equal([302, 400])
    })

    it('closes a connection that has had its share of requests', async () => {
      const answer = await open.raw(`${GET}\r\n`.repeat(20))
      expect(statuses(answer)).to.deep.equal(Array.from({ length: 20 }, () => 200))
      expect(answer.match(/Connection: close/gi)).to.have.length(1)
    })

    it('acts on no request beyond that share', async () => {
      const socket = await open.connect()
      const answer = everything(socket)
      socket.write(`${GET}\r\n`.repeat(20) + POST_TASK)
      expect(statuses(await answer)).to.have.length(20)
      expect(open.backstage.submitted).to.deep.equal([])
    })

    it('adds no listener for each request', async () => {
      const warnings: Error[] = []
      const hear = (warning: Error): number => warnings.push(warning)
      process.on('warning', hear)
      await open.raw(`${GET}\r\n`.repeat(20))
      await new Promise(setImmediate)
      process.off('warning', hear)
      expect(warnings).to.deep.equal([])
    })
  })

  describe('of a slow caller', () => {
    beforeEach(async () => {
      open = await openApi({ headersTimeout: 100, requestTimeout: 200, connectionsCheckingInterval: 20 })
    })

    const slow: [string, string][] = [
      ['headers that do not end', GET],
      ['headers that have not begun', ''],
      ['a body that does not end', `${POST}Content-Length: 100\r\n\r\n{"service"`],
      ['a chunk that does not end', `${POST}Transfer-Encoding: chunked\r\n\r\n10\r\n{`],
    ]
    for (const [what, text] of slow) {
      it(`answers 408 too_slow to ${what}`, async () => {
        expectProblem(await open.raw(text), 408, 'too_slow')
        expect(open.backstage.submitted).to.deep.equal([])
        expect(open.backstage.logged).to.deep.equal([])
      })
    }

    it('answers once to a body that was refused and never comes', async () => {
      const answer = await open.raw(`${POST.replace('/json', '/xml')}Content-Length: 100\r\n\r\n`)
      expect(statuses(answer)).to.deep.equal([415])
    })

    it('drips away from one who sends a byte at a time', async () => {
      const socket: Socket = await open.connect()
      const answer = everything(socket)
      const drip = setInterval(() => socket.write('x'), 10)
      socket.write(`${GET}X-A: `)
      expectProblem(await answer, 408, 'too_slow')
      clearInterval(drip)
    })
  })
})
