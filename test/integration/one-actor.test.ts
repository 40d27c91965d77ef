// One actor of one task: an older claim's actor ends before a newer one begins, and each write asks whether the claim still holds.
import { expect } from 'chai'
import { type Crew, holdWrites, idOf, openCrew } from '../support/crew.ts'
import { eventually } from '../support/eventually.ts'
import { openWorld, type World } from '../support/world.ts'

describe('an actor', () => {
  let world: World
  let crew: Crew
  before(async () => {
    world = await openWorld()
    // No sync within the test: whatever an actor learns, it learns from its own writes or from its supervisor.
    const timings = { beat: 20_000, lease: 60_000, trust: 50_000, takeoverDelay: 600_000, pass: 50 }
    crew = await openCrew(world, {
      timings,
      threads: 2,
      service: { retry: { attempts: 20, backoff: 150, maxBackoff: 150 } },
    })
  })
  after(async () => {
    await crew[Symbol.asyncDispose]()
    await world.close()
  })

  const running = async (action: string): Promise<string> => {
    const location = await crew.post(action)
    await world.service.until(() => world.service.of(location).length > 0)
    return location
  }
  const TAKEN = 'update tasks set token = token + 1 where id = $1'
  const quiet = async (location: string): Promise<void> => {
    const count = world.service.of(location).length
    await new Promise((resolve) => setTimeout(resolve, 500))
    expect(world.service.of(location)).to.have.length(count)
  }

  for (const [what, sql] of [
    ['was taken by another claim', TAKEN],
    ['was deleted', 'delete from tasks where id = $1'],
  ] as const)
    it(`asks before it repeats a request, and stops when its row ${what}`, async () => {
      const location = await running('status.503')
      await world.sql(sql, [idOf(location)])
      await quiet(location)
      expect(world.service.of(location)).to.have.length(1)
    })

  for (const [verb, action, hold] of [
    ['checkpoint', 'ever.1', () => holdWrites(crew.store.checkpoint)],
    ['retry', 'status.503', () => holdWrites(crew.store.retry)],
  ] as const)
    it(`sends nothing until its ${verb} is committed`, async () => {
      const held = hold()
      const location = await running(action)
      await held.came
      await quiet(location)
      expect(world.service.of(location)).to.have.length(1)
      held.open()
      await world.service.until(() => world.service.of(location).length > 1)
      await crew.cancel(location)
    })

  it('asks before it sends the next step, and stops when its row was taken', async () => {
    const location = await running('ever.20')
    await world.sql(TAKEN, [idOf(location)])
    const count = world.service.of(location).length
    await new Promise((resolve) => setTimeout(resolve, 100))
    await quiet(location)
    // The one that was under way, or just authorised.
    expect(world.service.of(location).length).to.be.at.most(count + 1)
  })

  it('is aborted when this very node claims its task again', async () => {
    const location = await running('held')
    await world.sql('update tasks set node = null, run_at = now() where id = $1', [idOf(location)])
    await world.service.until(() => world.service.of(location).length === 2)
    await world.service.until(() => world.service.of(location)[0]?.aborted === true, 1_000)
    expect(world.service.of(location)[1]).to.include({ attempt: 2, aborted: false })
    world.service.letGo()
    const status = 'select status, attempt from tasks where id = $1'
    await eventually(async () =>
      expect(await world.sql(status, [idOf(location)])).to.deep.equal([{ status: 'complete', attempt: 2 }]),
    )
    expect(world.service.of(location)).to.have.length(2)
  })

  it('leaves its slot when its claim is lost', async () => {
    const single = await openWorld()
    const own = await openCrew(single, { slots: 1, timings: { takeoverDelay: 600_000 } })
    const location = await own.post('ever.20')
    await single.service.until((seen) => seen.length > 0)
    await single.sql('delete from tasks where id = $1', [idOf(location)])
    const next = await own.post('ok')
    await single.service.until((seen) => seen.some((one) => one.location === next), 3_000)
    await own[Symbol.asyncDispose]()
    await single.close()
  })
})
