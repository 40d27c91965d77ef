// Pauses and gates on several nodes: from then on no request begins, and nothing is lost.
import { expect } from 'chai'
import { Store } from '../../../src/store/store.ts'
import { silentLog } from '../../../src/telemetry/log.ts'
import { beats } from '../../support/beats.ts'
import { eventually } from '../../support/eventually.ts'
import { ended, openWorld, post, type World } from '../../support/world.ts'

describe('a pause', () => {
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

  /** Answers 206 until it is told to end; counts what begins. */
  const looping = async () => {
    const state = { begun: 0, over: false, last: 0 }
    const url = await world.serve((_request, response) => {
      state.begun += 1
      state.last = performance.now()
      response.writeHead(state.over ? 200 : 206, { 'content-type': 'application/json' })
      setTimeout(() => response.end(`{"n":${state.begun}}`), 5)
    })
    return { state, url }
  }

  it('stops the loops and what waits on three nodes, survives a restart, and its end lets all go on', async () => {
    const { state, url } = await looping()
    const setup = { services: { svc: { url, concurrency: 20 } } }
    const nodes = [await world.node(setup), await world.node(setup), await world.node(setup)]
    const locations = await Promise.all(Array.from({ length: 60 }, (_, i) => post(nodes[i % 3]?.url ?? '', 'go')))
    await eventually(() => expect(state.begun).to.be.greaterThan(200))
    const asked = performance.now()
    await store.states.pause('svc', 'me', 'deploy')
    // Nobody told the nodes: they read it with a beat.
    await eventually(async () => {
      const before = state.begun
      await beats(world, 1)
      expect(state.begun).to.equal(before)
    })
    expect(state.last - asked).to.be.lessThan(3_000)
    locations.push(await post(nodes[0]?.url ?? '', 'go'))
    const fresh = await world.node(setup)
    const before = state.begun
    await beats(world, 3)
    expect(state.begun).to.equal(before)
    state.over = true
    await store.states.resume('svc')
    const all = await Promise.all(locations.map((location) => ended(fresh.url, location, 20_000)))
    expect(all.every(({ status }) => status === 'complete')).to.equal(true)
  })
})
