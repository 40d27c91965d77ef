// Reads: tasks by their ids, many a statement; pages of the list that stay bounded and full, and a cursor that neither skips nor repeats.
import { expect } from 'chai'
import { replace, restore, spy, stub } from 'sinon'
import type { RunningNode } from '../../src/main.ts'
import type { ListQuery, Page } from '../../src/core/view.ts'
import { Database } from '../../src/store/database.ts'
import { StoreError } from '../../src/store/trouble.ts'
import { type Bench, openBench } from '../support/bench.ts'
import { eventually } from '../support/eventually.ts'
import { openWorld, post, type World } from '../support/world.ts'

describe('the list', () => {
  let bench: Bench
  before(async () => {
    bench = await openBench()
    // 300 that match, then 20,000 foreign ones, then 300 that match again; statuses as their checks demand.
    await bench.sql(
      `insert into tasks (key, service, action, payload, payload_bytes, status, error, finished_at)
       select gen_random_uuid(), case when rare then 'rare' else 'common' end, case when n % 2 = 0 then 'even' else 'odd' end,
         '{}', 2, case when rare then 'failed' else 'complete' end, case when rare then '{}'::json end, now()
       from (select n, n <= 300 or n > 20300 as rare from generate_series(1, 20600) n order by n) one`,
    )
    await bench.sql('analyze tasks')
  })
  after(() => bench.close())

  const list = (query: Partial<ListQuery> = {}): Promise<Page> => bench.store.list({ limit: 100, ...query })
  /** All pages from the newest on. */
  async function pages(query: Partial<ListQuery>): Promise<Page[]> {
    const all: Page[] = []
    for (let before: string | undefined; ;) {
      const page = await list({ ...query, ...(before === undefined ? {} : { before }) })
      all.push(page)
      if (page.next === undefined) return all
      before = page.next
    }
  }
  const idsOf = (all: readonly Page[]): number[] => all.flatMap(({ tasks }) => tasks.map(({ id }) => Number(id)))
  const descending = (ids: readonly number[]): boolean => ids.every((id, i) => i === 0 || id < (ids[i - 1] ?? 0))

  it('is newest first, in pages as long as asked for, until there is no more', async () => {
    const all = await pages({ limit: 1_000 })
    const ids = idsOf(all)
    expect(ids).to.have.length(20_600)
    expect(descending(ids)).to.equal(true)
    expect(all.slice(0, -1).every(({ tasks }) => tasks.length === 1_000)).to.equal(true)
  })

  it('has no next when the last task is on the page', async () => {
    expect(await list({ before: '101', limit: 100 })).to.not.have.property('next')
    expect((await list({ before: '102', limit: 100 })).next).to.equal('2')
    expect(await list({ before: '1' })).to.deep.equal({ tasks: [] })
  })

  const ALONE: readonly Partial<ListQuery>[] = [{ status: ['failed'] }, { service: 'rare' }]
  for (const filter of ALONE)
    it(`by ${Object.keys(filter)[0]} alone has full pages over 20,000 foreign rows`, async () => {
      const all = await pages({ ...filter, limit: 100 })
      expect(all.map(({ tasks }) => tasks.length)).to.deep.equal([100, 100, 100, 100, 100, 100])
      const ids = idsOf(all)
      expect(descending(ids)).to.equal(true)
      expect(ids.filter((id) => id <= 300)).to.have.length(300)
    })

  it('with combined filters looks at 10,000 rows a page, and leads on over pages that are empty', async () => {
    const all = await pages({ service: 'common', action: 'even', status: ['failed'], limit: 100 })
    expect(all.map(({ tasks }) => tasks.length)).to.deep.equal([0, 0, 0])
    expect(all.map(({ next }) => next)).to.deep.equal(['10301', '301', undefined])
  })

  it('with combined filters finds everything that matches', async () => {
    const combined: readonly Partial<ListQuery>[] = [
      { action: 'even' },
      { service: 'rare', action: 'odd' },
      { service: 'rare', status: ['failed'], action: 'even' },
    ]
    for (const query of combined) {
      const ids = idsOf(await pages({ ...query, limit: 70 }))
      const { service = null, action } = query
      const [row] = await bench.sql<{ count: string }>(
        'select count(*) from tasks where action = $1 and ($2::text is null or service = $2)',
        [action, service],
      )
      expect(ids).to.have.length(Number(row?.count))
      expect(descending(ids)).to.equal(true)
    }
  })

  it('by status and service together finds everything too', async () => {
    expect(idsOf(await pages({ status: ['failed'], service: 'rare' }))).to.have.length(600)
    expect(idsOf(await pages({ status: ['complete'], service: 'rare' }))).to.deep.equal([])
  })

  it('ends a page once it passes 8 MiB, with at least one task on it', async () => {
    const payload = `"${'x'.repeat(1_000_000)}"`
    await bench.sql(
      `insert into tasks (key, service, action, payload, payload_bytes)
       select gen_random_uuid(), 'big', 'a', $1::text::json, octet_length($1::text) from generate_series(1, 20)`,
      [payload],
    )
    const all = await pages({ service: 'big', limit: 100 })
    expect(all.map(({ tasks }) => tasks.length)).to.deep.equal([9, 9, 2])
    expect(new Set(idsOf(all)).size).to.equal(20)
    await bench.sql(`update tasks set payload_bytes = 9000000 where service = 'big'`)
    const single = await list({ service: 'big' })
    expect(single.tasks).to.have.length(1)
    expect(single.next).to.equal(single.tasks[0]?.id)
    await bench.sql(`delete from tasks where service = 'big'`)
  })

  it('neither skips nor repeats while rows are inserted and deleted', async () => {
    const before = idsOf(await pages({ limit: 1_000 }))
    let inserting = true
    const flood = (async () => {
      while (inserting) await bench.rows(50)
    })()
    const ids = idsOf(await pages({ limit: 500 }))
    inserting = false
    await flood
    expect(new Set(ids).size).to.equal(ids.length)
    expect(descending(ids)).to.equal(true)
    const seen = new Set(ids)
    expect(before.filter((id) => !seen.has(id))).to.deep.equal([])
  })
})

describe('a task', () => {
  let bench: Bench
  before(async () => {
    bench = await openBench()
  })
  after(() => bench.close())
  afterEach(() => restore())

  it('is read together with others that are asked for at the same time, sixteen a statement', async () => {
    const ids = await bench.rows(35)
    await bench.sql(`update tasks set action = 'a' || id`)
    const query = spy(Database.prototype, 'query')
    const asked = [...ids, '999999', ids[3] ?? '']
    const found = await Promise.all(asked.map((id) => bench.store.get(id)))
    expect(found.map((task) => task?.action)).to.deep.equal(asked.map((id) => (id === '999999' ? undefined : `a${id}`)))
    expect(query.callCount).to.equal(3)
  })

  it('is read once for all who ask for it before its statement is sent, and anew for who asks later', async () => {
    const id = await bench.row()
    const query = spy(Database.prototype, 'query')
    const many = await Promise.all(Array.from({ length: 100 }, () => bench.store.get(id)))
    expect(new Set(many).size).to.equal(1)
    expect(query.callCount).to.equal(1)
    await bench.sql(`update tasks set action = 'later' where id = $1`, [id])
    expect(await bench.store.get(id)).to.include({ id, action: 'later' })
  })

  it('is read alone behind a statement that brought much, or that failed', async () => {
    const ids = await bench.rows(4)
    /** How many tasks each statement reads. */
    const sizes = (args: readonly (readonly unknown[])[]): number[] =>
      args.map(([, values]) => ((values as unknown[])[0] as string[]).length)
    const query = spy(Database.prototype, 'query')
    const asked = async (): Promise<number[]> => {
      query.resetHistory()
      await Promise.allSettled(ids.map((id) => bench.store.get(id)))
      return sizes(query.args)
    }
    expect(await asked()).to.deep.equal([4])
    const large = JSON.stringify('x'.repeat(300_000))
    await bench.sql('update tasks set payload = $2, state = $2, result = $2 where id = any($1::bigint[])', [ids, large])
    expect(await asked()).to.deep.equal([4])
    expect(await asked()).to.deep.equal([1, 3])
    await bench.sql(`update tasks set payload = '{}', state = null, result = null where id = any($1::bigint[])`, [ids])
    expect(await asked()).to.deep.equal([1, 3])
    expect(await asked()).to.deep.equal([4])
    query.restore()
    const failing = stub(Database.prototype, 'query').rejects(new StoreError('notSent', 'no connection'))
    await Promise.allSettled(ids.map((id) => bench.store.get(id)))
    failing.restore()
    const after = spy(Database.prototype, 'query')
    await Promise.all(ids.map((id) => bench.store.get(id)))
    expect(sizes(after.args)).to.deep.equal([1, 3])
  })

  it('is read once more where the connection broke under it', async () => {
    const id = await bench.row()
    await bench.store.get(id)
    const { query } = Database.prototype
    let broken = 0
    replace(Database.prototype, 'query', async function (this: Database, ...given) {
      if (broken === 0) {
        broken += 1
        throw new StoreError('unknown', 'the connection broke')
      }
      return query.apply(this, given)
    } as typeof query)
    expect(await bench.store.get(id)).to.include({ id })
    expect(broken).to.equal(1)
  })

  it('is read as it is when it is asked for, not as an earlier statement that is still under way saw it', async () => {
    const id = await bench.row()
    const { query } = Database.prototype
    const sent: (() => void)[] = []
    replace(Database.prototype, 'query', async function (this: Database, ...given) {
      const rows = await query.apply(this, given)
      await new Promise<void>((go) => sent.push(go))
      return rows
    } as typeof query)
    const earlier = bench.store.get(id)
    await eventually(() => expect(sent).to.have.length(1))
    await bench.sql(`update tasks set action = 'changed' where id = $1`, [id])
    const later = bench.store.get(id)
    sent[0]?.()
    expect(await earlier).to.include({ action: 'ok' })
    await eventually(() => expect(sent).to.have.length(2))
    sent[1]?.()
    expect(await later).to.include({ action: 'changed' })
  })
})

describe('the list over HTTP', () => {
  let world: World
  let node: RunningNode
  before(async () => {
    world = await openWorld()
    node = await world.node({ slots: 0, services: { svc: {}, other: {} } })
  })
  after(() => world.close())

  it('leads from page to page by Link, with its filters kept', async () => {
    const locations: string[] = []
    for (let i = 0; i < 7; i += 1) locations.push(await post(node.url, 'a', String(i), i % 3 === 2 ? 'other' : 'svc'))
    const found: { location: string; payload: number; status: string }[] = []
    for (let path: string | undefined = '/tasks?service=svc&status=pending&limit=2'; path;) {
      const response = await fetch(node.url + path)
      found.push(...((await response.json()) as typeof found))
      path = /^<([^>]+)>; rel="next"$/.exec(response.headers.get('link') ?? '')?.[1]
      if (path) expect(path).to.contain('service=svc').and.contain('status=pending').and.contain('limit=2')
    }
    expect(found.map(({ payload }) => payload)).to.deep.equal([6, 4, 3, 1, 0])
    expect(found.map(({ location }) => location)).to.deep.equal([6, 4, 3, 1, 0].map((i) => locations[i]))
    expect(Object.keys(found[0] ?? {})).to.deep.equal(['location', 'service', 'action', 'payload', 'status'])
  })
})
