// Cancel notices that lie: whoever reaches Redis can say that a task was deleted, so its row is asked before its actor is stopped.
import { expect } from 'chai'
import { Redis } from 'ioredis'
import { type SinonSpy, spy } from 'sinon'
import { remove as removeTask } from '../../src/lifecycle/remove.ts'
import { Keys } from '../../src/queue/keys.ts'
import { StoreError } from '../../src/store/trouble.ts'
import { type Crew, holdAnswers, idOf, openCrew } from '../support/crew.ts'
import { eventually } from '../support/eventually.ts'
import { ended, FAST, openWorld, post, remove, type World } from '../support/world.ts'

/** Beats so rare that no sync has a word in it. */
const RARE = { ...FAST, beat: 20_000, lease: 60_000, trust: 50_000, takeoverDelay: 600_000 }

describe('a cancel notice', () => {
  let world: World
  let crew: Crew
  let asked: SinonSpy<[readonly string[]], Promise<unknown>>
  beforeEach(async () => {
    world = await openWorld()
    crew = await openCrew(world, { timings: RARE })
    asked = spy(crew.store, 'standing')
  })
  afterEach(async () => {
    await crew[Symbol.asyncDispose]()
    await world.close()
  })

  const running = async (action: string): Promise<string> => {
    const location = await crew.post(action)
    await world.service.until(() => world.service.of(location).length > 0)
    return location
  }
  const forge = (location: string): void => crew.queue.notify(crew.supervisor.node, idOf(location))
  const answers = async (count: number): Promise<void> => {
    await eventually(() => expect(asked.callCount).to.be.at.least(count))
    await Promise.allSettled(asked.returnValues)
  }
  const rowOf = async (location: string): Promise<Record<string, unknown> | undefined> =>
    (await world.sql('select status, attempt, crashes from tasks where id = $1', [idOf(location)]))[0]
  const completes = (location: string): Promise<unknown> =>
    eventually(async () => expect(await rowOf(location)).to.deep.equal({ status: 'complete', attempt: 1, crashes: 0 }))

  it('stops nothing when the row is there', async () => {
    const location = await running('held')
    forge(location)
    await answers(1)
    world.service.letGo()
    await completes(location)
    expect(world.service.of(location).map(({ aborted }) => aborted)).to.deep.equal([false])
  })

  it('stops the request when the row is gone, whoever deleted it', async () => {
    const location = await running('held')
    await world.sql('delete from tasks where id = $1', [idOf(location)])
    const begun = performance.now()
    forge(location)
    await world.service.until(() => world.service.of(location)[0]?.aborted === true, 1_000)
    expect(performance.now() - begun).to.be.below(1_000)
  })

  it('is asked about with all that came meanwhile, one question at a time, and only for what is in hand', async () => {
    const locations = await Promise.all(Array.from({ length: 5 }, () => running('held')))
    const gone = locations[2] ?? ''
    const real = crew.store.standing
    let [open, most] = [0, 0]
    let answer = (): void => {}
    const gate = new Promise<void>((resolve) => (answer = resolve))
    crew.store.standing = async (ids) => {
      most = Math.max(most, ++open)
      await gate
      return real(ids).finally(() => (open -= 1))
    }
    for (let round = 0; round < 2_000; round += 1)
      for (const location of locations) crew.supervisor.cancelled(idOf(location))
    for (let id = 1_000; id < 30_000; id += 1) crew.supervisor.cancelled(String(id))
    await eventually(() => expect(open).to.equal(1))
    await world.sql('delete from tasks where id = $1', [idOf(gone)])
    for (let round = 0; round < 2_000; round += 1)
      for (const location of locations) crew.supervisor.cancelled(idOf(location))
    answer()
    await world.service.until(() => world.service.of(gone)[0]?.aborted === true, 1_000)
    await answers(2)
    expect(most).to.equal(1)
    expect(asked.callCount).to.be.at.most(2)
    const ids = locations.map(idOf).sort()
    for (const [given] of asked.args) for (const id of given) expect(ids).to.include(id)
    world.service.letGo()
    for (const location of locations) if (location !== gone) await completes(location)
  })

  it('costs no more than some questions a second, however many come', async () => {
    const location = await running('held')
    const begun = performance.now()
    while (asked.callCount < 6) {
      forge(location)
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(performance.now() - begun).to.be.at.least(5 * 50 - 10)
  })

  it('is kept while Postgres does not answer', async () => {
    const location = await running('held')
    await world.sql('delete from tasks where id = $1', [idOf(location)])
    const real = crew.store.standing
    let tries = 0
    crew.store.standing = (ids) => {
      tries += 1
      return tries < 3 ? Promise.reject(new StoreError('notSent', 'cut off')) : real(ids)
    }
    forge(location)
    await world.service.until(() => world.service.of(location)[0]?.aborted === true)
    expect(tries).to.equal(3)
  })

  it('that comes before its claim holds the task back until its row has been asked, and no longer', async () => {
    const claim = holdAnswers(crew.store, 'claim', (rows) => Array.isArray(rows) && rows.length > 0)
    const location = await crew.post('ok')
    await claim.came
    const real = crew.store.standing
    let answer = (): void => {}
    const gate = new Promise<void>((resolve) => (answer = resolve))
    crew.store.standing = (ids) => gate.then(() => real(ids))
    forge(location)
    await new Promise((resolve) => setImmediate(resolve))
    claim.open()
    const next = await crew.post('ok')
    await world.service.until(() => world.service.of(next).length === 1)
    expect(world.service.of(location)).to.have.length(0)
    answer()
    await completes(location)
    expect(world.service.of(location)).to.have.length(1)
  })

  it('is not needed on the node that was asked to delete', async () => {
    crew.store.standing = () => new Promise(() => {})
    const location = await running('held')
    const { store, queue, supervisor } = crew
    const deleted = (id: string): void => supervisor.deleted(id)
    expect(await removeTask({ store, queue, services: new Map(), deleted }, idOf(location))).to.equal(true)
    await world.service.until(() => world.service.of(location)[0]?.aborted === true, 1_000)
  })
})

describe('a cancel notice from Redis', () => {
  it('stops nothing when it is forged, and within a second what another node has deleted', async () => {
    const world = await openWorld()
    const runs = await world.node({ timings: RARE })
    const [row] = await world.sql<{ id: string }>('select id from nodes')
    const other = await world.node({ timings: RARE, slots: 0 })
    const locations = await Promise.all(['held', 'held'].map((action) => post(runs.url, action)))
    const [kept = '', deleted = ''] = locations
    await world.service.until((seen) => seen.length === 2)
    const redis = new Redis(world.redisUrl)
    const channel = new Keys(world.prefix).channel(row?.id ?? '')
    for (let round = 0; round < 200; round += 1)
      for (const location of locations) expect(await redis.publish(channel, idOf(location))).to.equal(1)
    expect(await remove(other.url, deleted)).to.equal(204)
    // What is published in this order arrives in it.
    await world.service.until(() => world.service.of(deleted)[0]?.aborted === true, 1_000)
    world.service.letGo()
    expect(await ended(runs.url, kept)).to.include({ status: 'complete', attempt: 1 })
    expect(world.service.requests).to.have.length(2)
    redis.disconnect()
    await world.close()
  })
})
