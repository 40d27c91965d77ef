// The turns of lower levels in one claim: one of every ten is the longest waiting of them, whatever cuts the claim short.
import { expect } from 'chai'
import { LEVELS } from '../../src/core/task.ts'
import type { ClaimedRow } from '../../src/store/claimed.ts'
import type { Claimant, Wanted } from '../../src/store/claims.ts'
import { type Bench, openBench } from '../support/bench.ts'

const { high, normal, low } = LEVELS

describe('a claim of several levels', () => {
  let bench: Bench
  let me: Claimant
  before(async () => {
    bench = await openBench()
    me = { node: await bench.node(), token: 21, takesOver: true }
  })
  after(() => bench.close())
  afterEach(() => bench.sql('delete from tasks'))

  /** Rows of a level; the first became due so many seconds ago, each other one a second later. Their ids, the oldest first. */
  const waiting = async (count: number, priority: number, seconds: number, service = 'svc'): Promise<string[]> => {
    const ids = await bench.rows(count, 'priority = $1, service = $2', [priority, service])
    await bench.sql(
      `update tasks t set run_at = now() - $1 * interval '1 second' + (w.place - 1) * interval '1 second'
       from unnest($2::bigint[]) with ordinality w(id, place) where t.id = w.id`,
      [seconds, ids],
    )
    return ids
  }
  const claim = (wanted: Wanted, { limit = wanted.count, services = ['svc'] } = {}): Promise<ClaimedRow[]> =>
    bench.store.claim(me, { wanted: new Map(services.map((service) => [service, wanted])), limit, grace: 0 })
  const idsOf = (rows: readonly ClaimedRow[], of = (row: ClaimedRow) => row.level > high): string[] =>
    rows
      .filter(of)
      .map(({ id }) => id)
      .sort()

  it('takes the highest first, and the oldest of a level', async () => {
    const young = await waiting(5, low, 30)
    const [first, second] = [await waiting(5, high, 10), await waiting(5, normal, 20)]
    const rows = await claim({ count: 12, begun: 0 })
    expect(idsOf(rows, () => true)).to.deep.equal([...first, ...second, ...young.slice(0, 2)].sort())
  })

  it('gives one of ten to whichever lower level waits longest', async () => {
    await waiting(100, high, 150)
    // Every other second one of each, from 20 minutes ago on.
    const [normals, lows] = [await waiting(10, normal, 1_200), await waiting(10, low, 1_200.5)]
    await waiting(10, normal, 59)
    await waiting(10, low, 599)
    const rows = await claim({ count: 50, begun: 0 })
    expect(rows).to.have.length(50)
    expect(idsOf(rows)).to.deep.equal([...lows.slice(0, 3), ...normals.slice(0, 2)].sort())
  })

  it('gives none to a normal task within a minute, nor to a low one within ten', async () => {
    await waiting(20, high, 50)
    await waiting(10, normal, 59)
    await waiting(10, low, 599)
    expect(idsOf(await claim({ count: 20, begun: 9 }))).to.deep.equal([])
  })

  it('counts those that began before', async () => {
    await waiting(30, high, 20)
    const [oldest = ''] = await waiting(3, low, 700)
    expect(idsOf(await claim({ count: 9, begun: 0 }))).to.deep.equal([])
    expect(idsOf(await claim({ count: 1, begun: 9 }))).to.deep.equal([oldest])
    expect(idsOf(await claim({ count: 10 }))).to.deep.equal([])
  })

  it('gives the turn to low where no high task is due, however long normal ones wait', async () => {
    await waiting(30, normal, 3_600)
    const [oldest = ''] = await waiting(3, low, 700)
    expect(idsOf(await claim({ count: 10, begun: 0 }), ({ level }) => level === low)).to.deep.equal([oldest])
  })

  it('begins behind the marks of all levels, the turns too', async () => {
    await waiting(20, high, 20)
    const [, , third = ''] = await waiting(3, low, 700)
    const marks = [0, 0, Date.now() - 698_500]
    expect(idsOf(await claim({ count: 10, begun: 0, marks }))).to.deep.equal([third])
  })

  it('holds for each service where the limit of all cuts it short', async () => {
    const services = ['svc', 'b', 'c']
    for (const service of services) {
      await waiting(300, high, 400, service)
      await waiting(100, normal, 1_200, service)
    }
    const rows = await claim({ count: 500, begun: 0 }, { limit: 500, services })
    const counts = services.map((service) => {
      const own = rows.filter((row) => row.service === service)
      return [own.length, own.filter(({ level }) => level > high).length]
    })
    // The first brings all that it has, and the second is cut short.
    expect(counts).to.deep.equal([
      [400, 100],
      [100, 10],
      [0, 0],
    ])
  })

  it('leaves no slot empty where nothing but turns is left', async () => {
    const ids = [...(await waiting(2, high, 20)), ...(await waiting(10, low, 700))]
    expect(idsOf(await claim({ count: 40, begun: 0 }), () => true)).to.deep.equal(ids.sort())
  })
})
