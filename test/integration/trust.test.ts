// Lease and trust: a node that cannot beat begins nothing, goes on only with what is still its own, and takes over late.
import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { type SinonSpy, stub } from 'sinon'
import { StoreError } from '../../src/store/trouble.ts'
import { type Crew, type CrewSetup, holdAnswers, idOf, listenTo, openCrew } from '../support/crew.ts'
import { eventually } from '../support/eventually.ts'
import { openWorld, type World } from '../support/world.ts'

describe('the lease of a node', () => {
  let world: World
  let crew: Crew
  let enrolledAt: number
  beforeEach(async () => {
    world = await openWorld()
  })
  afterEach(async () => {
    await crew[Symbol.asyncDispose]()
    await world.close()
  })

  const open = async (setup: CrewSetup = {}): Promise<void> => {
    crew = await openCrew(world, setup)
    enrolledAt = performance.now()
  }
  const running = async (action: string): Promise<string> => {
    const location = await crew.post(action)
    await world.service.until((seen) => seen.some((one) => one.location === location))
    return location
  }
  const rowOf = async (location: string): Promise<Record<string, unknown> | undefined> =>
    (await world.sql('select status, node, token, attempt, crashes from tasks where id = $1', [idOf(location)]))[0]
  const count = (location: string): number => world.service.of(location).length
  const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
  const last = (calls: SinonSpy): number => calls.callCount

  it('when it cannot be extended: no request begins later than trust allows, and only what is confirmed goes on', async () => {
    await open({ timings: { trust: 500, lease: 60_000, takeoverDelay: 600_000 } })
    const [mine, lost] = [await running('ever.10'), await running('ever.10')]
    const starts: number[] = []
    const beat = crew.store.beat
    stub(crew.store, 'beat').callsFake((...given) => {
      starts.push(performance.now())
      return beat(...given)
    })
    await eventually(() => expect(starts.length).to.be.at.least(2))
    const cut = stub(crew.store, 'standing').rejects(new StoreError('unknown', 'cut off'))
    const away = stub().rejects(new StoreError('unknown', 'cut off'))
    const lastGood = starts.at(-1) ?? NaN
    crew.store.beat = away
    await eventually(() => expect(last(away)).to.be.at.least(1))
    await sleep(lastGood + 500 - performance.now() + 200)
    const counted = [count(mine), count(lost)]
    await sleep(400)
    // An answer that was under way is still written, but the next request must not follow.
    expect([count(mine), count(lost)]).to.deep.equal(counted)
    const latest = Math.max(...world.service.requests.map(({ at }) => at))
    expect(latest).to.be.within(lastGood + 300, lastGood + 500 + 150)

    // Meanwhile another node has taken one of them over.
    await world.sql('update tasks set token = 5, node = $2 where id = $1', [idOf(lost), randomUUID()])
    crew.store.beat = beat
    await eventually(() => expect(cut.called).to.equal(true))
    await sleep(300)
    // The beats are back, but nothing has been confirmed.
    expect([count(mine), count(lost)]).to.deep.equal(counted)
    cut.restore()
    await eventually(() => expect(count(mine)).to.be.above((counted[0] ?? 0) + 3))
    await sleep(200)
    expect(count(lost)).to.equal(counted[1])
    expect(await rowOf(lost)).to.include({ token: '5' })
  })

  it('when it cannot be extended: nothing is claimed until it is back', async () => {
    await open({ timings: { trust: 300, lease: 60_000 } })
    const beat = crew.store.beat
    crew.store.beat = () => Promise.reject(new StoreError('unknown', 'cut off'))
    await sleep(500)
    const location = await crew.post('ok')
    await sleep(400)
    expect(count(location)).to.equal(0)
    crew.store.beat = beat
    await eventually(() => expect(count(location)).to.equal(1))
  })

  it('a claim that was sent before trust lapsed, and answered after, is doubtful until it is confirmed', async () => {
    await open({ timings: { trust: 400, lease: 60_000 } })
    const held = holdAnswers(crew.store, 'claim', (rows) => Array.isArray(rows) && rows.length > 0)
    const location = await crew.post('ok')
    await held.came
    const beat = crew.store.beat
    crew.store.beat = () => Promise.reject(new StoreError('unknown', 'cut off'))
    await sleep(600)
    const sync = holdAnswers(crew.store, 'standing')
    crew.store.beat = beat
    held.open()
    await sync.came
    await sleep(300)
    expect(count(location)).to.equal(0)
    sync.open()
    await eventually(() => expect(count(location)).to.equal(1))
  })

  it('a result is written even after the lease', async () => {
    await open({ timings: { trust: 200, lease: 400 } })
    const location = await running('held')
    crew.store.beat = () => Promise.reject(new StoreError('unknown', 'cut off'))
    await sleep(600)
    world.service.letGo()
    await eventually(async () => expect(await rowOf(location)).to.include({ status: 'complete' }))
  })

  it('when the row of the node is deleted: all is aborted, and goes on under a new name', async () => {
    await open({ timings: { takeoverDelay: 1_500 } })
    const { node } = crew.supervisor
    const locations = [await running('held'), await running('held')]
    await world.sql('delete from nodes')
    await world.service.until(() => locations.every((location) => world.service.of(location)[0]?.aborted), 1_000)
    expect(crew.supervisor.node).not.to.equal(node)
    await eventually(() => locations.forEach((location) => expect(count(location)).to.equal(2)))
    for (const location of locations)
      expect(await rowOf(location)).to.include({ node: crew.supervisor.node, crashes: 1, attempt: 2 })
    world.service.letGo()
    await eventually(async () => {
      for (const location of locations) expect(await rowOf(location)).to.include({ status: 'complete' })
    })
  })

  it('must have been held for a while before anything is taken over', async () => {
    const [row] = await world
      .node({ redis: false })
      .then((first) => first.stop())
      .then(() =>
        world.sql<{ id: string }>(
          `insert into tasks (key, service, action, payload, payload_bytes, status, node, token)
           values (gen_random_uuid(), 'svc', 'ok', '{}', 2, 'running', gen_random_uuid(), 9) returning id`,
        ),
      )
    await open({ timings: { takeoverDelay: 700 } })
    await eventually(() => expect(count(`/tasks/${row?.id}`)).to.equal(1))
    expect((world.service.of(`/tasks/${row?.id}`)[0]?.at ?? 0) - enrolledAt).to.be.within(600, 12_000)
    await eventually(async () =>
      expect(await rowOf(`/tasks/${row?.id}`)).to.include({ status: 'complete', crashes: 1 }),
    )
  })

  it('has no gap by a beat that failed, and has one when it had run out', async () => {
    await open({ timings: { takeoverDelay: 400, lease: 900, trust: 800, beat: 100 } })
    const passes = listenTo(crew.store, 'claim')
    const mayTakeOver = (): boolean | undefined =>
      (passes.lastCall?.args as [{ takesOver: boolean }] | undefined)?.[0].takesOver
    await eventually(() => expect(mayTakeOver()).to.equal(true))
    const beat = crew.store.beat
    const broken = stub().rejects(new StoreError('unknown', 'cut off'))
    crew.store.beat = broken
    await eventually(() => expect(last(broken)).to.equal(1))
    crew.store.beat = beat
    const before = last(passes)
    await eventually(() => expect(last(passes)).to.be.above(before + 3))
    const since = passes.getCalls().slice(before) as unknown as { args: [{ takesOver: boolean }] }[]
    expect(since.every(({ args }) => args[0].takesOver)).to.equal(true)

    const ranOut = last(passes)
    await eventually(async () => {
      await world.sql(`update nodes set lease_until = now() - interval '1 second'`)
      const calls = passes.getCalls().slice(ranOut) as unknown as { args: [{ takesOver: boolean }] }[]
      expect(calls.some(({ args }) => !args[0].takesOver)).to.equal(true)
    })
    await eventually(() => expect(mayTakeOver()).to.equal(true))
  })
})
