// Deadlines of tasks that nobody holds: they fail without a request, in batches, and a claim at the same moment wins or loses whole.
import { expect } from 'chai'
import pg from 'pg'
import { SERVICE_DEFAULTS } from '../../src/core/service.ts'
import { expire } from '../../src/lifecycle/expire.ts'
import { asking, type Bench, openBench } from '../support/bench.ts'
import { ended as whenEnded, openWorld, post } from '../support/world.ts'

const HOUR = 3_600_000

describe('tasks that wait past their deadline', () => {
  let bench: Bench
  before(async () => {
    bench = await openBench()
  })
  after(() => bench.close())
  afterEach(() => bench.sql('delete from tasks'))

  const services = new Map(
    Object.entries({ svc: HOUR, quick: 60_000, never: 0 }).map(([name, deadline]) => [
      name,
      { ...SERVICE_DEFAULTS, name, url: 'http://nowhere/', deadline },
    ]),
  )
  const run = (): ReturnType<typeof expire> => expire({ store: bench.store }, services)
  const ended = async (): Promise<string[]> => (await run()).expired.map(({ id }) => id).sort()
  /** Sets of a row that was created so many minutes ago and never claimed. */
  const aged = (minutes: number, more = ''): string =>
    `created_at = now() - interval '${minutes} minutes', run_at = now() - interval '${minutes} minutes' ${more}`
  /** Of one that was parked, or given back: due in so many minutes. */
  const parked = (minutes: number, due: number, more = ''): string =>
    `created_at = now() - interval '${minutes} minutes', run_at = now() + interval '${due} minutes', status = 'running' ${more}`

  it('fail, each by the deadline of its service', async () => {
    const late = [await bench.row(aged(61)), await bench.row(aged(2, `, service = 'quick'`))]
    await bench.row(aged(59))
    await bench.row(aged(0.5, `, service = 'quick'`))
    await bench.row(aged(100_000, `, service = 'never'`))
    await bench.row(aged(100_000, `, service = 'unknown'`))
    expect(await ended()).to.deep.equal(late.sort())
    const row = await bench.read(late[0] ?? '')
    expect(row).to.include({ status: 'failed', finished: true, started: false, node: null, attempt: 0 })
    expect(JSON.parse(row?.error ?? '')).to.deep.equal({
      code: 'deadline_exceeded',
      detail: 'The task grew older than the deadline of its service (3600000 ms).',
    })
    expect(await ended()).to.deep.equal([])
  })

  it('fail also when they were parked, or given back, due or not', async () => {
    const late = [
      await bench.row(parked(61, 600)),
      await bench.row(parked(61, -1)),
      await bench.row(parked(61, -60.5)),
      await bench.row(parked(2, 1, `, service = 'quick'`)),
    ]
    const young = [await bench.row(parked(59, 600)), await bench.row(parked(59, -1))]
    expect(await ended()).to.deep.equal(late.sort())
    for (const id of young) expect(await bench.read(id)).to.include({ status: 'running' })
  })

  it('are found among many that are young, whatever has been deleted', async () => {
    const rows = await bench.rows(64, aged(5))
    const late = [rows[0], rows[17], rows[40]].map(String)
    await bench.sql(
      `update tasks set created_at = now() - interval '2 hours', status = 'running' where id <= $1 and id = any($2)`,
      [late.at(-1), late],
    )
    await bench.sql(`delete from tasks where id <= $1 and not id = any($2)`, [late.at(-1), late])
    expect(await ended()).to.deep.equal(late.sort())
  })

  it('stay as they are when they have ended, or when a node holds them', async () => {
    const ids = [
      await bench.row(aged(61, `, status = 'complete', finished_at = now()`)),
      await bench.row(aged(61, `, status = 'failed', error = '{}', finished_at = now()`)),
      await bench.row(aged(61, `, status = 'running', node = $1`), [await bench.node()]),
    ]
    const before = await Promise.all(ids.map(bench.whole))
    expect(await ended()).to.deep.equal([])
    expect(await Promise.all(ids.map(bench.whole))).to.deep.equal(before)
  })

  it('belong to a claim that came first, and are not waited for', async () => {
    const ids = [await bench.row(aged(61)), await bench.row(parked(61, -1))]
    const claimant = new pg.Client({ connectionString: bench.url })
    await claimant.connect()
    await claimant.query('begin')
    await claimant.query(`update tasks set status = 'running', node = gen_random_uuid() where id = any($1)`, [ids])
    expect(await ended()).to.deep.equal([])
    await claimant.query('commit')
    expect(await ended()).to.deep.equal([])
    for (const id of ids) expect(await bench.read(id)).to.include({ status: 'running' })
    await claimant.end()
  })

  it('are claimed, or fail, but never both', async () => {
    const store = await bench.other()
    const claimant = { node: await bench.node(), token: 3, takesOver: true }
    for (let round = 0; round < 6; round += 1) {
      await bench.rows(250, aged(61))
      await bench.rows(250, parked(61, -1))
      const claims = Array.from({ length: 10 }, () =>
        store.claim(claimant, asking({ svc: 50 })).then((rows) => rows.map(({ id }) => id)),
      )
      const [failed, ...claimed] = await Promise.all([ended(), ...claims])
      const owned = claimed.flat()
      expect(owned.filter((id) => failed?.includes(id))).to.deep.equal([])
      const rows = await bench.sql<{ status: string; node: string | null }>(
        'select status, node from tasks where id = any($1)',
        [owned],
      )
      expect(rows.filter(({ status, node }) => status !== 'running' || node !== claimant.node)).to.deep.equal([])
      await bench.sql('delete from tasks')
    }
  })

  it('are not claimed any more once they have failed', async () => {
    await bench.row(aged(61))
    await run()
    const claimant = { node: await bench.node(), token: 3, takesOver: true }
    expect(await bench.store.claim(claimant, asking({ svc: 9 }))).to.deep.equal([])
  })

  it('fail in batches, the oldest first, until none is left', async () => {
    const [first, second] = [await bench.rows(600, aged(70)), await bench.rows(600, aged(65))]
    const one = await run()
    expect(one.more).to.equal(true)
    expect(one.expired).to.have.length(500)
    expect(one.expired.every(({ id }) => first.includes(id))).to.equal(true)
    const [two, three] = [await run(), await run()]
    expect([two.more, three.more]).to.deep.equal([true, false])
    expect(one.expired.length + two.expired.length + three.expired.length).to.equal(first.length + second.length)
  })
})

describe('a node without a free slot', () => {
  it('lets what waits fail soon after its deadline, without a request', async () => {
    const world = await openWorld()
    const node = await world.node({ slots: 1, drainTimeout: 50, services: { svc: {}, short: { deadline: 700 } } })
    await post(node.url, 'hang')
    await world.service.until((seen) => seen.length === 1)
    const waiting = await Promise.all(Array.from({ length: 5 }, () => post(node.url, 'ok', '{}', 'short')))
    for (const location of waiting) {
      const task = await whenEnded(node.url, location)
      expect(task).to.include({ status: 'failed', startedAt: null, step: 0 })
      expect(task.error).to.include({ code: 'deadline_exceeded' })
    }
    const [late] = await world.sql<{ ms: number }>(
      `select max(extract(epoch from finished_at - created_at) * 1000)::double precision as ms from tasks`,
    )
    expect(late?.ms).to.be.within(700, 10_000)
    expect(world.service.requests).to.have.length(1)
    await world.close()
  })
})
