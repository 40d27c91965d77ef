// What a node has read of a schedule may be old: it makes a task only of what is still so.
import { expect } from 'chai'
import type { DueSchedule, Firing } from '../../src/store/fires.ts'
import { Store } from '../../src/store/store.ts'
import { silentLog } from '../../src/telemetry/log.ts'
import { openWorld, type World } from '../support/world.ts'

const NO_SERVICES = new Map()

describe('a schedule whose time has come, as a node has read it,', () => {
  let world: World
  let store: Store
  beforeEach(async () => {
    world = await openWorld()
    store = new Store({ url: world.databaseUrl, log: silentLog() })
    await store.start()
  })
  afterEach(async () => {
    await store.stop()
    await world.close()
  })

  const named = (name: string, paused = false) => {
    const task = { service: 'svc', action: 'ok', payload: '{}', schedule: name }
    return { name, cron: '0 0 1 1 *', timezone: 'UTC', task, overlap: 'allow', missed: 'one', paused } as const
  }
  /** Reads what is due, and decides that each makes a task and comes again an hour later. */
  const decided = async (): Promise<Firing[]> => {
    const { schedules } = await store.schedules.due(100)
    return schedules.map((schedule: DueSchedule) => ({ schedule, nextAt: schedule.nextAt + 3_600_000, makes: true }))
  }
  const fired = async (firings: readonly Firing[]): Promise<number> =>
    (await store.schedules.fire(firings, NO_SERVICES)).length
  const tasks = async (): Promise<unknown[]> => world.sql('select from tasks')

  const SINCE: Readonly<Record<string, () => Promise<unknown>>> = {
    'was fired by another node': async () => fired(await decided()),
    'has another task': () =>
      store.schedules.put({ ...named('s'), task: { ...named('s').task, payload: '1' } }, Date.now() + 1e9),
    'has another next time': () => store.schedules.put({ ...named('s'), cron: '0 0 2 1 *' }, Date.now() + 1e9),
    'is paused': () => store.schedules.pause('s', true),
    'is deleted': () => store.schedules.remove('s'),
    'is another one of its name': async () => {
      await store.schedules.remove('s')
      await store.schedules.put(named('s'), Math.floor(Date.now() / 1_000) * 1_000 - 2_000)
    },
  }
  for (const [what, happens] of Object.entries(SINCE))
    it(`makes no task where it ${what} since`, async () => {
      await store.schedules.put(named('s'), Math.floor(Date.now() / 1_000) * 1_000 - 2_000)
      const old = await decided()
      expect(old).to.have.length(1)
      await happens()
      const before = await tasks()
      expect(await fired(old)).to.equal(0)
      expect(await tasks()).to.have.length(before.length)
    })

  it('makes one task where many fire at once, and the time after it is the next', async () => {
    for (let round = 0; round < 5; round += 1) {
      await Promise.all(
        Array.from({ length: 20 }, (_, i) => store.schedules.put(named(`r${round}-${i}`), Date.now() - 2_000)),
      )
      const all = await decided()
      const each = await Promise.all(Array.from({ length: 8 }, () => fired(all)))
      expect(each.reduce((sum, count) => sum + count, 0)).to.equal(20)
      expect(await tasks()).to.have.length(20 * (round + 1))
    }
    expect((await store.schedules.due(100)).schedules).to.deep.equal([])
  })
})
