// Cancel and keep: in the times of DELETE, on any node, with or without Redis, and once. What began is undone.
import { expect } from 'chai'
import { cancel } from '../../../src/lifecycle/cancel.ts'
import { idOf, openCrew } from '../../support/crew.ts'
import { eventually } from '../../support/eventually.ts'
import { ended, FAST, openWorld, post, remove, show, type World } from '../../support/world.ts'
import { ask, type Told } from './asks.ts'

/** Beats so rare that only the cancel notice can tell a node of a cancellation. */
const RARE = { ...FAST, beat: 20_000, lease: 60_000, trust: 50_000, takeoverDelay: 600_000 }

describe('a task that is cancelled', () => {
  let world: World
  let runs: string
  let other: string
  before(async () => {
    world = await openWorld()
    const services = { svc: {}, undone: { onCancel: 'echo' } }
    runs = (await world.node({ timings: RARE, slots: 20, services })).url
    // No slots: it takes no task, and serves its API.
    other = (await world.node({ timings: RARE, slots: 0, services })).url
  })
  after(() => world.close())

  const running = async (action: string, service = 'svc'): Promise<string> => {
    const location = await post(runs, action, '{"n":1}', service)
    await world.service.until(() => world.service.of(location).length > 0)
    return location
  }
  const cancelAt = (url: string, location: string): Promise<Told> => ask('POST', `${url}${location}/cancel`)
  const kept = async (location: string): Promise<void> => {
    for (const url of [runs, other]) {
      const task = await show(url, location)
      expect(task).to.deep.include({ status: 'failed', payload: { n: 1 }, runAt: null })
      expect(task?.error).to.include({ code: 'cancelled' })
    }
  }

  for (const where of ['the node that runs it', 'another node'])
    it(`has its request in flight cut off within a second, asked of ${where}`, async () => {
      const location = await running('held')
      const begun = performance.now()
      const told = await cancelAt(where === 'another node' ? other : runs, location)
      expect([told.status, told.json.status, told.json.error.code]).to.deep.equal([200, 'failed', 'cancelled'])
      await world.service.until(() => world.service.of(location)[0]?.aborted === true, 1_000)
      expect(performance.now() - begun).to.be.below(1_000)
      expect(world.service.of(location)).to.have.length(1)
      await kept(location)
    })

  it('stops a loop of requests within a second', async () => {
    const location = await running('ever.5')
    await cancelAt(other, location)
    const after = performance.now()
    await eventually(() => {
      const { at = 0, endedAt = 0 } = world.service.of(location).at(-1) ?? {}
      expect(Math.max(at, endedAt)).to.be.below(performance.now() - 300)
    })
    expect((world.service.of(location).at(-1)?.at ?? 0) - after).to.be.below(1_000)
    await kept(location)
  })

  it('is not asked again where it waits, in its actor or parked', async () => {
    const waiting = await running('empty.9')
    // Its next pause is 800 ms.
    await world.service.until(() => world.service.of(waiting).length >= 4)
    const parked = await running('wait.1')
    await eventually(async () => expect((await show(runs, parked))?.step).to.equal(1))
    // Parked later and left alone: when it is asked again, the others would have been.
    const witness = await running('wait.1')
    const counted = world.service.of(waiting).length
    for (const location of [waiting, parked]) expect((await cancelAt(other, location)).status).to.equal(200)
    await world.service.until(() => world.service.of(witness).length === 2)
    expect(world.service.of(waiting)).to.have.length(counted)
    expect(world.service.of(parked)).to.have.length(1)
    await kept(waiting)
    await kept(parked)
  })

  it('sends no request where it was pending', async () => {
    const blockers = await Promise.all(Array.from({ length: 18 }, () => running('held')))
    const location = await post(other, 'ok', '{"n":1}')
    expect((await show(other, location))?.status).to.equal('pending')
    expect((await cancelAt(other, location)).status).to.equal(200)
    world.service.letGo()
    for (const blocker of blockers) await ended(runs, blocker)
    await ended(runs, await post(runs, 'ok'))
    expect(world.service.of(location)).to.have.length(0)
    await kept(location)
  })

  it('is refused once it has ended, and stays as it is', async () => {
    for (const action of ['ok', 'fail']) {
      const before = await ended(runs, await post(runs, action))
      for (const url of [runs, other]) {
        const { status, json } = await cancelAt(url, before.location)
        expect([status, json.code]).to.deep.equal([409, 'already_ended'])
      }
      expect(await show(runs, before.location)).to.deep.equal(before)
    }
  })

  it('of several at once by one, whichever nodes are asked', async () => {
    const location = await running('held')
    const all = await Promise.all([runs, runs, other, other].map((url) => cancelAt(url, location)))
    expect(all.map(({ status }) => status).toSorted((a, b) => a - b)).to.deep.equal([200, 409, 409, 409])
    expect(all.filter(({ status }) => status === 409).map(({ json }) => json.code)).to.deep.equal(Array.from({ length: 3 }, () => 'already_ended')) // prettier-ignore
    await kept(location)
    expect(await remove(other, location)).to.equal(204)
    expect((await cancelAt(runs, location)).status).to.equal(404)
  })

  it('is undone once where it had begun, cancelled or deleted, running or parked', async () => {
    const undoing = (location: string): Promise<{ payload: unknown }[]> =>
      world.sql(
        `select payload from tasks where service = 'undone' and action = 'echo' and payload ->> 'location' = $1
           and run_at between created_at + interval '9.9 s' and created_at + interval '10.1 s' and run_at = due_at`,
        [location],
      )
    const running1 = await running('held', 'undone')
    const running2 = await running('heldstep', 'undone')
    await world.service.until(() => world.service.of(running2).length === 2)
    const parked1 = await running('later.3600', 'undone')
    const parked2 = await running('wait.3600', 'undone')
    for (const [location, fails, step] of [
      [parked1, 1, 0],
      [parked2, 0, 1],
    ] as const)
      // prettier-ignore
      await eventually(async () => expect(await show(runs, location)).to.include({ fails, step }))
    const done = await post(runs, 'ok', '{"n":1}', 'undone')
    await ended(runs, done)
    const pending = (await ask('POST', `${runs}/tasks`, { service: 'undone', action: 'ok', delay: '1h' })).location
    await Promise.all([cancelAt(other, running1), remove(runs, running1)])
    await cancelAt(runs, parked1)
    for (const location of [running2, parked2, done, pending]) expect(await remove(other, location)).to.equal(204)
    const state = { [running1]: { n: 1 }, [parked1]: { n: 1 }, [running2]: { at: 1 }, [parked2]: { waited: true } }
    for (const location of [running1, parked1, running2, parked2]) {
      const step = [running2, parked2].includes(location) ? 1 : 0
      expect(await undoing(location)).to.deep.equal([{ payload: { location, step, state: state[location] } }])
    }
    for (const location of [done, pending]) expect(await undoing(location)).to.deep.equal([])
  })

  it('stays cancelled when an answer comes late', async () => {
    // A world without other nodes, which could claim the task.
    const own = await openWorld()
    const crew = await openCrew(own, { timings: RARE })
    try {
      const real = crew.store.settle.add.bind(crew.store.settle)
      let write = (): void => {}
      const gate = new Promise<void>((resolve) => (write = resolve))
      const written = new Map<string, unknown>()
      const arrived = new Set<string>()
      crew.store.settle.add = async (entry) => {
        arrived.add(entry.id)
        await gate
        const result = await real(entry)
        written.set(entry.id, result)
        return result
      }
      const id = idOf(await crew.post('ok'))
      await eventually(() => expect([...arrived]).to.include(id))
      const by = { store: crew.store, queue: crew.queue, services: new Map() }
      // Both in one statement.
      expect(await Promise.all([cancel(by, id), cancel(by, id)])).to.deep.equal(['cancelled', 'ended'])
      write()
      await eventually(() => expect(written.get(id)).to.equal('lost'))
      const rows = await own.sql('select status, result, error from tasks where id = $1', [id])
      const error = { code: 'cancelled', detail: 'The task was cancelled.' }
      expect(rows).to.deep.equal([{ status: 'failed', result: null, error }])
    } finally {
      await crew[Symbol.asyncDispose]()
      await own.close()
    }
  })
})
