// Cancel: the row goes in every status, the request in flight is cut off, and nothing that comes late changes anything.
import { expect } from 'chai'
import type { RunningNode } from '../../src/main.ts'
import { type Crew, holdAnswers, idOf, openCrew } from '../support/crew.ts'
import { eventually } from '../support/eventually.ts'
import { ended, FAST, openWorld, post, remove, show, type World } from '../support/world.ts'

/** Beats so rare that only the cancel notice can tell a node of a cancellation. */
const RARE = { ...FAST, beat: 20_000, lease: 60_000, trust: 50_000, takeoverDelay: 600_000 }

describe('a cancellation over nodes', () => {
  let world: World
  let runs: RunningNode
  let other: RunningNode
  before(async () => {
    world = await openWorld()
    runs = await world.node({ timings: RARE, slots: 20 })
    // No slots: it takes no task, and serves its API.
    other = await world.node({ timings: RARE, slots: 0 })
  })
  after(() => world.close())

  const gone = async (location: string): Promise<void> => {
    expect(await show(runs.url, location)).to.equal(undefined)
    expect(await show(other.url, location)).to.equal(undefined)
    const list = (await (await fetch(`${runs.url}/tasks?limit=1000`)).json()) as { location: string }[]
    expect(list.map((task) => task.location)).not.to.include(location)
    expect(await remove(runs.url, location)).to.equal(404)
  }
  const running = async (action: string): Promise<string> => {
    const location = await post(runs.url, action)
    await world.service.until(() => world.service.of(location).length > 0)
    return location
  }

  for (const where of ['the node that runs it', 'another node'])
    it(`cuts off the request in flight, asked of ${where}`, async () => {
      const location = await running('held')
      const begun = performance.now()
      expect(await remove(where === 'another node' ? other.url : runs.url, location)).to.equal(204)
      await world.service.until(() => world.service.of(location)[0]?.aborted === true, 1_000)
      expect(performance.now() - begun).to.be.below(1_000)
      await gone(location)
      expect(world.service.of(location)).to.have.length(1)
    })

  it('stops a loop of requests', async () => {
    const location = await running('ever.5')
    await remove(other.url, location)
    const after = performance.now()
    await eventually(() => {
      const { at = 0, endedAt = 0 } = world.service.of(location).at(-1) ?? {}
      expect(Math.max(at, endedAt)).to.be.below(performance.now() - 300)
    })
    expect((world.service.of(location).at(-1)?.at ?? 0) - after).to.be.below(1_000)
    await gone(location)
  })

  it('stops what waits in its actor, and what is parked', async () => {
    const waiting = await running('empty.9')
    // Its next pause is 800 ms.
    await world.service.until(() => world.service.of(waiting).length >= 4)
    const parked = await running('wait.1')
    await eventually(async () => expect((await show(runs.url, parked))?.step).to.equal(1))
    // Parked later and left alone: when it is asked again, the others would have been.
    const witness = await running('wait.1')
    const counted = world.service.of(waiting).length
    expect([await remove(other.url, waiting), await remove(other.url, parked)]).to.deep.equal([204, 204])
    await world.service.until(() => world.service.of(witness).length === 2)
    expect(world.service.of(waiting)).to.have.length(counted)
    expect(world.service.of(parked)).to.have.length(1)
    await gone(waiting)
    await gone(parked)
  })

  it('removes what is complete and what has failed', async () => {
    const locations = [await post(runs.url, 'ok'), await post(runs.url, 'fail')]
    for (const location of locations) {
      await ended(runs.url, location)
      expect(await remove(other.url, location)).to.equal(204)
      await gone(location)
    }
  })

  it('of two at once one finds the task', async () => {
    const location = await running('held')
    const answers = await Promise.all([
      remove(runs.url, location),
      remove(other.url, location),
      remove(runs.url, location),
    ])
    expect(answers.toSorted((a, b) => a - b)).to.deep.equal([204, 404, 404])
  })

  it('of a pending task means that no request is ever sent', async () => {
    const blockers = await Promise.all(Array.from({ length: 18 }, () => running('held')))
    const location = await post(other.url, 'ok')
    expect((await show(other.url, location))?.status).to.equal('pending')
    expect(await remove(other.url, location)).to.equal(204)
    world.service.letGo()
    for (const blocker of blockers) await ended(runs.url, blocker)
    await ended(runs.url, await post(runs.url, 'ok'))
    expect(world.service.of(location)).to.have.length(0)
    await gone(location)
  })
})

describe('a cancellation', () => {
  let world: World
  let crew: Crew
  before(async () => {
    world = await openWorld()
    crew = await openCrew(world, { timings: RARE })
  })
  after(async () => {
    await crew[Symbol.asyncDispose]()
    await world.close()
  })

  it('is remembered while the claim of its task is in flight', async () => {
    const witness = await crew.post('held')
    await world.service.until(() => world.service.of(witness).length === 1)
    const held = holdAnswers(crew.store, 'claim', (rows) => Array.isArray(rows) && rows.length > 0)
    const location = await crew.post('ok')
    await held.came
    expect(await crew.cancel(location)).to.equal(true)
    // Cancel notices come in their order: when the second is obeyed, the first has come.
    expect(await crew.cancel(witness)).to.equal(true)
    await world.service.until(() => world.service.of(witness)[0]?.aborted === true)
    held.open()
    const next = await crew.post('ok')
    await world.service.until(() => world.service.of(next).length === 1)
    expect(world.service.of(location)).to.have.length(0)
  })

  it('lets an answer that comes late change nothing', async () => {
    const real = crew.store.settle.add.bind(crew.store.settle)
    let write = (): void => {}
    const gate = new Promise<void>((resolve) => (write = resolve))
    const arrived = new Set<string>()
    const written = new Map<string, unknown>()
    crew.store.settle.add = async (entry) => {
      arrived.add(entry.id)
      await gate
      const result = await real(entry)
      written.set(entry.id, result)
      return result
    }
    const location = await crew.post('ok')
    await eventually(() => expect([...arrived]).to.include(idOf(location)))
    expect(await crew.cancel(location)).to.equal(true)
    write()
    await eventually(() => expect(written.get(idOf(location))).to.equal('lost'))
    crew.store.settle.add = real
    expect(await world.sql('select id from tasks where id = $1', [idOf(location)])).to.deep.equal([])
  })

  it('of an id without a task is false, and a cancel notice for one is ignored', async () => {
    expect(await crew.cancel('/tasks/123456789')).to.equal(false)
    crew.supervisor.cancelled('123456789')
    crew.supervisor.cancelled('no id')
    const location = await crew.post('ok')
    await eventually(async () =>
      expect(await world.sql('select status from tasks where id = $1', [idOf(location)])).to.deep.equal([
        { status: 'complete' },
      ]),
    )
  })
})
