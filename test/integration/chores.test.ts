// Chores: tasks of forgotten services fail, and nodes that are long gone are cleared away once no task names them.
import { expect } from 'chai'
import { type Bench, openBench } from '../support/bench.ts'
import { openCrew } from '../support/crew.ts'
import { eventually } from '../support/eventually.ts'
import { openWorld } from '../support/world.ts'

describe('tasks of forgotten services', () => {
  let bench: Bench
  beforeEach(async () => {
    bench = await openBench()
  })
  afterEach(() => bench.close())

  const nodeWith = (services: string[], seconds: number): Promise<unknown> =>
    bench.sql(
      `insert into nodes (id, name, services, lease_until)
       values (gen_random_uuid(), 'n', $1, now() + $2 * interval '1 second')`,
      [services, seconds],
    )
  const statusOf = async (id: string): Promise<string | undefined> => (await bench.read(id))?.status

  it('fail, unless a live node knows it, or one knew it a moment ago', async () => {
    await nodeWith(['live', 'shared'], 10)
    await nodeWith(['recent'], -30)
    await nodeWith(['old', 'shared'], -90)
    const services = ['live', 'shared', 'recent', 'old', 'never']
    const ids = await Promise.all(
      services.map((service) => bench.row(`service = $1, created_at = now() - interval '2 minutes'`, [service])),
    )
    const parked = await bench.row(
      `service = 'old', status = 'running', run_at = now() + interval '1 hour', created_at = now() - interval '2 hours'`,
    )
    const failed = await bench.store.failUnknown(60_000)
    expect(failed.map(({ service }) => service).sort()).to.deep.equal(['never', 'old', 'old'])
    expect(await Promise.all(ids.map(statusOf))).to.deep.equal(['pending', 'pending', 'pending', 'failed', 'failed'])
    const row = await bench.read(parked)
    expect(row).to.include({ status: 'failed', finished: true })
    expect(JSON.parse(row?.error ?? '')).to.have.property('code', 'unknown_service')
  })

  it('fail also where a dead node holds them, and not where a live one does', async () => {
    const [dead, live] = [await bench.node(-90_000), await bench.node()]
    const lost = await bench.row(`service = 'old', status = 'running', node = $1`, [dead])
    const held = await bench.row(`service = 'old', status = 'running', node = $1`, [live])
    await bench.store.failUnknown(60_000)
    expect([await statusOf(lost), await statusOf(held)]).to.deep.equal(['failed', 'running'])
    expect((await bench.read(lost))?.node).to.equal(null)
  })

  it('stay as they are when they have ended', async () => {
    const id = await bench.row(`service = 'old', status = 'complete', finished_at = now()`)
    const before = await bench.whole(id)
    expect(await bench.store.failUnknown(60_000)).to.deep.equal([])
    expect(await bench.whole(id)).to.equal(before)
  })
})

describe('forgetting nodes', () => {
  it('deletes those that have been gone for a day and that no task names', async () => {
    const bench = await openBench()
    const day = 24 * 3_600_000
    const nodes = {
      live: await bench.node(),
      recent: await bench.node(-day + 60_000),
      old: await bench.node(-day - 60_000),
      named: await bench.node(-day - 60_000),
    }
    await bench.row(`status = 'running', node = $1`, [nodes.named])
    await bench.store.forgetNodes()
    const left = (await bench.sql<{ id: string }>('select id from nodes')).map(({ id }) => id)
    expect(left.sort()).to.deep.equal([nodes.live, nodes.recent, nodes.named].sort())
    await bench.close()
  })
})

describe('a node', () => {
  it('does its chores by itself, and judges services only when it has been here for long enough', async () => {
    const world = await openWorld()
    const times: number[] = []
    const begun = performance.now()
    const crew = await openCrew(world, {
      timings: { forgotten: 600 },
      prepare: (store) => {
        const real = store.failUnknown
        store.failUnknown = (ms) => {
          times.push(performance.now() - begun)
          return real(ms)
        }
      },
    })
    await world.sql(
      `insert into tasks (key, service, action, payload, payload_bytes) values (gen_random_uuid(), 'old', 'a', '{}', 2)`,
    )
    await eventually(async () =>
      expect(await world.sql(`select status, error->>'code' as code from tasks`)).to.deep.equal([
        { status: 'failed', code: 'unknown_service' },
      ]),
    )
    expect(times[0]).to.be.at.least(590)
    await crew[Symbol.asyncDispose]()
    await world.close()
  })
})
