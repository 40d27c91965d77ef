// What callers change in bulk: all tasks that match filters, the oldest first, some of them in each commit.
import { expect } from 'chai'
import pg from 'pg'
import { eventually } from '../../support/eventually.ts'
import { openWorld, type World } from '../../support/world.ts'
import { ask, type Told } from './asks.ts'

/** Rows by SQL: `count` tasks that have failed, or as `set` says. */
const INSERT = `insert into tasks (key, service, action, payload, payload_bytes, status, finished_at, error, step)
  select gen_random_uuid(), 'svc', 'ok', '{}', 2, 'failed', now(), '{"code":"service_error"}', 0 from generate_series(1, $1) returning id`

describe('a change of all tasks that match', () => {
  let world: World
  let url: string
  before(async () => {
    world = await openWorld()
    url = (await world.node({ services: { svc: {}, other: {} } })).url
  })
  after(() => world.close())
  afterEach(() => world.sql('delete from tasks'))

  const failed = async (count: number, set?: string): Promise<string[]> => {
    const ids = (await world.sql<{ id: string }>(INSERT, [count]))
      .map(({ id }) => id)
      .sort((a, b) => Number(a) - Number(b))
    if (set !== undefined) await world.sql(`update tasks set ${set} where id = any($1)`, [ids])
    return ids
  }
  const batch = (count: number, task: Record<string, unknown>): Promise<Told> =>
    ask(
      'POST',
      `${url}/tasks/batch`,
      Array.from({ length: count }, () => ({ service: 'svc', action: 'ok', ...task })),
    )
  const change = async (path: string): Promise<{ matched: number; done: number; next: string | null }> => {
    const { status, json } = await ask('POST', `${url}${path}`)
    expect(status).to.equal(200)
    expect(json).to.have.all.keys('matched', 'done', 'next')
    return json
  }
  /** Follows `next` to its end; what was matched and done in all. */
  async function all(path: string): Promise<{ matched: number; done: number }> {
    const sum = { matched: 0, done: 0 }
    for (let next: string | null = path; next !== null;) {
      const told = await change(next)
      sum.matched += told.matched
      sum.done += told.done
      next = told.next
    }
    return sum
  }

  it('cancels them, and deletes them with their labels', async () => {
    await batch(1_000, { delay: '1h', labels: { run: '1' } })
    await batch(500, { delay: '1h', labels: { run: '2' } })
    expect(await all('/tasks/cancel?label.run=1')).to.include({ matched: 1_000, done: 1_000 })
    expect(await all('/tasks/cancel?label.run=1')).to.include({ matched: 1_000, done: 0 })
    expect(await all('/tasks/delete?error=cancelled&service=svc')).to.include({ matched: 1_000, done: 1_000 })
    const [row] = await world.sql<{ tasks: string; labels: string }>(
      'select (select count(*) from tasks) as tasks, (select count(*) from task_labels) as labels',
    )
    expect(row).to.deep.equal({ tasks: '500', labels: '500' })
  })

  for (const verb of ['cancel', 'retry', 'delete'])
    it(`only counts with dryRun=true, for ${verb}`, async () => {
      await failed(3)
      await batch(2, { delay: '1h' })
      const rows = (): Promise<unknown[]> => world.sql('select * from tasks order by id')
      const before = await rows()
      expect(await change(`/tasks/${verb}?service=svc&dryRun=true`)).to.deep.equal({ matched: 5, done: 0, next: null })
      expect(await rows()).to.deep.equal(before)
      expect((await change(`/tasks/${verb}?service=svc&dryRun=false`)).done).to.equal(
        { cancel: 2, retry: 3, delete: 5 }[verb],
      )
    })

  for (const [query, matching] of [
    ['ids=A,C,999999', 'AC'],
    ['status=failed', 'BC'],
    ['status=failed,complete', 'BCD'],
    ['service=other', 'B'],
    ['action=rare', 'D'],
    ['label.run=1', 'A'],
    ['label.run=1&label.who=b', ''],
    ['createdBefore=2021-01-01T00:00:00Z', 'C'],
    ['createdAfter=2021-01-01T00:00:00%2B01:00', 'ABD'],
    ['error=timeout', 'B'],
    ['error=timeout&status=complete', ''],
    ['retried=true', 'B'],
    ['retried=false&status=failed', 'C'],
    ['schedule=nightly', 'D'],
  ] as const)
    it(`takes the filter ${query}`, async () => {
      await batch(1, { delay: '1h', labels: { run: '1', who: 'a' } })
      await failed(1, `service = 'other', error = '{"code":"timeout"}', retried_as = 1`)
      await failed(1, `created_at = '2020-06-01'`)
      await failed(1, `status = 'complete', error = null, action = 'rare', schedule = 'nightly'`)
      const ids = (await world.sql<{ id: string }>('select id from tasks order by id')).map(({ id }) => id)
      const named = query.startsWith('ids') ? query.replace('A', ids[0] ?? '').replace('C', ids[2] ?? '') : query
      expect(await change(`/tasks/delete?${named}`)).to.deep.equal({
        matched: matching.length,
        done: matching.length,
        next: null,
      })
      const left = await world.sql<{ id: string }>('select id from tasks order by id')
      expect(left.map(({ id }) => 'ABCD'[ids.indexOf(id)]).join('')).to.equal(
        'ABCD'.replaceAll(new RegExp(`[${matching}]`, 'g'), '') || 'ABCD',
      )
    })

  it('needs a filter', async () => {
    for (const verb of ['cancel', 'retry', 'delete'])
      for (const query of ['', '?dryRun=true', '?after=1'])
        expect((await ask('POST', `${url}/tasks/${verb}${query}`)).json).to.include({ code: 'invalid_parameter' })
    expect((await ask('POST', `${url}/tasks/retry?status=failed&rate=20`)).status).to.equal(400)
    expect((await ask('POST', `${url}/tasks/cancel?status=failed&rate=20/s`)).status).to.equal(400)
  })

  it('looks at 10,000 rows a call, the oldest first, and leads on to the end', async () => {
    const ids = await failed(10_001)
    const [first = '', last = ''] = [ids[0], ids.at(-1)]
    await world.sql(`update tasks set action = 'rare' where id in ($1, $2)`, [first, last])
    const told = await change('/tasks/delete?action=rare')
    expect(told).to.include({ matched: 1, done: 1 })
    expect(told.next).to.contain(`after=${ids[9_999]}&`)
    expect(await world.sql(`select id from tasks where action = 'rare'`)).to.deep.equal([{ id: last }])
    expect(await change(told.next ?? '')).to.deep.equal({ matched: 1, done: 1, next: null })
  })

  it('spreads retries by a rate, over two calls and past what is not retried, and retries none twice', async () => {
    const ids = await failed(10_050)
    await world.sql('update tasks set retried_as = 1 where id = any($1)', [ids.slice(0, 500)])
    const told = await change('/tasks/retry?status=failed&rate=100/h')
    // How far a call comes in its time is a matter of the machine.
    expect(told.matched).to.be.within(1, 10_000)
    expect(told.done).to.equal(Math.max(0, told.matched - 500))
    expect(told.next).to.contain('rate=100%2Fh').and.contain(`spread=${told.done}`)
    expect(await all(told.next ?? '')).to.include({ matched: 10_050 - told.matched, done: 9_550 - told.done })
    const [times] = await world.sql<{ least: number; most: number; all: number }>(
      `select extract(epoch from min(between_two))::float as least, extract(epoch from max(run_at) - min(run_at))::float as most,
         count(*)::integer as all
       from (select run_at, run_at - lag(run_at) over (order by retry_of) as between_two from tasks where retry_of is not null) r`,
    )
    expect(times?.all).to.equal(9_550)
    expect(times?.least).to.be.within(35.999, 36.001)
    // 36 s between two, and what the calls took.
    expect(times?.most).to.be.within(9_549 * 36, 9_549 * 36 + 120)
    expect(await all('/tasks/retry?status=failed')).to.include({ matched: 10_050, done: 0 })
  }).timeout(120_000)

  it('ends, though what it makes matches as well', async () => {
    await failed(1_000, `labels = '{"run":"1"}'`)
    await world.sql(`insert into task_labels select 'run=1', id from tasks`)
    expect(await all('/tasks/retry?label.run=1&rate=2/h')).to.include({ matched: 1_000, done: 1_000 })
  })

  it('retries what has failed at its step with its state, and what is complete from the start', async () => {
    const [old = ''] = await failed(
      1,
      `step = 2, state = '{"at":2}', priority = 2, deadline_ms = 5000, labels = '{"a":"b"}'`,
    )
    const [whole = ''] = await failed(1, `status = 'complete', error = null, step = 2, state = '{"at":2}'`)
    expect(await change(`/tasks/retry?ids=${old},${whole}&rate=2/h`)).to.include({ done: 2 })
    const made = await world.sql(
      `select retry_of, step, first_step, state, priority, deadline_ms, labels, extract(epoch from expires_at - run_at)::float as lasts
       from tasks where retry_of is not null order by retry_of`,
    )
    expect(made[0]).to.deep.include({
      retry_of: old,
      step: 2,
      first_step: 2,
      state: { at: 2 },
      priority: 2,
      deadline_ms: '5000',
      lasts: 5,
    })
    expect(made[0]).to.deep.include({ labels: { a: 'b' } })
    expect(made[1]).to.deep.include({ retry_of: whole, step: 0, state: null })
    expect(await world.sql(`select task from task_labels where label = 'a=b'`)).to.have.length(1)
  })

  it('leaves out what has not ended, whose service is unknown, or whose `unique` is held', async () => {
    const [one, two] = await failed(2, `unique_key = 'once'`)
    await failed(1, `unique_key = 'mine'`)
    await failed(1, `service = 'gone'`)
    await batch(1, { unique: 'mine', delay: '1h' })
    expect(await change('/tasks/retry?createdAfter=2021-01-01T00:00:00Z&rate=2/h')).to.include({ matched: 5, done: 1 })
    const made = await world.sql<{ retry_of: string }>('select retry_of from tasks where retry_of is not null')
    expect(made).to.have.length(1)
    expect([one, two]).to.include(made[0]?.retry_of)
  })

  it('retries the others while an open transaction holds a `unique`', async () => {
    await failed(30)
    await failed(1, `unique_key = 'open'`)
    await failed(30)
    const other = new pg.Client({ connectionString: world.databaseUrl })
    await other.connect()
    try {
      await other.query('begin')
      await other.query(`select task_api.submit('svc', 'ok', "unique" => 'open', delay => '1h')`)
      expect(await change('/tasks/retry?status=failed&rate=2/h')).to.include({ matched: 61, done: 60 })
      expect((await ask('GET', `${url}/readyz`)).status).to.equal(200)
      await other.query('rollback')
    } finally {
      await other.end()
    }
    expect(await change('/tasks/retry?status=failed&rate=2/h')).to.include({ matched: 61, done: 1 })
  })

  it('has done what it has done when it is cut off, and another call does the rest', async () => {
    for (let i = 0; i < 3; i += 1) await batch(1_000, { delay: '1h', callback: { service: 'other', action: 'ok' } })
    const cancelled = async (): Promise<number> =>
      (await world.sql<{ count: number }>(`select count(*)::integer from tasks where status = 'failed'`))[0]?.count ?? 0
    const caller = new AbortController()
    const call = fetch(`${url}/tasks/cancel?service=svc`, { method: 'POST', signal: caller.signal })
    const cut = call.then(
      () => 'answered',
      () => 'cut off',
    )
    await eventually(async () => expect(await cancelled()).to.be.above(100))
    caller.abort()
    expect(await cut).to.equal('cut off')
    const told = await all('/tasks/cancel?service=svc')
    expect(told.matched).to.equal(3_000)
    expect(told.done).to.be.within(1, 2_900)
    const [row] = await world.sql(
      `select count(*)::integer as all, count(*) filter (where error ->> 'code' = 'cancelled')::integer as ended,
         (select count(distinct callback_of)::integer from tasks) as told from tasks where service = 'svc'`,
    )
    expect(row).to.deep.equal({ all: 3_000, ended: 3_000, told: 3_000 })
  })
})
