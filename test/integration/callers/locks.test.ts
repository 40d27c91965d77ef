// A POST that waits for the transaction of another takes nothing from those who do not, and is told what it waited for.
import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { Connections } from '../../../src/store/connections.ts'
import { eventually } from '../../support/eventually.ts'
import { ended, openWorld, type World } from '../../support/world.ts'
import { aLog, type Line } from '../../unit/supervisor/build.ts'
import { ask, holding, INSERT_KEY, INSERT_UNIQUE, type Told } from './asks.ts'

/** Many more than a node has connections. */
const FLOOD = 200
/** Half of those who do not wait for a lock are answered within so long, ms: sooner than all of a flood ask once over 8 connections. */
const SOON = 200
/** Or so many times as long as on this machine without a flood. */
const SLOWER = 10

const median = (of: readonly number[]): number => of.toSorted((x, y) => x - y)[Math.floor(of.length / 2)] ?? 0

describe('a POST that waits for the transaction of another', () => {
  let world: World
  let url: string
  let lines: Line[]
  before(async () => {
    world = await openWorld()
    const logged = aLog()
    lines = logged.lines
    url = (await world.node({ log: logged.log })).url
  })
  after(() => world.close())

  const held: (() => Promise<void>)[] = []
  afterEach(async () => {
    for (const release of held.splice(0)) await release()
  })
  const hold = async (sql: string, values: unknown[] = []): Promise<() => Promise<void>> => {
    const release = await holding(world.databaseUrl, sql, values)
    held.push(release)
    return release
  }

  const TASK = { service: 'svc', action: 'ok' }
  const post = (task: object = {}, headers = {}): Promise<Told> =>
    ask('POST', `${url}/tasks`, { ...TASK, ...task }, headers)
  const keyed = (key: string, task: object = {}): Promise<Told> => post(task, { 'idempotency-key': key })
  const told = ({ status, json, headers }: Told): unknown[] => [status, json.code, headers.get('retry-after')]
  const count = async (): Promise<number> =>
    Number((await world.sql<{ n: string }>('select count(*) as n from tasks'))[0]?.n)

  /** Others create tasks with keys and with uniques until `done` says so; how long they take, ms. */
  const others = async (done: (count: number) => boolean): Promise<number[]> => {
    const took: number[] = []
    while (!done(took.length)) {
      const begun = performance.now()
      const { status } = await (took.length % 2 === 0 ? keyed(randomUUID()) : post({ unique: randomUUID() }))
      took.push(performance.now() - begun)
      expect(status).to.equal(302)
    }
    return took
  }
  /** Others are answered while a flood waits: as soon as ever, and Postgres is not said to be away. */
  const unimpeded = async (flood: () => readonly Promise<Told>[]): Promise<readonly Told[]> => {
    const calm = median(await others((count) => count === 10))
    const once = async (): Promise<{ took: number[]; all: Told[] }> => {
      let over = false
      const all = Promise.all(flood()).finally(() => (over = true))
      return { took: await others(() => over), all: await all }
    }
    let { took, all } = await once()
    // A machine that stands still for seconds tells nothing: it is asked again.
    for (let again = 0; took.length <= 2 && again < 2; again += 1) ({ took, all } = await once())
    expect(took).to.have.length.above(2)
    expect(median(took), `ms, ${calm} without a flood`).to.be.below(Math.max(SOON, SLOWER * calm))
    expect(lines.filter(({ level }) => level >= 40)).to.deep.equal([])
    return all
  }

  it('leaves the connections to those who do not, when many wait for one key', async () => {
    const key = randomUUID()
    const release = await hold(INSERT_KEY, [key])
    const flood = await unimpeded(() => Array.from({ length: FLOOD }, () => keyed(key)))
    for (const one of flood) expect(told(one)).to.deep.equal([409, 'idempotency_in_progress', '1'])
    await release()
    expect((await keyed(key)).status).to.equal(302)
  })

  it('leaves the connections to those who do not, when each waits for another `unique`', async () => {
    const uniques = Array.from({ length: FLOOD }, () => randomUUID())
    const release = await hold(
      INSERT_UNIQUE.replace(/values .*/s, `select gen_random_uuid(), 'svc', 'ok', '{}', 2, unnest($1::text[])`),
      [uniques],
    )
    const flood = await unimpeded(() => uniques.map((unique) => post({ unique })))
    for (const one of flood) expect(told(one)).to.deep.equal([409, 'unique_pending', '1'])
    await release()
    expect((await post({ unique: uniques[0] })).headers.get('task-existing')).to.equal(null)
  })

  it('is told neither of its key nor of its `unique` when it waits for a table', async () => {
    for (const table of ['idempotency_keys', 'tasks']) {
      const before = await count()
      const [key, unique] = [randomUUID(), randomUUID()]
      const release = await hold(`lock table ${table} in share mode`)
      const all = await Promise.all([
        post({ delay: '1h' }),
        keyed(key),
        post({ unique }),
        keyed(`${key}-too`, { unique }),
      ])
      for (const one of all) expect(told(one).slice(0, 2), table).to.deep.equal([503, 'unavailable'])
      await release()
      expect(await count()).to.equal(before)
      const { status, headers } = await keyed(key, { unique })
      expect([status, headers.get('idempotency-replayed'), headers.get('task-existing')]).to.deep.equal([
        302,
        null,
        null,
      ])
    }
  })

  it('is told neither when it retries a task whose row is locked, and gets through once that is over', async () => {
    const { location } = await post({ action: 'fail', unique: randomUUID() })
    await ended(url, location)
    const lock = 'select from tasks where id = $1 for update'
    const id = location.slice('/tasks/'.length)
    const retry = (): Promise<Told> => ask('POST', `${url}${location}/retry`, undefined, { 'idempotency-key': 'retry' })
    let release = await hold(lock, [id])
    expect(told(await retry()).slice(0, 2)).to.deep.equal([503, 'unavailable'])
    await release()
    release = await hold(lock, [id])
    const waiting = retry()
    await eventually(async () => {
      const asked = `select from pg_stat_activity where query like '%task_api_retry_task_%' and wait_event_type = 'Lock'`
      expect(await world.sql(asked)).to.have.length(1)
    }, 4_000)
    await release()
    expect((await waiting).status).to.equal(302)
  })

  it('is told of the `unique` that another transaction takes while a task with it is retried', async () => {
    const unique = randomUUID()
    const { location } = await post({ action: 'fail', unique })
    await ended(url, location)
    const release = await hold(INSERT_UNIQUE, [unique])
    const retry = (): Promise<Told> => ask('POST', `${url}${location}/retry`)
    expect(told(await retry())).to.deep.equal([409, 'unique_pending', '1'])
    await release()
    expect((await retry()).status).to.equal(302)
  })

  it('keeps a bulk retry from no other row', async () => {
    const uniques = ['a', 'b', 'c', undefined]
    const failed = await Promise.all(uniques.map((unique) => post({ action: 'fail', unique, labels: { of: 'bulk' } })))
    for (const { location } of failed) await ended(url, location)
    const all = (): Promise<Told> => ask('POST', `${url}/tasks/retry?label.of=bulk&status=failed&retried=false`)
    const retried = async (): Promise<unknown[]> =>
      Promise.all(
        failed.map(async ({ location }) => (await ask('GET', `${url}${location}?view=full`)).json.retriedAs !== null),
      )
    const ids = failed.map(({ location }) => location.slice('/tasks/'.length)).join()
    const release = await hold(INSERT_UNIQUE, ['b'])
    const first = await all()
    expect([first.status, first.json]).to.deep.equal([200, { matched: 4, done: 3, next: null }])
    expect(await retried()).to.deep.equal([true, false, true, true])
    await release()
    const second = await ask('POST', `${url}/tasks/retry?ids=${ids}`)
    expect([second.status, second.json]).to.deep.equal([200, { matched: 4, done: 1, next: null }])
    expect(await retried()).to.deep.equal([true, true, true, true])
  })
})

describe('the connections of POSTs', () => {
  it('say nothing about Postgres when none of them is free', async () => {
    const world = await openWorld()
    const { log, lines } = aLog()
    const connections = new Connections({ url: world.databaseUrl, log })
    connections.start()
    try {
      // Shorter than a statement may take, longer than one waits for a connection.
      const sleeps = Array.from({ length: 20 }, () => connections.create.first('select pg_sleep(3.3)'))
      const crowded = (await Promise.allSettled(sleeps)).filter(({ status }) => status === 'rejected')
      expect(crowded).to.have.length.above(3)
      expect(connections.healthy).to.equal(true)
      expect(lines).to.deep.equal([])
    } finally {
      await connections.close()
      await world.close()
    }
  })
})
