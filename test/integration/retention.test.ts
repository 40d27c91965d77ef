// The retention of a node: from its file, from a reload, from the defaults of a new database, and not in an older one.
import { expect } from 'chai'
import knex from 'knex'
import { RETENTION_DEFAULTS } from '../../src/core/retention.ts'
import { migrate, migrationsOf } from '../../src/store/migrate.ts'
import { purgeEvery } from '../../src/supervisor/purge.ts'
import { makeLog } from '../../src/telemetry/log.ts'
import { openCrew } from '../support/crew.ts'
import { createDatabase } from '../support/databases.ts'
import { eventually } from '../support/eventually.ts'
import { FAST, openWorld, type World } from '../support/world.ts'

/** A task that ended so many days ago. */
const OLD = `insert into tasks (key, service, action, payload, payload_bytes, status, finished_at, error)
  select gen_random_uuid(), $1, 'a', '{}', 2, $2, now() - $3 * interval '1 day', '{}' from generate_series(1, $4)`
const DAY = 86_400_000
/** A tenth of a minute, as all times of the tests are. */
const IN_TIME = 6_000
/** From the last statement of the node whose turn it is until another may have it, ms: three looks. */
const TURN = 3 * purgeEvery(FAST)

describe('the retention', () => {
  let world: World
  beforeEach(async () => {
    world = await openWorld()
  })
  afterEach(() => world.close())

  const insert = (service: string, status: string, days: number, count = 1): Promise<unknown> =>
    world.sql(OLD, [service, status, days, count])
  const left = async (): Promise<string[]> =>
    (await world.sql<{ text: string }>(`select service || ' ' || status as text from tasks order by id`)).map(
      ({ text }) => text,
    )
  const older = (): Promise<unknown> => world.sql('update retention set by_default = false')

  it('is 30 days for complete and 90 for failed tasks in a new database', async () => {
    for (const [status, days] of [
      ['complete', 29],
      ['complete', 31],
      ['failed', 89],
      ['failed', 91],
    ] as const)
      await insert('svc', status, days)
    await insert('removed', 'complete', 31)
    await using _crew = await openCrew(world)
    await eventually(async () => expect(await left()).to.deep.equal(['svc complete', 'svc failed']), IN_TIME)
  })

  it('purges within a minute of the time of a task', async () => {
    await using _crew = await openCrew(world)
    // The second ended later: what ended before the last one that was purged is looked for only every 30 s.
    for (const days of [30.00001, 30]) {
      await insert('svc', 'complete', days)
      await eventually(async () => expect(await left()).to.deep.equal([]), IN_TIME)
    }
  })

  it('of a service replaces that of the file, member by member, and 0 is for ever', async () => {
    await insert('svc', 'complete', 2)
    await insert('svc', 'failed', 1_000)
    await insert('other', 'complete', 2)
    await insert('other', 'failed', 5)
    const retention = { complete: 3 * DAY, failed: 4 * DAY }
    await using _crew = await openCrew(world, { retention, service: { retention: { complete: DAY, failed: 0 } } })
    await eventually(async () => expect(await left()).to.deep.equal(['svc failed', 'other complete']), IN_TIME)
  })

  it('is none in an older database, which the log says once, until it is set: then of what is set', async () => {
    await older()
    await insert('svc', 'complete', 1_000)
    await insert('svc', 'failed', 1_000)
    const lines: string[] = []
    const log = makeLog('info', { node: 'n' }, (line) => lines.push((JSON.parse(line) as { event: string }).event))
    let looks = 0
    await using crew = await openCrew(world, {
      log,
      prepare: (store) => {
        const asked = store.retainsByDefault
        store.retainsByDefault = () => asked().finally(() => (looks += 1))
      },
    })
    await eventually(async () => expect(lines).to.include('retention_not_set'))
    expect([looks, await left()]).to.deep.equal([1, ['svc complete', 'svc failed']])
    crew.supervisor.serve({ complete: DAY })
    await eventually(async () => expect(await left()).to.deep.equal(['svc failed']), IN_TIME)
    expect(lines.filter((event) => event === 'retention_not_set')).to.have.length(1)
    expect(lines).to.include('tasks_purged')
  })

  it('is carried out by one of two nodes at a time', async () => {
    await insert('svc', 'complete', 31, 3_000)
    const purges: { node: number; begun: number; over: number; count: number }[] = []
    const crew = (node: number): ReturnType<typeof openCrew> =>
      openCrew(world, {
        prepare: (store) => {
          const real = store.purge
          store.purge = async (asked) => {
            const begun = performance.now()
            const rows = await real(asked)
            const count = rows.reduce((sum, one) => sum + one.count, 0)
            if (count > 0) purges.push({ node, begun, over: performance.now(), count })
            return rows
          }
        },
      })
    await using _one = await crew(1)
    await using _other = await crew(2)
    await eventually(async () => expect(await left()).to.deep.equal([]))
    await eventually(() => expect(purges.reduce((sum, { count }) => sum + count, 0)).to.equal(3_000))
    for (const [i, purge] of purges.entries()) {
      const before = purges[i - 1]
      if (before !== undefined && before.node !== purge.node) expect(purge.over - before.begun).to.be.above(TURN)
    }
  })
})

describe('a database', () => {
  /** Whether it has the defaults, after migrations up to some, then SQL, then the rest. */
  const byDefault = async (first?: string, sql = 'select'): Promise<unknown> => {
    const database = await createDatabase()
    const db = knex({ client: 'pg', connection: database.url })
    try {
      if (first !== undefined) await db.migrate.up({ ...(await migrationsOf(database.url)), name: first })
      await db.raw(sql)
      await migrate(database.url)
      return (await db('retention'))[0]?.by_default
    } finally {
      await db.destroy()
      await database.drop()
    }
  }

  it('has the defaults of the retention if it is made anew', async () => {
    expect(await byDefault()).to.equal(true)
    expect(RETENTION_DEFAULTS).to.deep.equal({ complete: 30 * DAY, failed: 90 * DAY })
  })

  it('has none if an older release has made it, with tasks or without', async () => {
    expect(await byDefault('001_tasks')).to.equal(false)
    const task = `insert into tasks (key, service, action, payload, payload_bytes) values (gen_random_uuid(), 's', 'a', '1', 1)`
    expect(await byDefault('001_tasks', task)).to.equal(false)
  })
})
