// Claim: the oldest due rows of each service, never more than there is room for, from the start or from a mark.
import { expect } from 'chai'
import type { Claimant } from '../../src/store/claims.ts'
import type { ClaimedRow } from '../../src/store/claimed.ts'
import { asking, type Bench, openBench } from '../support/bench.ts'

describe('a claim of due rows', () => {
  let bench: Bench
  let me: Claimant
  before(async () => {
    bench = await openBench()
    me = { node: await bench.node(), token: 21, takesOver: true }
  })
  after(() => bench.close())
  afterEach(() => bench.sql('delete from tasks'))

  const due = (seconds: number, more = ''): string => `run_at = now() - interval '${seconds} seconds' ${more}`
  interface Asked {
    readonly room: Readonly<Record<string, number>>
    readonly limit: number
    readonly grace: number
    readonly mark: number
  }
  const claim = (asked: Partial<Asked> = {}, by: Partial<Claimant> = {}): Promise<ClaimedRow[]> => {
    const { room = { svc: 10, b: 10 }, limit = 10, ...more } = asked
    return bench.store.claim({ ...me, ...by }, asking(room, { limit, ...more }))
  }
  const idsOf = (rows: readonly ClaimedRow[]): string[] => rows.map(({ id }) => id).sort()

  it('takes the oldest due rows of each service, as many as it has room for', async () => {
    const old = { svc: await bench.rows(3, due(50)), b: await bench.rows(2, due(40, `, service = 'b'`)) }
    await bench.rows(5, due(10))
    await bench.rows(5, due(10, `, service = 'b'`))
    await bench.rows(3, due(90, `, service = 'unknown'`))
    const rows = await claim({
      room: { svc: 3, b: 2 },
    })
    expect(idsOf(rows)).to.deep.equal([...old.svc, ...old.b].sort())
    expect(rows.every(({ attempt, lost }) => attempt === 1 && !lost)).to.equal(true)
  })

  it('takes no more than the limit in all', async () => {
    await bench.rows(8, due(5))
    await bench.rows(8, due(5, `, service = 'b'`))
    expect(await claim({ limit: 5 })).to.have.length(5)
    const left = await bench.sql(`select id from tasks where status = 'pending'`)
    expect(left).to.have.length(11)
  })

  it('leaves services without room alone', async () => {
    await bench.rows(2, due(5))
    await bench.rows(2, due(5, `, service = 'b'`))
    const rows = await claim({ room: { b: 5 } })
    expect(rows.map(({ service }) => service)).to.deep.equal(['b', 'b'])
  })

  it('leaves pending rows to the queue for the grace, and takes those of no list at once', async () => {
    const [fresh, aged] = [await bench.row(due(0.3)), await bench.row(due(2))]
    const parked = await bench.row(due(0.05, `, status = 'running'`))
    const timed = await bench.row(due(0.05, `, due_at = now() - interval '50 ms'`))
    expect(idsOf(await claim({ grace: 1_000 }))).to.deep.equal([aged, parked, timed].sort())
    expect(idsOf(await claim({ grace: 0 }))).to.deep.equal([fresh])
  })

  it('passes over what became due before its mark, which a claim from the start finds', async () => {
    const [old, young] = [await bench.row(due(60)), await bench.row(due(5))]
    const [{ now } = { now: 0 }] = await bench.sql<{ now: number }>(
      'select extract(epoch from now())::float8 * 1000 as now',
    )
    expect(idsOf(await claim({ mark: now - 30_000 }))).to.deep.equal([young])
    expect(idsOf(await claim())).to.deep.equal([old])
  })

  it('tells a mark from which the next claim finds what is younger, and what was committed late', async () => {
    await bench.rows(3, due(30))
    const mark = Math.max(...(await claim({ room: { svc: 3 } })).map((row) => row.mark))
    await bench.rows(1, due(30.05))
    const [late, next] = [await bench.row(due(30)), await bench.row(due(20))]
    await bench.sql(`update tasks set run_at = (select max(run_at) from tasks where node is not null) where id = $1`, [
      late,
    ])
    expect(idsOf(await claim({ mark }))).to.deep.equal([late, next].sort())
  })

  it('tells a mark that lies 100 ms back where rows became due just now', async () => {
    await bench.rows(3)
    for (const { mark } of await claim()) expect(mark).to.be.at.most(Date.now() - 99)
  })

  it('takes rows of another level neither from the start nor from a mark', async () => {
    await bench.rows(1, `priority = 5`)
    expect(await claim()).to.deep.equal([])
  })

  it('leaves alone what is not due, has ended, or is held by a live node', async () => {
    const other = await bench.node()
    await bench.row(`run_at = now() + interval '1 second'`)
    await bench.row(`status = 'running', run_at = now() + interval '1 second'`)
    await bench.row(`status = 'complete', finished_at = now()`)
    await bench.row(`status = 'running', node = $1`, [other])
    await bench.row(`status = 'running', node = $1`, [me.node])
    expect(await claim()).to.deep.equal([])
  })

  it('takes over from nodes that are gone, and first of all', async () => {
    await bench.rows(10, due(60))
    const lost = [
      await bench.row(`status = 'running', node = $1`, [await bench.node(-1_000)]),
      await bench.row(`status = 'running', node = $1, service = 'b'`, [await bench.node(-1_000)]),
    ]
    await bench.row(`status = 'running', node = $1, service = 'unknown'`, [await bench.node(-1_000)])
    expect((await claim({ limit: 2 }, { takesOver: false })).every((row) => !row.lost)).to.equal(true)
    const rows = await claim({ limit: 2 })
    expect(idsOf(rows)).to.deep.equal(lost.sort())
    expect(rows.every((row) => row.lost && row.crashes === 1)).to.equal(true)
  })

  it('takes of a service no more than it has room for, lost ones included and first', async () => {
    const gone = await bench.node(-1_000)
    const lost = await bench.rows(2, `status = 'running', node = $1`, [gone])
    await bench.rows(6, `status = 'running', node = $1, service = 'b'`, [gone])
    await bench.rows(10, due(60))
    const rows = await claim({
      room: { svc: 4, b: 3 },
      limit: 100,
    })
    const of = (service: string): ClaimedRow[] => rows.filter((row) => row.service === service)
    expect(of('b')).to.have.length(3)
    expect(of('svc')).to.have.length(4)
    expect(idsOf(of('svc').filter((row) => row.lost))).to.deep.equal(lost.sort())
    expect(await claim({ room: { b: 1 }, limit: 100 })).to.have.length(1)
  })

  it('fails what is lost for the tenth time', async () => {
    const id = await bench.row(`status = 'running', node = $1, crashes = 9`, [await bench.node(-1_000)])
    expect((await claim())[0]).to.include({ id, failed: true })
    expect(await bench.read(id)).to.include({ status: 'failed', node: null })
  })

  it('shares rows out between two nodes, each to one', async () => {
    await bench.rows(60, due(5))
    const store = await bench.other()
    const other = { ...me, node: await bench.node(), token: 22 }
    const query = { room: { svc: 40 }, limit: 40 }
    const [mine, theirs] = await Promise.all([claim(query), store.claim(other, asking(query.room, { limit: 40 }))])
    const again = await claim(query)
    const all = [...mine, ...theirs, ...again].map(({ id }) => id)
    expect(all).to.have.length(60)
    expect(new Set(all).size).to.equal(60)
  })

  it('serves 100 services of which one is flooded, in one quick pass', async () => {
    await bench.rows(50_000, due(100))
    await bench.sql(
      `insert into tasks (key, service, action, payload, payload_bytes, run_at)
       select gen_random_uuid(), 's' || n, 'ok', '{}', 2, now() - interval '1 second' from generate_series(1, 99) n`,
    )
    await bench.sql('analyze tasks')
    const services = ['svc', ...Array.from({ length: 99 }, (_, i) => `s${i + 1}`)]
    const room = Object.fromEntries(services.map((service) => [service, 3]))
    const begun = performance.now()
    const rows = await claim({ room, limit: 150 })
    const took = performance.now() - begun
    expect(rows.filter(({ service }) => service === 'svc')).to.have.length(3)
    expect(new Set(rows.map(({ service }) => service)).size).to.equal(100)
    // Measured: 5 ms. A scan of the flood takes some 50 ms, and with a million rows a second.
    expect(took).to.be.below(200)
  })
})
