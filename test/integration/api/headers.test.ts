// Very many headers: counted and refused, never cut.
import { expect } from 'chai'
import { type Opened, openApi } from './support.ts'

const TASK = '{"service":"billing","action":"charge"}'
const GET = 'GET /livez HTTP/1.1\r\nHost: x\r\n'

const statuses = (answer: string): number[] =>
  [...answer.matchAll(/HTTP\/1\.1 (\d+) /g)].map(([, status]) => Number(status))

describe('headers', () => {
  let open: Opened
  beforeEach(async () => {
    open = await openApi()
  })
  afterEach(() => open.api.stop())

  const many = (count: number): string => Array.from({ length: count }, (_, i) => `X-${i}: a\r\n`).join('')
  for (const count of [64, 65, 66, 96, 97, 1_000]) {
    const [status, created] = count > 64 ? [431, 0] : [302, 1]
    it(`answers ${status} to ${count} headers, whichever comes last`, async () => {
      const body = `Content-Type: application/json\r\nContent-Length: ${TASK.length}\r\nConnection: close\r\n\r\n${TASK}`
      const answer = await open.raw(`POST /tasks HTTP/1.1\r\nHost: x\r\n${many(count - 4)}${body}`)
      if (status === 431) expect(answer).to.contain('"code":"headers_too_large"')
      expect(statuses(answer)).to.deep.equal([status])
      expect(open.backstage.submitted).to.have.length(created)
    })
  }

  it('serves the connection on after too many headers', async () => {
    const answer = await open.raw(`${GET}${many(64)}\r\n${GET}Connection: close\r\n\r\n`)
    expect(statuses(answer)).to.deep.equal([431, 200])
  })
})
