// What GET shows of services: what holds for them, their tasks, what they came to, and who knows them.
import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { eventually } from '../../support/eventually.ts'
import { ended, openWorld, post, remove, type World } from '../../support/world.ts'
import { ask, type Told } from '../callers/asks.ts'

const SECRET = 's3cr3t'

describe('GET of services', () => {
  let world: World
  let urls: string[]
  before(async () => {
    world = await openWorld()
    const url = `${world.service.url}?token=${SECRET}&action={action}`
    const services = { svc: { concurrency: 7 }, quiet: { url, limit: { rate: '5/m', burst: 2 } } }
    urls = [(await world.node({ services })).url, (await world.node({ services: { svc: {}, 'B.2': {} } })).url]
    const ghost = ['ghost', '1 hour', { ghost: { running: 1_001, open: 0, limit: 1 } }]
    for (const [name, lease, use] of [ghost, ['gone', '-1 second', null]])
      await world.sql(
        `insert into nodes (id, name, services, lease_until, use) values ($1, $2 || ':1', array[$2], now() + $3::interval, $4)`,
        [randomUUID(), name, lease, use && JSON.stringify(use)],
      )
  })
  after(() => world.close())
  afterEach(() => world.service.letGo())

  const show = async (name: string, at = 0): Promise<Told['json']> => {
    const { status, json } = await ask('GET', `${urls[at]}/services/${name}`)
    expect(status).to.equal(200)
    return json
  }
  const insert = (count: number, columns: string, values: string): Promise<unknown> =>
    world.sql(
      `insert into tasks (key, service, action, payload, payload_bytes, ${columns})
       select gen_random_uuid(), 'ghost', 'ok', '{}', 2, ${values} from generate_series(1, ${count})`,
    )

  it('has this node and what other live nodes know, by name', async () => {
    const { status, json } = await ask('GET', `${urls[0]}/services`)
    expect(status).to.equal(200)
    expect(json.map(({ name }: { name: string }) => name)).to.deep.equal(['B.2', 'ghost', 'quiet', 'svc'])
    for (const one of json) expect(await show(one.name)).to.deep.equal(one)
  })

  it('has these members, and no secret', async () => {
    const { text, json } = await ask('GET', `${urls[0]}/services/quiet`)
    expect(json).to.deep.equal({
      name: 'quiet',
      url: world.service.url,
      paused: null,
      gatedUntil: null,
      concurrency: 100,
      limit: { rate: '5/m', burst: 2 },
      rate: '5/m',
      running: 0,
      waiting: 0,
      delayed: 0,
      retrying: 0,
      oldestSeconds: null,
      lastHour: { complete: 0, failed: 0 },
      nodes: json.nodes,
    })
    expect(json.nodes).to.have.length(1)
    expect(text).to.not.include(SECRET)
    expect((await ask('GET', `${urls[0]}/services`)).text).to.not.include(SECRET)
  })

  it('tells how many tasks wait to repeat a request that failed', async () => {
    const repeated = await post(urls[0] ?? '', 'later.3600')
    await ask('POST', `${urls[0]}/tasks`, { service: 'svc', action: 'ok', delay: '1h' })
    await eventually(async () => expect(await show('svc')).to.include({ delayed: 2, retrying: 1 }))
    await remove(urls[0] ?? '', repeated)
    await eventually(async () => expect(await show('svc')).to.include({ delayed: 1, retrying: 0 }))
    await world.sql('delete from tasks')
  })

  it('does not say of a service that only other nodes know what they have in their file', async () => {
    expect(await show('quiet', 1)).to.include({ url: null, concurrency: null, limit: null, rate: null })
    const [here, there] = [await show('svc'), await show('svc', 1)]
    expect([here.concurrency, there.concurrency]).to.deep.equal([7, 100])
    expect(here.nodes).to.deep.equal(there.nodes.toSorted()).and.to.have.length(2)
  })

  it('has how long a gate is closed, and keeps the time while one request goes alone', async () => {
    for (const shift of ['1 minute', '-1 minute']) {
      const [row] = await world.sql<{ at: Date }>(
        `insert into service_state (service, gated_until) values ('ghost', date_trunc('second', now() + $1::interval))
         on conflict (service) do update set gated_until = excluded.gated_until returning gated_until as at`,
        [shift],
      )
      expect((await show('ghost')).gatedUntil).to.equal(row?.at.toISOString())
    }
    await world.sql('delete from service_state')
  })

  it('counts what runs, waits and is delayed, to a thousand', async () => {
    expect(await show('ghost')).to.deep.include({ running: '1000+', waiting: 0, delayed: 0, oldestSeconds: null })
    await insert(3, 'run_at, priority', `now() - interval '90 seconds', 2`)
    await insert(2, 'run_at, status', `now() - interval '60 seconds', 'running'`)
    await insert(4, 'run_at, status', `now() + interval '1 hour', 'running'`)
    await insert(1, 'run_at, status, finished_at', `now() - interval '1 day', 'complete', now()`)
    await insert(1, 'run_at, status, node', `now() - interval '1 day', 'running', gen_random_uuid()`)
    const { waiting, delayed, oldestSeconds } = await show('ghost')
    expect([waiting, delayed]).to.deep.equal([5, 4])
    expect(oldestSeconds).to.be.within(90, 150)
    await insert(995, 'priority', '0')
    expect((await show('ghost')).waiting).to.equal(1_000)
    await insert(1, 'priority', '1')
    await insert(997, 'run_at', `now() + interval '1 hour'`)
    expect(await show('ghost')).to.include({ waiting: '1000+', delayed: '1000+' })
    await world.sql(`delete from tasks where service = 'ghost'`)
  })

  it('counts what nodes run, as of their beats', async () => {
    const held = await Promise.all(urls.map((url) => post(url, 'held')))
    await eventually(async () => expect((await show('svc')).running).to.equal(2))
    // A task runs from its claim on: its request may be on its way.
    await world.service.until(() => held.every((location) => world.service.of(location).length === 1))
    world.service.letGo()
    for (const location of held) await ended(urls[0] ?? '', location)
    await eventually(async () => expect((await show('svc')).running).to.equal(0))
  })

  it('adds up the last hour, of all nodes', async () => {
    const row = `insert into minutes (minute, service, node, created, complete, failed)
      select date_trunc('minute', now()) - ago * interval '1 minute', service, gen_random_uuid(), 0, complete, failed`
    await world.sql(`${row} from (values (0, 'ghost', 1, 2), (0, 'ghost', 10, 20), (59, 'ghost', 100, 0), (60, 'ghost', 1000, 0),
      (1, 'other', 5, 5)) given(ago, service, complete, failed)`)
    // The turn of a minute may come between the two.
    expect((await show('ghost')).lastHour).to.deep.be.oneOf([
      { complete: 111, failed: 22 },
      { complete: 11, failed: 22 },
    ])
  })
})
