// By when a task must have ended, wherever it waits, with the times of a node that runs for real.
import { expect } from 'chai'
import { TIMINGS } from '../../../src/core/timings.ts'
import { eventually } from '../../support/eventually.ts'
import { ended, openWorld, show, type World } from '../../support/world.ts'
import { ask } from './asks.ts'

describe('a deadline', () => {
  let world: World
  beforeEach(async () => {
    world = await openWorld()
  })
  afterEach(() => world.close())

  const submit = async (url: string, task: object): Promise<string> =>
    (await ask('POST', `${url}/tasks`, { service: 'svc', action: 'ok', ...task })).location
  /** How old a task was when it ended, and whether anything was asked for it. */
  const endOf = async (url: string, location: string): Promise<{ age: number; code?: string; requests: number }> => {
    const task = await ended(url, location)
    const [row] = await world.sql<{ age: number }>(
      `select (extract(epoch from finished_at - created_at) * 1000)::float8 as age from tasks where id = $1`,
      [location.slice('/tasks/'.length)],
    )
    return { age: row?.age ?? NaN, ...task.error, requests: world.service.of(location).length }
  }

  it('of its own ends a task that waits though it is due, and counts from when it is first due', async () => {
    const { url } = await world.node({ services: { svc: { concurrency: 1 } }, timings: TIMINGS })
    await submit(url, { action: 'held' })
    await world.service.until((seen) => seen.length === 1)
    const [own, late] = [await submit(url, { deadline: '1s' }), await submit(url, { delay: '3s', deadline: '4s' })]
    const plain = await submit(url, {})
    const first = await endOf(url, own)
    expect(first).to.include({ code: 'deadline_exceeded', requests: 0 })
    expect(first.age).to.be.within(1_000, 12_000)
    const second = await endOf(url, late)
    expect(second).to.include({ code: 'deadline_exceeded', requests: 0 })
    expect(second.age).to.be.within(7_000, 18_000)
    expect(await show(url, plain)).to.include({ status: 'pending' })
  })

  it('of the service counts from when a task is first due', async () => {
    const services = { svc: { deadline: 1_500 }, full: { deadline: 1_500, concurrency: 1 } }
    const { url } = await world.node({ services, timings: TIMINGS })
    await submit(url, { service: 'full', action: 'held', deadline: '1h' })
    await world.service.until((seen) => seen.length === 1)
    const waits = await submit(url, { service: 'full', delay: '3s' })
    const begins = await submit(url, { delay: '3s' })
    const over = await endOf(url, waits)
    expect(over).to.include({ code: 'deadline_exceeded', requests: 0 })
    expect(over.age).to.be.at.least(4_500)
    expect(await ended(url, begins)).to.include({ status: 'complete' })
  })

  it('of the service reaches tasks that waited before it was lowered, and lets go of them where it was raised', async () => {
    const before = await world.node({
      services: { svc: { deadline: 3_600_000 }, raised: { deadline: 3_000 } },
      timings: TIMINGS,
    })
    const parked = await submit(before.url, { action: 'later.1800' })
    const own = await submit(before.url, { action: 'later.1800', deadline: '1h' })
    const raised = await submit(before.url, { service: 'raised', action: 'later.10' })
    const delayed = await submit(before.url, { delay: '30m' })
    for (const location of [parked, own, raised])
      await eventually(async () => expect(await show(before.url, location)).to.include({ fails: 1 }))
    await before.stop()
    const { url } = await world.node({
      services: { svc: { deadline: 1_000 }, raised: { deadline: 0 } },
      timings: TIMINGS,
    })
    expect((await ended(url, parked)).error).to.include({ code: 'deadline_exceeded' })
    expect(await ended(url, raised)).to.include({ status: 'complete' })
    expect(await show(url, own)).to.include({ status: 'running' })
    expect(await show(url, delayed)).to.include({ status: 'pending' })
  })
})
