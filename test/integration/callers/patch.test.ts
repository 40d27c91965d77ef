// When a task that waits begins, and before which others: changed on any node.
import { expect } from 'chai'
import { eventually } from '../../support/eventually.ts'
import { ended, openWorld, type World } from '../../support/world.ts'
import { ask, type Told } from './asks.ts'

describe('a task that waits', () => {
  let world: World
  let urls: string[]
  let url: string
  before(async () => {
    world = await openWorld()
    const services = { svc: {}, one: { concurrency: 1 } }
    urls = [(await world.node({ services })).url, (await world.node({ services, slots: 0 })).url]
    url = urls[0] ?? ''
  })
  after(() => world.close())

  const submit = async (task: Record<string, unknown>): Promise<string> =>
    (await ask('POST', `${url}/tasks`, { service: 'svc', action: 'ok', ...task })).location
  const patch = (location: string, body: unknown, at = urls[1]): Promise<Told> =>
    ask('PATCH', `${at}${location}?view=full`, body)
  const full = async (location: string): Promise<Told['json']> => (await ask('GET', `${url}${location}?view=full`)).json
  const iso = (ms: number): string => new Date(ms).toISOString()

  it('begins at another time, later or sooner', async () => {
    const location = await submit({ delay: '1h' })
    const later = iso(Date.now() + 7_200_000)
    const put = await patch(location, { runAt: later })
    expect([put.status, put.json.runAt, put.json.status]).to.deep.equal([200, later, 'pending'])
    const soon = Date.now() + 1_500
    expect((await patch(location, { runAt: iso(soon) }, url)).json.runAt).to.equal(iso(soon))
    const { startedAt } = await ended(url, location)
    expect(Date.parse(startedAt ?? '') - soon).to.be.within(0, 1_000)
  })

  for (const body of [{ delay: '0' }, { delay: '0s' }, { runAt: '2001-01-01T00:00:00+01:00' }])
    it(`begins at once by ${JSON.stringify(body)}`, async () => {
      const location = await submit({ runAt: iso(Date.now() + 3_600_000) })
      const { json, status } = await patch(location, body)
      expect(status).to.equal(200)
      expect(json.createdAt).to.be.a('string')
      const { startedAt } = await ended(url, location, 2_000)
      expect(Date.parse(startedAt ?? '') - Date.now()).to.be.within(-5_000, 1_000)
    })

  it('has its deadline counted from the new time', async () => {
    const location = await submit({ delay: '1h', deadline: '10m' })
    const { json } = await patch(location, { delay: '2h' })
    expect(Date.parse(json.deadlineAt) - Date.parse(json.runAt)).to.equal(600_000)
    await patch(location, { priority: 'low' })
    const task = await full(location)
    expect(task).to.include({ runAt: json.runAt, deadlineAt: json.deadlineAt, priority: 'low' })
  })

  it('is asked again now, or later, where it waits to repeat a request', async () => {
    const [soon, late] = [await submit({ action: 'later.3600' }), await submit({ action: 'wait.3600' })]
    await eventually(async () => {
      expect(await full(soon)).to.include({ fails: 1, status: 'running' })
      expect(await full(late)).to.include({ step: 1, status: 'running' })
    })
    const before = await full(late)
    const { json, status } = await patch(late, { delay: '2h' })
    expect(status).to.equal(200)
    expect(json).to.include({ status: 'running', step: 1, deadlineAt: before.deadlineAt })
    expect(Date.parse(json.runAt) - Date.now()).to.be.within(7_190_000, 7_201_000)
    expect((await patch(soon, { delay: '0' })).status).to.equal(200)
    expect(await ended(url, soon, 2_000)).to.include({ status: 'complete' })
    expect(world.service.of(soon).map(({ step }) => step)).to.deep.equal([0, 0])
    expect((await patch(late, { delay: '0' })).status).to.equal(200)
    expect(await ended(url, late, 2_000)).to.include({ status: 'complete' })
    expect(world.service.of(late).map(({ step }) => step)).to.deep.equal([0, 1])
  })

  it('begins before others where it is due and becomes more important', async () => {
    const holder = await submit({ service: 'one', action: 'held' })
    await world.service.until(() => world.service.of(holder).length === 1)
    const tasks = Array.from({ length: 30 }, () => ({ service: 'one', action: 'slow.100' }))
    const { json } = await ask('POST', `${url}/tasks/batch`, tasks)
    const all: string[] = json.map(({ location }: { location: string }) => location)
    const [first = '', last = ''] = [all[0], all.at(-1)]
    expect((await patch(first, { priority: 'low' })).json).to.include({ priority: 'low', status: 'pending' })
    expect((await patch(last, { priority: 'high' })).json).to.include({ priority: 'high', status: 'pending' })
    const begun = performance.now()
    world.service.letGo()
    for (const location of all) await ended(url, location)
    const order = world.service.requests.map(({ location }) => location).filter((one) => all.includes(one))
    expect(order.at(-1)).to.equal(first)
    // Within a second, and after the task that runs then. One after another they take three.
    expect((world.service.of(last)[0]?.at ?? Infinity) - begun).to.be.below(1_500)
  })

  it('is changed no more once it runs or has ended', async () => {
    const running = await submit({ action: 'held' })
    await world.service.until(() => world.service.of(running).length === 1)
    const done = await submit({})
    await ended(url, done)
    const failed = await submit({ action: 'fail' })
    await ended(url, failed)
    for (const location of [running, done, failed])
      for (const body of [{ delay: '0' }, { runAt: iso(Date.now() + 60_000) }, { priority: 'high' }])
        for (const at of urls) {
          const before = await full(location)
          const { status, json } = await patch(location, body, at)
          expect([status, json.code]).to.deep.equal([409, 'not_waiting'])
          expect(await full(location)).to.deep.equal(before)
        }
    world.service.letGo()
  })

  for (const [name, body] of Object.entries({
    'a time without an offset': { runAt: '2026-12-24T18:00:00' },
    'a time after 366 days': { runAt: iso(Date.now() + 367 * 86_400_000) },
    'a delay over 366 days': { delay: '367d' },
    'a delay below 0': { delay: '-1s' },
    'a priority that there is not': { priority: 'urgent' },
    'a null': { priority: null },
    'another member': { delay: '1s', payload: 1 },
  }))
    it(`is not changed by ${name}`, async () => {
      const location = await submit({ delay: '1h' })
      const before = await full(location)
      const { status, json } = await patch(location, body)
      expect([status, json.code]).to.deep.equal([400, 'invalid_task'])
      expect(await full(location)).to.deep.equal(before)
    })
})
