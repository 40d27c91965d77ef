// A change of a service tells the nodes, and says so where its outcome cannot be read.
import { expect } from 'chai'
import { Refusal } from '../../../src/core/refusal.ts'
import { Api, SERVER_LIMITS } from '../../../src/api/server.ts'
import { Backstage, codeOf } from '../api/support.ts'

describe('a change of a service, with all behind the API faked,', () => {
  let backstage: Backstage
  let api: Api
  let told: unknown[]
  /** Reads so far, and the one from which on Postgres is away. */
  let [reads, away] = [0, Infinity]
  beforeEach(async () => {
    backstage = new Backstage()
    ;[reads, away, told] = [0, Infinity, []]
    const { store, supervision, ...rest } = backstage.dependencies()
    const changed =
      (verb: string) =>
      async (...asked: unknown[]) => {
        told.push([verb, ...asked])
        return ['node-1', 'node-2']
      }
    api = new Api(
      {
        ...rest,
        supervision: { ...supervision, serviceChanged: (nodes) => told.push(nodes) },
        store: {
          ...store,
          states: { pause: changed('pause'), resume: changed('resume'), limit: changed('limit') },
          services: async (...asked) => {
            reads += 1
            if (reads >= away) throw new Refusal('unavailable', 'gone')
            return store.services(...asked)
          },
        },
      },
      { ...SERVER_LIMITS, linger: 0 },
    )
    await api.start()
  })
  afterEach(() => api.stop())

  const send = (method: string, path: string, body?: unknown): Promise<Response> =>
    fetch(`${api.url}/services/billing${path}`, {
      method,
      ...(body !== undefined && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    })

  for (const [method, path, body, asked] of [
    ['POST', '/pause', { reason: 'why' }, ['pause', 'billing', 'api', 'why']],
    ['POST', '/pause', undefined, ['pause', 'billing', 'api', null]],
    ['POST', '/resume', undefined, ['resume', 'billing']],
    ['PATCH', '', { limit: { rate: '5/s' } }, ['limit', 'billing', { rate: '5/s' }]],
    ['PATCH', '', { limit: null }, ['limit', 'billing', null]],
  ] as const)
    it(`tells the nodes that it was made: ${method} ${path} ${JSON.stringify(body)}`, async () => {
      expect((await send(method, path, body)).status).to.equal(200)
      expect(told).to.deep.equal([asked, ['node-1', 'node-2']])
    })

  it('changes nothing while Postgres is away', async () => {
    away = 1
    expect(await codeOf(await send('POST', '/pause'))).to.equal('unavailable')
    expect(told).to.deep.equal([])
  })

  it('says that its outcome is unknown where Postgres has gone away since', async () => {
    away = 2
    expect(await codeOf(await send('POST', '/pause'))).to.equal('outcome_unknown')
    expect(told).to.have.length(2)
  })
})
