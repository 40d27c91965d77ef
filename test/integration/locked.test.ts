// Someone holds the table: what a node gives up on ends in the server too.
import { expect } from 'chai'
import pg from 'pg'
import type { RunningNode } from '../../src/main.ts'
import { Store } from '../../src/store/store.ts'
import { eventually } from '../support/eventually.ts'
import { ended, openWorld, post, type World } from '../support/world.ts'
import { aLog } from '../unit/supervisor/build.ts'

/** Connections of one node, at most (docs/operations.md). */
const MOST = 22
/** A statement has ended in the server so soon, s: 4 s, and what a busy machine may add. */
const ENDED = 8

describe('a table that someone has locked', () => {
  let world: World
  let locker: pg.Client
  beforeEach(async () => {
    world = await openWorld()
    locker = new pg.Client({ connectionString: world.databaseUrl })
    await locker.connect()
  })
  afterEach(async () => {
    await locker.end()
    await world.close()
  })

  const lock = (): Promise<unknown> => locker.query('begin; lock table tasks in access exclusive mode')
  const backends = (): Promise<{ waits: boolean; age: number }[]> =>
    world.sql<{ waits: boolean; age: number }>(
      `select wait_event_type is not distinct from 'Lock' as waits,
         extract(epoch from clock_timestamp() - query_start)::double precision as age
       from pg_stat_activity where application_name = 'task_api' and datname = current_database()`,
    )

  it('costs no backends: statements that take too long are cancelled, and what was refused was not done', async () => {
    const node: RunningNode = await world.node()
    await post(node.url, 'ok')
    await lock()
    const begun = performance.now()
    const refusals: string[] = []
    let most = 0
    let oldest = 0
    const locked = new AbortController()
    const caller = async (): Promise<void> => {
      while (!locked.signal.aborted) refusals.push(await post(node.url, 'ok').catch(String))
    }
    const getter = async (): Promise<void> => {
      while (!locked.signal.aborted) await fetch(`${node.url}/tasks`).then((answer) => answer.text())
    }
    const calling = [caller(), getter(), getter()]
    try {
      await eventually(async () => {
        const all = await backends()
        most = Math.max(most, all.length)
        for (const { waits, age } of all) if (waits) oldest = Math.max(oldest, age)
        // Each statement has been given up several times by then.
        expect(performance.now() - begun).to.be.above(16_000)
      }, 30_000)
    } finally {
      locked.abort()
      await locker.query('rollback')
      await Promise.allSettled(calling)
    }
    expect(most, 'backends').to.be.at.most(MOST)
    expect(oldest, 's that a statement has waited').to.be.below(ENDED)
    const during = refusals.filter((answer) => !answer.startsWith('/tasks/'))
    expect(during).to.have.length.above(2)
    for (const answer of during) expect(answer).to.contain('503').and.contain('"unavailable"')
    const location = await eventually(() => post(node.url, 'ok'))
    expect(await ended(node.url, location)).to.have.property('status', 'complete')
    const [rows] = await world.sql<{ count: string }>('select count(*) from tasks')
    expect(Number(rows?.count)).to.equal(2 + refusals.length - during.length)
  })

  it('leaves no backend behind when the node stops, and the log says nothing of an outage then', async () => {
    const { log, lines } = aLog()
    const store = new Store({ url: world.databaseUrl, log })
    await store.start()
    await lock()
    const inserting = store.insert({ service: 'svc', action: 'ok', payload: '{}' }).catch((error: unknown) => error)
    await eventually(async () => expect((await backends()).filter(({ waits }) => waits)).to.have.length(1))
    await store.stop()
    expect(await inserting).to.have.property('code', 'unavailable')
    await eventually(async () => expect(await backends()).to.deep.equal([]), 2_000)
    expect(lines.filter(({ level }) => level >= 40)).to.deep.equal([])
  })
})
