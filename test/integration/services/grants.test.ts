// The statement that grants requests: as many at once, and as many in a time, as a limit allows, whoever asks.
import { expect } from 'chai'
import { NO_TERMS, type Terms } from '../../../src/core/limit.ts'
import type { Granted } from '../../../src/store/grants.ts'
import type { Store } from '../../../src/store/store.ts'
import { type Bench, openBench } from '../../support/bench.ts'

describe('a grant', () => {
  let bench: Bench
  let node: string
  let token = 0
  before(async () => {
    bench = await openBench()
    node = await bench.node()
  })
  after(() => bench.close())
  afterEach(() => bench.sql('delete from tasks; delete from service_state; delete from cut_grants'))

  const grant = (count: number, terms: Partial<Terms>, store: Store = bench.store): Promise<Granted> =>
    store.grant({ node, token: (token += 1) }, 'svc', { count }, { ...NO_TERMS, ...terms })
  const idsOf = ({ rows }: Granted): string[] => rows.map(({ id }) => id).sort((a, b) => Number(a) - Number(b))
  /** Ends what was granted, as a node does. */
  const end = async (granted: Granted, status: 'complete' | 'parked' = 'complete'): Promise<void> => {
    for (const { id } of granted.rows)
      if (status === 'complete')
        await bench.sql(`update tasks set status = 'complete', node = null, finished_at = now() where id = $1`, [id])
      else {
        const claim = { id, node, token: Number((await bench.read(id))?.token) }
        await bench.store.release.add(claim)
      }
  }

  it('is given to the oldest, as many as may be open, and the next when one has ended', async () => {
    const ids = await bench.rows(5)
    const first = await grant(10, { concurrency: 3 })
    expect([idsOf(first), first.denied]).to.deep.equal([ids.slice(0, 3), 'full'])
    expect(first.rows.every(({ granted, lost }) => granted && !lost)).to.equal(true)
    const none = await grant(10, { concurrency: 3 })
    expect([idsOf(none), none.denied, none.seen.levels]).to.deep.equal([[], 'full', 2])
    await end(first)
    const rest = await grant(10, { concurrency: 3 })
    expect([idsOf(rest), rest.denied, rest.seen.levels]).to.deep.equal([ids.slice(3), null, 0])
  })

  it('goes to what has begun before what has not, whatever its level', async () => {
    const [begun] = await bench.rows(1, 'priority = 2')
    await end(await grant(1, { concurrency: 1 }), 'parked')
    await bench.rows(3, `priority = 0, run_at = now() - interval '1 hour'`)
    expect(idsOf(await grant(1, { concurrency: 1 }))).to.deep.equal([begun])
  })

  it('gives no more in a time than the rate and its burst', async () => {
    await bench.rows(40)
    const terms = { interval: 50, burst: 10 }
    const begun = performance.now()
    const first = await grant(100, terms)
    expect([first.rows.length, first.denied]).to.deep.equal([10, 'spent'])
    expect(first.wait).to.be.within(1, 50)
    let given = 10
    let asked = begun
    while (given < 30) {
      const { rows } = await grant(100, terms)
      given += rows.length
      asked = performance.now()
      expect(given, 'granted so far').to.be.at.most(10 + Math.ceil((asked - begun) / 50))
    }
    // Nothing is lost either: twenty intervals after the first ten there were thirty.
    expect(asked - begun).to.be.within(950, 2_000)
  })

  it('lets a rate gather no more than its burst', async () => {
    await bench.rows(30)
    const terms = { interval: 1, burst: 5 }
    await grant(1, terms)
    await bench.sql(`select pg_sleep(0.05)`)
    expect((await grant(100, terms)).rows).to.have.length(5)
  })

  it('owes one burst at most where the rate was slower before', async () => {
    await bench.rows(30)
    await grant(10, { interval: 3_600_000, burst: 10 })
    const terms = { interval: 50, burst: 5 }
    const none = await grant(10, terms)
    expect([none.rows.length, none.denied]).to.deep.equal([0, 'spent'])
    expect(none.wait).to.be.within(1, 50)
    await bench.sql(`select pg_sleep(0.05)`)
    expect((await grant(10, terms)).rows).to.have.length.within(1, 5)
    // So many intervals that no integer holds them.
    await bench.sql(`update service_state set paid_until = now() + interval '1 year'`)
    expect((await grant(1, { interval: 0.0001, burst: 1 })).rows).to.have.length(1)
  })

  it('gives no more than either of two limits that are asked by in turn, as while one changes', async () => {
    await bench.rows(40)
    const usual = { interval: 500, burst: 4 }
    const lower = { interval: 1_000, burst: 1 }
    const begun = performance.now()
    let given = 0
    for (let turn = 0; turn < 10; turn += 1) {
      given += (await grant(10, turn % 2 === 0 ? usual : lower)).rows.length
      expect(given, 'granted so far').to.be.at.most(4 + Math.ceil((performance.now() - begun) / 500))
    }
    expect(given).to.be.at.least(4)
  })

  it('is never given twice by those who ask at the same time', async () => {
    const others = await Promise.all([bench.other(), bench.other(), bench.other()])
    await bench.rows(400)
    let most = 0
    let all = 0
    while (all < 400) {
      const asked = await Promise.all([...others, bench.store].map((store) => grant(7, { concurrency: 7 }, store)))
      const given = asked.reduce((sum, { rows }) => sum + rows.length, 0)
      const [open] = await bench.sql<{ count: string }>(`select count(*) from tasks where granted and node is not null`)
      most = Math.max(most, Number(open?.count))
      all += given
      for (const granted of asked) await end(granted)
    }
    expect([most, all]).to.deep.equal([7, 400])
  })

  it('is given to nobody while the service is paused or gated, and to one behind the gate', async () => {
    await bench.rows(5)
    await bench.store.states.pause('svc', 'me', null)
    expect((await grant(5, {})).denied).to.equal('paused')
    await bench.store.states.resume('svc')
    await bench.store.states.gate('svc', 60_000, '503')
    expect((await grant(5, {})).denied).to.equal('gated')
    await bench.sql(`update service_state set gated_until = now() - interval '1 second'`)
    const one = await grant(5, {})
    expect([one.rows.length, one.denied]).to.deep.equal([1, 'full'])
    expect((await grant(5, {})).rows).to.have.length(0)
    await bench.store.states.open('svc')
    expect((await grant(5, {})).rows).to.have.length(4)
  })

  it('counts for a dead node until what it holds is taken over', async () => {
    await bench.rows(4)
    await grant(2, { concurrency: 2 })
    await bench.sql('update nodes set lease_until = now() where id = $1', [node])
    node = await bench.node()
    expect((await grant(2, { concurrency: 2 })).denied).to.equal('full')
    const wanted = new Map([['svc', { count: 10, levels: 0 }]])
    const lost = await bench.store.claim({ node, token: 99_999, takesOver: true }, { wanted, limit: 10, grace: 0 })
    expect(lost.map((row) => [row.lost, row.granted])).to.deep.equal([
      [true, false],
      [true, false],
    ])
    expect((await grant(2, { concurrency: 2 })).denied).to.equal('full')
    for (const { id } of lost) await bench.store.release.add({ id, node, token: 99_999 })
    expect(idsOf(await grant(2, { concurrency: 2 }))).to.deep.equal(lost.map(({ id }) => id).sort())
  })

  it('counts for 3 s more where its task was cancelled or deleted, as its node may not have heard of it', async () => {
    await bench.rows(6)
    const removal = (row?: { id: string }) => ({ id: row?.id ?? '', services: [], actions: [], callbacks: [] })
    const [deleted, cancelled] = (await grant(2, { concurrency: 2 })).rows
    await bench.store.remove(removal(deleted))
    await bench.store.cancel(removal(cancelled))
    expect((await grant(2, { concurrency: 2 })).denied).to.equal('full')
    await bench.sql(`update cut_grants set until = now() where ctid = (select ctid from cut_grants limit 1)`)
    expect((await grant(2, { concurrency: 2 })).rows).to.have.length(1)
    await bench.sql(`update cut_grants set until = now()`)
    expect((await grant(2, { concurrency: 2 })).rows).to.have.length(1)
    expect(await bench.sql('select * from cut_grants')).to.have.length(0)
  })

  it('of a rate leaves nothing behind for good where its task was deleted', async () => {
    await bench.rows(2)
    const [row] = (await grant(1, { interval: 1, burst: 5 })).rows
    await bench.store.remove({ id: row?.id ?? '', services: [], actions: [], callbacks: [] })
    await bench.sql(`update cut_grants set until = now()`)
    await grant(1, { interval: 1, burst: 5 })
    expect(await bench.sql('select * from cut_grants')).to.have.length(0)
  })

  it('of a service that fails is stopped by a pause, and nodes are told of that alone', async () => {
    const failed = (count: number) =>
      bench.store.states.count([{ service: 'svc', failed: count, completed: false, most: 3, reason: 'broken' }])
    expect(await failed(2)).to.deep.equal([])
    expect((await grant(1, {})).denied).to.equal(null)
    expect(await failed(1)).to.include(node)
    expect((await grant(1, {})).denied).to.equal('paused')
    expect(await failed(1)).to.deep.equal([])
  })
})
