// A limit that is set, changed and taken away while loops run.
import { expect } from 'chai'
import { Store } from '../../../src/store/store.ts'
import { silentLog } from '../../../src/telemetry/log.ts'
import { beats } from '../../support/beats.ts'
import { eventually } from '../../support/eventually.ts'
import { ended, openWorld, post, remove, show, type World } from '../../support/world.ts'

describe('a limit that changes', () => {
  let world: World
  let store: Store
  beforeEach(async () => {
    world = await openWorld()
    store = new Store({ url: world.databaseUrl, log: silentLog() })
    await store.start()
  })
  afterEach(async () => {
    await store.stop()
    await world.close()
  })

  /** Loops whose requests take 20 ms each, until they are told to end. */
  const looping = async () => {
    const seen = { open: 0, most: 0, begun: 0, over: false }
    const url = await world.serve((_request, response) => {
      seen.open += 1
      seen.begun += 1
      seen.most = Math.max(seen.most, seen.open)
      response.on('close', () => (seen.open -= 1))
      setTimeout(() => {
        response.writeHead(seen.over ? 200 : 206, { 'content-type': 'application/json' }).end(`{"n":${seen.begun}}`)
      }, 20)
    })
    return { seen, url }
  }

  it('binds loops that run, lets more go when it grows, and all when it is gone', async () => {
    const { seen, url } = await looping()
    const services = { svc: { url } }
    const nodes = [await world.node({ services }), await world.node({ services })]
    const locations = await Promise.all(Array.from({ length: 30 }, (_, i) => post(nodes[i % 2]?.url ?? '', 'go')))
    await eventually(() => expect(seen.most).to.be.greaterThan(15))
    const atMost = async (most: number): Promise<void> => {
      await beats(world, 2)
      // What had begun before has ended.
      await eventually(() => expect(seen.open).to.be.at.most(most))
      seen.most = 0
      const { begun } = seen
      await eventually(() => expect(seen.begun - begun >= 20 && seen.most >= most).to.equal(true))
      expect(seen.most).to.equal(most)
    }
    await store.states.limit('svc', { concurrency: 2 })
    await atMost(2)
    await store.states.limit('svc', { concurrency: 5 })
    await atMost(5)
    await store.states.limit('svc', null)
    await eventually(() => expect(seen.most).to.be.greaterThan(15))
    seen.over = true
    for (const location of locations) expect((await ended(nodes[0]?.url ?? '', location)).status).to.equal('complete')
  })

  it('binds no longer than until it is raised, also where the rate was one an hour', async () => {
    const node = await world.node({ services: { svc: { limit: { rate: '1/h' } } } })
    const [first = '', ...others] = await Promise.all(Array.from({ length: 3 }, () => post(node.url, 'ok')))
    await eventually(async () => {
      const ends = await Promise.all([first, ...others].map((location) => show(node.url, location)))
      expect(ends.filter((task) => task?.status === 'complete')).to.have.length(1)
    })
    await beats(world, 2)
    const body = JSON.stringify({ limit: { rate: '100/s' } })
    const headers = { 'content-type': 'application/json' }
    expect((await fetch(`${node.url}/services/svc`, { method: 'PATCH', headers, body })).status).to.equal(200)
    for (const location of [first, ...others]) expect((await ended(node.url, location)).status).to.equal('complete')
  })

  it('is not gone beyond by tasks that are deleted while their requests are open', async () => {
    const { seen, url } = await looping()
    const services = { svc: { url, limit: { concurrency: 3 } } }
    const nodes = [await world.node({ services }), await world.node({ services })]
    const urlOf = (i: number): string => nodes[i % 2]?.url ?? ''
    const locations = await Promise.all(Array.from({ length: 12 }, (_, i) => post(urlOf(i), 'go')))
    for (const [i, location] of locations.slice(0, 6).entries()) {
      const { begun } = seen
      await eventually(() => expect(seen.begun).to.be.greaterThan(begun + 3))
      expect(await remove(urlOf(i + 1), location)).to.equal(204)
    }
    seen.over = true
    for (const location of locations.slice(6)) expect((await ended(urlOf(0), location)).status).to.equal('complete')
    expect(seen.most).to.equal(3)
  })
})
