// The API as a part: start, health and drain.
import { once } from 'node:events'
import { createServer } from 'node:net'
import { expect } from 'chai'
import { Api } from '../../../src/api/server.ts'
import { Backstage, type Opened, openApi } from './support.ts'

const TASK = '{"service":"billing","action":"charge"}'

interface Readiness {
  status: string
  postgres: string
  queue: { kind: string; status: string }
}

describe('the API as a part', () => {
  describe('health', () => {
    let open: Opened
    beforeEach(async () => {
      open = await openApi({ ping: 50 })
    })
    afterEach(() => open.api.stop())

    const readiness = async (): Promise<[number, Readiness]> => {
      const response = await open.request('/readyz')
      expect(response.headers.get('Retry-After') === null).to.equal(response.status === 200)
      return [response.status, (await response.json()) as Readiness]
    }

    const states: [string, boolean, boolean, number, Readiness][] = [
      ['both answer', true, true, 200, { status: 'ready', postgres: 'up', queue: { kind: 'redis', status: 'up' } }],
      [
        'Redis is down',
        true,
        false,
        200,
        { status: 'degraded', postgres: 'up', queue: { kind: 'redis', status: 'down' } },
      ],
      [
        'Postgres is down',
        false,
        true,
        503,
        { status: 'unavailable', postgres: 'down', queue: { kind: 'redis', status: 'up' } },
      ],
      [
        'both are down',
        false,
        false,
        503,
        { status: 'unavailable', postgres: 'down', queue: { kind: 'redis', status: 'down' } },
      ],
    ]
    for (const [what, postgres, redis, status, body] of states) {
      it(`answers ${status} ${body.status} when ${what}; /livez says 200`, async () => {
        open.backstage.ping = async () => postgres
        open.backstage.queue.healthy = redis
        expect(await readiness()).to.deep.equal([status, body])
        expect((await open.request('/livez')).status).to.equal(200)
      })
    }

    it('answers 200 degraded when Redis refuses something that is not needed', async () => {
      open.backstage.queue.limited = true
      const body = { status: 'degraded', postgres: 'up', queue: { kind: 'redis', status: 'limited' } }
      expect(await readiness()).to.deep.equal([200, body])
    })

    it('takes a ping that fails for a Postgres that is down', async () => {
      open.backstage.ping = () => Promise.reject(new Error('db.internal'))
      expect((await readiness())[1].postgres).to.equal('down')
      expect(open.backstage.logged).to.deep.equal([])
    })

    it('does not wait for a ping that hangs, asks once for all who wait, and asks again afterwards', async () => {
      let pings = 0
      open.backstage.ping = () => {
        pings++
        return new Promise(() => undefined)
      }
      const answers = await Promise.all([readiness(), readiness(), readiness()])
      expect(answers.map(([status]) => status)).to.deep.equal([503, 503, 503])
      expect(pings).to.equal(1)
      open.backstage.ping = async () => true
      expect((await readiness())[0]).to.equal(200)
    })

    it('does not look at the query', async () => {
      expect((await open.request('/livez?x=1&x=2')).status).to.equal(200)
      expect((await open.request('/readyz?%zz')).status).to.equal(200)
    })
  })

  describe('drain', () => {
    it('says 503 draining, closes with every answer, and serves on', async () => {
      await using open = await openApi()
      expect((await open.request('/livez')).headers.get('Connection')).to.equal('keep-alive')
      open.api.drain()
      open.api.drain()
      const ready = await open.request('/readyz')
      expect(ready.status).to.equal(503)
      expect(((await ready.json()) as Readiness).status).to.equal('draining')
      const answers = [
        ready,
        await open.post(TASK),
        await open.request('/tasks'),
        await open.request('/x'),
        await open.post(''),
      ]
      expect(answers.map(({ status }) => status)).to.deep.equal([503, 302, 200, 404, 400])
      for (const { headers } of answers) expect(headers.get('Connection')).to.equal('close')
      expect((await open.request('/livez')).status).to.equal(200)
    })

    it('closes with answers to requests that had begun before', async () => {
      await using open = await openApi()
      const held = open.backstage.hold()
      const answer = open.post(TASK)
      const { go } = await held
      open.api.drain()
      go()
      expect((await answer).headers.get('Connection')).to.equal('close')
    })
  })

  describe('start', () => {
    it('rejects clearly when the port is taken, and starts once it is free', async () => {
      const other = createServer().listen(0, '127.0.0.1')
      await once(other, 'listening')
      const address = other.address()
      const port = typeof address === 'object' && address !== null ? address.port : 0
      const api = new Api({ ...new Backstage().dependencies(), port })
      const error: unknown = await api.start().catch((reason: unknown) => reason)
      expect(String(error)).to.contain(`127.0.0.1:${port}`).and.to.contain('EADDRINUSE')
      expect(() => api.url).to.throw('does not listen')
      other.close()
      await once(other, 'close')
      await api.start()
      expect(api.url).to.equal(`http://127.0.0.1:${port}`)
      await api.stop()
    })

    it('rejects clearly when the host is not one of this machine', async () => {
      const api = new Api({ ...new Backstage().dependencies(), host: '203.0.113.1' })
      const error: unknown = await api.start().catch((reason: unknown) => reason)
      expect(String(error)).to.contain('203.0.113.1:0').and.to.contain('no such address')
      await api.stop()
    })

    it('starts while Postgres is not there', async () => {
      await using open = await openApi()
      open.backstage.ping = () => Promise.reject(new Error('down'))
      expect((await open.request('/livez')).status).to.equal(200)
      expect((await open.request('/readyz')).status).to.equal(503)
    })
  })
})
