// A revival whose answer is lost is asked for again: the thread died once, and once it counts.
import { expect } from 'chai'
import { StoreError } from '../../src/store/trouble.ts'
import { type Bench, openBench } from '../support/bench.ts'
import { idOf, openCrew } from '../support/crew.ts'
import { eventually } from '../support/eventually.ts'
import { openWorld } from '../support/world.ts'

const ENTRY = new URL('../support/crashing-actors.js', import.meta.url).href

describe('a revival whose answer is lost', () => {
  let bench: Bench
  before(async () => {
    bench = await openBench()
  })
  after(() => bench.close())

  it('counts one crash and one try, however often it is repeated', async () => {
    const orphan = { ...(await bench.claimed('crashes = 1')), attempt: 1 }
    const first = bench.store.revive([orphan]).catch((error: unknown) => error)
    await bench.loseAnswer(async () => expect((await bench.read(orphan.id))?.crashes).to.equal(2))
    expect(await first)
      .to.be.instanceOf(StoreError)
      .and.have.property('trouble', 'unknown')
    for (let round = 0; round < 3; round += 1) {
      const [row] = await bench.store.revive([orphan])
      expect(row).to.include({ id: orphan.id, attempt: 2, crashes: 2, failed: false, lost: false, step: 2 })
    }
    expect(await bench.read(orphan.id)).to.include({ attempt: 2, crashes: 2, node: orphan.node, status: 'running' })
  })

  it('does not end a task by a crash that was counted before', async () => {
    const orphan = { ...(await bench.claimed('crashes = 8')), attempt: 1 }
    await bench.store.revive([orphan])
    expect((await bench.store.revive([orphan]))[0]).to.include({ failed: false, crashes: 9 })
  })

  it('is kept in the log, unless the service wants none', async () => {
    const [kept, not] = [await bench.claimed(), await bench.claimed()]
    await bench.store.revive([
      { ...kept, attempt: 1, logged: true },
      { ...not, attempt: 1, logged: false },
    ])
    const rows = await bench.sql('select task, attempt, outcome from attempts where task = any($1)', [
      [kept.id, not.id],
    ])
    expect(rows).to.deep.equal([{ task: kept.id, attempt: 1, outcome: 'lost' }])
  })

  it('is refused to a try that is over', async () => {
    const fence = await bench.claimed()
    await bench.sql('update tasks set attempt = 4 where id = $1', [fence.id])
    const before = await bench.whole(fence.id)
    for (const attempt of [1, 2, 5]) expect(await bench.store.revive([{ ...fence, attempt }])).to.deep.equal([])
    expect(await bench.whole(fence.id)).to.equal(before)
  })
})

describe('a node whose thread dies', () => {
  it('writes nothing of it for a service without a log of tries', async () => {
    const world = await openWorld()
    for (const attemptLog of ['none', 'failures'] as const) {
      const crew = await openCrew(world, { entry: ENTRY, timings: { takeoverDelay: 600_000 }, service: { attemptLog } })
      const held = await crew.post('held')
      await world.service.until(() => world.service.of(held).length === 1)
      const poison = await crew.post('hang', '{"poison":"throw"}')
      await world.service.until(() => world.service.of(held).length === 2)
      await crew.cancel(poison)
      // The poison may have killed more than one thread.
      const rows = await world.sql('select distinct outcome from attempts where task = $1', [idOf(held)])
      expect(rows).to.deep.equal(attemptLog === 'none' ? [] : [{ outcome: 'lost' }])
      world.service.letGo()
      await crew[Symbol.asyncDispose]()
    }
    await world.close()
  })

  it('counts it once though the answer of the revival is lost, and asks for the try that the row is at', async () => {
    const world = await openWorld()
    const crew = await openCrew(world, {
      entry: ENTRY,
      timings: { takeoverDelay: 600_000 },
      // The failed try is followed by the next at once.
      service: { retry: { attempts: 9, backoff: 1, maxBackoff: 1 } },
    })
    const real = crew.store.revive
    let calls = 0
    let poison = ''
    crew.store.revive = async (orphans) => {
      const rows = await real(orphans)
      calls += 1
      if (calls > 1) return rows
      // It has done its part, and must not kill the next thread as well.
      await world.sql('delete from tasks where id = $1', [idOf(poison)])
      throw new StoreError('unknown', 'cut off')
    }
    // One has retried, one has made a step, before the thread dies.
    const held = await crew.post('held')
    const stepped = await crew.post('heldstep')
    await world.service.until((seen) => seen.length === 3)
    world.service.letGo(503, '', ({ location }) => location === held)
    await world.service.until(() => world.service.of(held).length === 2)
    poison = await crew.post('hang', '{"poison":"throw"}')
    await eventually(() => expect(calls).to.equal(2))
    await world.service.until(() => world.service.of(held).length === 3 && world.service.of(stepped).length === 3)
    const rows = await world.sql('select attempt, crashes, step, fails from tasks where id = any($1) order by id', [
      [held, stepped].map(idOf),
    ])
    expect(rows).to.deep.equal([
      { attempt: 3, crashes: 1, step: 0, fails: 1 },
      { attempt: 2, crashes: 1, step: 1, fails: 0 },
    ])
    expect(world.service.of(held).map(({ attempt }) => attempt)).to.deep.equal([1, 2, 3])
    world.service.letGo()
    await eventually(async () =>
      expect(await world.sql(`select id from tasks where status <> 'complete'`)).to.deep.equal([]),
    )
    await crew[Symbol.asyncDispose]()
    await world.close()
  })
})
