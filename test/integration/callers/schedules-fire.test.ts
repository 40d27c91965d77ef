// The times of schedules: one task for each, soon, by Postgres' clock; overlaps, missed times and pauses.
import { expect } from 'chai'
import { useFakeTimers } from 'sinon'
import { eventually } from '../../support/eventually.ts'
import { openWorld, type World } from '../../support/world.ts'
import { ask, type Told } from './asks.ts'

const EACH_SECOND = '* * * * * *'
const NEW_YEAR = '0 0 1 1 *'

describe('the times of a schedule', () => {
  let world: World
  let url: string
  before(async () => {
    world = await openWorld()
    url = (await world.node()).url
    // A second node looks as well.
    await world.node()
  })
  after(() => world.close())

  const put = async (name: string, body: Record<string, unknown>, at = url): Promise<Told['json']> => {
    const { action = 'ok', ...rest } = body
    const { status, json } = await ask('PUT', `${at}/schedules/${name}`, { task: { service: 'svc', action }, ...rest })
    expect(status, JSON.stringify(json)).to.be.oneOf([200, 201])
    return json
  }
  const post = (path: string): Promise<Told> => ask('POST', `${url}/schedules/${path}`)
  const remove = (name: string): Promise<Told> => ask('DELETE', `${url}/schedules/${name}`)
  interface Row {
    readonly made: number
    /** Seconds from a first time to the next one. */
    readonly passed: number
    readonly ahead: boolean
  }
  /** In one snapshot: the tasks of a schedule, and how far it has come. */
  const stand = async (name: string, first = '1970-01-01'): Promise<Row> => {
    const [row] = await world.sql<Row & { passed: string }>(
      `select (select count(*)::integer from tasks where schedule = $1) as made, extract(epoch from next_at - $2::timestamptz)::integer as passed,
         next_at > now() as ahead from schedules where name = $1`,
      [name, first],
    )
    if (!row) throw new Error(`no schedule ${name}`)
    return row
  }
  const moved = (name: string, by: string): Promise<unknown[]> =>
    world.sql(`update schedules set next_at = date_trunc('second', now()) + $2::interval where name = $1`, [name, by])

  it('make one task each, within 2 s, that shows its schedule and begins at once', async () => {
    const { nextAt } = await put('each', { cron: EACH_SECOND, action: 'echo' })
    await eventually(async () => expect((await stand('each')).made).to.be.above(4))
    const { made, passed } = await stand('each', nextAt)
    expect(made).to.equal(passed)
    await post('each/pause')
    const rows = await world.sql<{ id: string; late: number }>(
      `select id, extract(epoch from created_at - ($1::timestamptz + (row_number() over (order by id) - 1) * interval '1 s'))::double precision as late
       from tasks where schedule = 'each' order by id`,
      [nextAt],
    )
    for (const { late } of rows) expect(late).to.be.within(0, 2)
    const [one] = rows
    const shown = await ask('GET', `${url}/tasks/${one?.id}?wait=10s&view=full`)
    expect(shown.json).to.include({ status: 'complete', schedule: 'each', caller: null })
    const { lastAt, lastTask, ...rest } = (await ask('GET', `${url}/schedules/each`)).json
    expect(Date.parse(lastAt)).to.equal(Date.parse(nextAt) + (rows.length - 1) * 1_000)
    expect(lastTask).to.equal(`/tasks/${rows.at(-1)?.id}`)
    expect(Date.parse(rest.nextAt)).to.be.above(Date.parse(lastAt))
    await remove('each')
  })

  it('make tasks with all that their task asks for', async () => {
    const task = {
      service: 'svc',
      action: 'echo',
      payload: { n: 1 },
      priority: 'low',
      deadline: '1h',
      labels: { a: 'b', c: '' },
      callback: { service: 'svc', action: 'ok' },
    }
    await put('full', { cron: NEW_YEAR, task })
    await moved('full', '-1 s')
    const { json } = await eventually(async () => {
      const found = await ask('GET', `${url}/tasks?schedule=full&view=full`)
      expect(found.json).to.have.length(1)
      return found
    })
    expect(json[0]).to.deep.include({
      payload: { n: 1 },
      priority: 'low',
      labels: task.labels,
      callback: task.callback,
      unique: null,
      schedule: 'full',
    })
    expect(Date.parse(json[0].deadlineAt) - Date.parse(json[0].createdAt)).to.be.within(3_599_990, 3_600_010)
    expect((await ask('GET', `${url}/tasks?label.a=b&label.c=`)).json).to.have.length(1)
    await eventually(async () =>
      expect(await world.sql('select from tasks where callback_of is not null')).to.have.length(1),
    )
  })

  it('make none while the newest task has not ended, where the schedule skips', async () => {
    await Promise.all([
      put('skips', { cron: EACH_SECOND, action: 'held', overlap: 'skip' }),
      put('allows', { cron: EACH_SECOND, action: 'held' }),
    ])
    await eventually(async () => expect((await stand('allows')).made).to.be.above(3))
    expect((await stand('skips')).made).to.equal(1)
    const before = (await ask('GET', `${url}/schedules/skips`)).json
    expect(Date.parse(before.nextAt) - Date.parse(before.lastAt)).to.be.above(1_000)
    world.service.letGo()
    await eventually(async () => expect((await stand('skips')).made).to.equal(2))
    // The newest counts, also one that was made by a run.
    world.service.letGo()
    await Promise.all(['skips', 'allows'].map(remove))
    world.service.letGo()
  })

  it('were missed when more than 60 s late: one task for all of them, or none', async () => {
    for (const missed of ['one', 'none']) await put(missed, { cron: NEW_YEAR, missed })
    await Promise.all(['one', 'none'].map((name) => moved(name, '-10 minutes')))
    await eventually(async () => {
      for (const name of ['one', 'none']) expect((await stand(name)).ahead, name).to.equal(true)
    })
    expect([(await stand('one')).made, (await stand('none')).made]).to.deep.equal([1, 0])
    expect((await ask('GET', `${url}/schedules/none`)).json.lastAt).to.equal(null)
    // Not yet missed.
    await moved('none', '-55 s')
    await eventually(async () => expect((await stand('none')).made).to.equal(1))
    // Those of the last 60 s have one each, and all before have one together.
    await put('many', { cron: '*/10 * * * * *' })
    await moved('many', '-10 minutes')
    await eventually(async () => expect((await stand('many')).ahead).to.equal(true))
    expect((await stand('many')).made).to.be.within(7, 9)
    await Promise.all(['one', 'none', 'many'].map(remove))
  })

  it('during a pause make no task, and were not missed', async () => {
    await put('paused', { cron: EACH_SECOND })
    await eventually(async () => expect((await stand('paused')).made).to.be.above(1))
    await post('paused/pause')
    const { made } = await stand('paused')
    await moved('paused', '-10 minutes')
    await put('beside', { cron: EACH_SECOND })
    await eventually(async () => expect((await stand('beside')).made).to.be.above(2))
    await remove('beside')
    expect((await stand('paused')).made).to.equal(made)
    const { json } = await post('paused/resume')
    expect(json.paused).to.equal(false)
    expect((await stand('paused', json.nextAt)).made - made).to.be.within(0, 1)
    await eventually(async () => expect((await stand('paused')).made).to.be.above(made + 1))
    await post('paused/pause')
    const after = await stand('paused', json.nextAt)
    expect(after.made - made).to.equal(after.passed)
    // A PUT that ends a pause does likewise.
    await moved('paused', '-10 minutes')
    await put('paused', { cron: EACH_SECOND, paused: true })
    const { nextAt } = await put('paused', { cron: EACH_SECOND })
    expect(Date.parse(nextAt) - Date.now()).to.be.within(-5_000, 1_000)
    await remove('paused')
  })

  it('that came before a pause or a PUT have their task by then', async () => {
    await put('due', { cron: NEW_YEAR })
    await world.sql(`update schedules set next_at = now() - interval '1 s' where name = 'due'`)
    expect((await post('due/pause')).json).to.deep.include({ paused: true })
    expect((await stand('due')).made).to.equal(1)
    await post('due/resume')
    await world.sql(`update schedules set next_at = now() - interval '1 s' where name = 'due'`)
    await put('due', { cron: '0 0 2 1 *' })
    expect((await stand('due')).made).to.equal(2)
  })

  it('make one task for each of many schedules at once', async () => {
    await put('crowd', { cron: NEW_YEAR })
    await world.sql(
      `insert into schedules (name, cron, timezone, service, action, payload, payload_bytes, options, overlap, missed, paused, next_at)
       select 'crowd-' || i, cron, timezone, service, action, payload, payload_bytes, options, overlap, missed, paused, now() from schedules, generate_series(1, 350) i
       where name = 'crowd'`,
    )
    await eventually(async () => {
      const rows = await world.sql(`select from tasks where schedule like 'crowd-%'`)
      expect(rows).to.have.length(350)
    })
    expect(
      await world.sql(`select from tasks where schedule like 'crowd-%' group by schedule having count(*) > 1`),
    ).to.deep.equal([])
    await world.sql(`delete from schedules where name like 'crowd%'`)
  })

  it('come for the others while somebody holds one schedule, and for that one afterwards', async () => {
    const { nextAt } = await put('locked', { cron: EACH_SECOND })
    await eventually(async () => expect((await stand('locked')).made).to.be.above(0))
    await world.sql('begin')
    await world.sql(`select from schedules where name = 'locked' for update`)
    await put('free', { cron: EACH_SECOND })
    await eventually(async () => expect((await ask('GET', `${url}/tasks?schedule=free`)).json.length).to.be.above(2))
    await world.sql('commit')
    const { passed } = await stand('locked', nextAt)
    await eventually(async () => expect((await stand('locked')).made).to.be.above(passed + 2))
    const after = await stand('locked', nextAt)
    expect(after.made).to.equal(after.passed)
    await Promise.all(['locked', 'free'].map(remove))
  })

  for (const wrong of [300_000, -300_000])
    it(`are those of Postgres where the clock of the node is wrong by ${wrong / 1000} s`, async () => {
      const clock = useFakeTimers({ now: Date.now() + wrong, toFake: ['Date'] })
      try {
        const { nextAt } = await put('clock', { cron: EACH_SECOND })
        const [row] = await world.sql<{ ahead: number }>(
          `select extract(epoch from $1::timestamptz - now())::double precision as ahead`,
          [nextAt],
        )
        expect(row?.ahead).to.be.within(-2, 1)
        await eventually(async () => expect((await stand('clock')).made).to.be.above(2))
        const { made, passed } = await stand('clock', nextAt)
        expect(made).to.equal(passed)
        await post('clock/pause')
        const resumed = (await post('clock/resume')).json.nextAt
        const [again] = await world.sql<{ ahead: number }>(
          `select extract(epoch from $1::timestamptz - now())::double precision as ahead`,
          [resumed],
        )
        expect(again?.ahead).to.be.within(-2, 1)
      } finally {
        clock.restore()
        await remove('clock')
        await world.sql(`delete from tasks where schedule = 'clock'`)
      }
    })
})
