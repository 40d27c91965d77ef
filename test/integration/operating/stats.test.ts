// GET /nodes and GET /stats: who is at work, and what tasks came to by the minute, over all nodes.
import { expect } from 'chai'
import type { Store } from '../../../src/store/store.ts'
import type { Stat } from '../../../src/store/stats.ts'
import { type Bench, openBench } from '../../support/bench.ts'
import { eventually } from '../../support/eventually.ts'
import { ended, openWorld, post, type World } from '../../support/world.ts'
import { ask } from '../callers/asks.ts'

describe('the statistics of minutes', () => {
  let bench: Bench
  beforeEach(async () => {
    bench = await openBench()
  })
  afterEach(() => bench.close())

  const shown = (service?: string): Promise<Stat[]> => bench.store.stats({ since: { ago: 3_600_000 }, service })
  const counts = (store: Store, ms: number, times: number): void => {
    for (let i = 0; i < times; i += 1) {
      store.meters.asked('svc', 200, ms)
      store.meters.services.of('svc').queue.observe(ms / 10)
      store.minutes.count('complete', 'svc')
    }
  }

  it('are added up over nodes, with percentiles of all of them', async () => {
    const other = await bench.other()
    // Written at one turn, so that they are of one minute.
    counts(bench.store, 100, 90)
    counts(other, 10_000, 10)
    await Promise.all([bench.store.minutes.write(), other.minutes.write()])
    const stats = await shown()
    // Unless the minute has turned between the two.
    const all = stats.reduce((sum, { complete }) => sum + complete, 0)
    expect(all).to.equal(100)
    if (stats.length > 1) return
    expect(stats[0]).to.include({ service: 'svc', created: 0, complete: 100, failed: 0 })
    expect(stats[0]?.minute).to.match(/^\d{4}-\d\d-\d\dT\d\d:\d\d:00\.000Z$/)
    expect(stats[0]?.requestMs.p50).to.be.within(84, 119)
    expect(stats[0]?.requestMs.p95).to.be.within(8_400, 11_900)
    expect(stats[0]?.queueMs.p50).to.be.within(8.4, 11.9)
  })

  it('count each minute anew, and keep what was counted meanwhile', async () => {
    counts(bench.store, 100, 3)
    await bench.store.minutes.write()
    await bench.store.minutes.write()
    expect((await shown()).reduce((sum, { complete }) => sum + complete, 0)).to.equal(3)
    counts(bench.store, 100, 4)
    await bench.store.minutes.write()
    expect((await shown()).reduce((sum, { complete }) => sum + complete, 0)).to.equal(7)
    const [{ total } = { total: 0 }] = await bench.sql<{ total: number }>(
      'select sum((select sum(c) from unnest(request[2:]) c))::integer as total from minutes',
    )
    expect(total).to.equal(7)
  })

  it('take what a node of the release before writes, and what lies before `since` is left out', async () => {
    const row = `insert into minutes (minute, service, node, created, complete, failed)
      select date_trunc('minute', now()) - ago * interval '1 minute', service, gen_random_uuid(), 1, 2, 3`
    await bench.sql(`${row} from (values (5, 'a'), (5, 'a'), (4, 'b'), (70, 'a')) given(ago, service)`)
    const none = { p50: null, p95: null }
    const found = (await shown()).map(({ minute: _minute, ...stat }) => stat)
    expect(found).to.deep.equal([
      { service: 'a', created: 2, complete: 4, failed: 6, queueMs: none, requestMs: none },
      { service: 'b', created: 1, complete: 2, failed: 3, queueMs: none, requestMs: none },
    ])
    expect((await shown('b')).map(({ service }) => service)).to.deep.equal(['b'])
    const all = await bench.store.stats({ since: { at: new Date(0).toISOString() }, service: undefined })
    expect(all.map(({ service }) => service)).to.deep.equal(['a', 'a', 'b'])
  })
})

describe('the nodes and statistics of a system', () => {
  let world: World
  let urls: string[]
  before(async () => {
    world = await openWorld()
    urls = [(await world.node({ slots: 7 })).url, (await world.node({ services: { svc: {}, other: {} } })).url]
  })
  after(() => world.close())

  it('show each node that is alive, and nobody else', async () => {
    await world.sql(
      `insert into nodes (id, name, services, lease_until) values (gen_random_uuid(), 'dead', '{}', now())`,
    )
    await eventually(async () => {
      const { status, json } = await ask('GET', `${urls[1]}/nodes`)
      expect(status).to.equal(200)
      const nodes = json as Record<string, unknown>[]
      expect(
        nodes.map(({ version, slots, running, services }) => [version, slots, running, services]),
      ).to.have.deep.members([
        ['0.0.0', 7, 0, ['svc']],
        ['0.0.0', 1_000, 0, ['svc', 'other']],
      ])
      for (const { name, since, beat, ...more } of nodes) {
        expect(name).to.match(/:\d+$/)
        expect(Date.parse(String(beat))).to.be.at.least(Date.parse(String(since)))
        expect(Object.keys(more)).to.deep.equal(['version', 'slots', 'running', 'services'])
      }
    })
  })

  it('show a node of the release before, which tells less', async () => {
    await world.sql(
      `insert into nodes (id, name, services, lease_until) values (gen_random_uuid(), 'a', '{}', now() + interval '9 s')`,
    )
    const [first] = (await ask('GET', `${urls[0]}/nodes`)).json as Record<string, unknown>[]
    expect(first).to.include({ name: 'a', version: null, slots: null, running: null })
    expect(Date.now() - Date.parse(String(first?.beat))).to.be.below(60_000)
    await world.sql(`delete from nodes where name = 'a'`)
  })

  it('show the minutes of tasks once nodes have written them', async () => {
    const locations = await Promise.all(Array.from({ length: 5 }, () => post(urls[0] ?? '', 'ok')))
    for (const location of locations) await ended(urls[0] ?? '', location)
    await eventually(async () => {
      const stats = (await ask('GET', `${urls[1]}/stats?since=5m&service=svc`)).json as Stat[]
      const total = (name: 'created' | 'complete' | 'failed'): number =>
        stats.reduce((sum, stat) => sum + stat[name], 0)
      expect([total('created'), total('complete'), total('failed')]).to.deep.equal([5, 5, 0])
      for (const { queueMs, requestMs } of stats)
        for (const value of [...Object.values(queueMs), ...Object.values(requestMs)]) expect(value).to.be.at.least(1)
    }, 60_000)
  })

  for (const since of ['48h', '0', '172800000ms', '2020-01-01T00:00:00Z', '2d'])
    it(`take since=${since}`, async () => {
      expect((await ask('GET', `${urls[0]}/stats?since=${since}`)).status).to.equal(200)
    })

  for (const query of [
    'since=49h',
    'since=3d',
    'since=',
    'since=1',
    'since=yesterday',
    'since=1h&since=1h',
    'x=1',
    'service=a/b',
  ])
    it(`refuse /stats?${query}`, async () => {
      const { status, json } = await ask('GET', `${urls[0]}/stats?${query}`)
      expect([status, json.code]).to.deep.equal([400, 'invalid_parameter'])
    })
})
