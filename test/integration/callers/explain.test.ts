// Why a task is not running, read over HTTP: from its row, those before it, and the last beats of the nodes.
import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { TIMINGS } from '../../../src/core/timings.ts'
import { eventually } from '../../support/eventually.ts'
import { openWorld, post, type World } from '../../support/world.ts'
import { ask, type Told } from './asks.ts'

describe('an explanation over HTTP', () => {
  let world: World
  let urls: string[]
  before(async () => {
    world = await openWorld()
    const setup = { slots: 10, timings: { ...TIMINGS, linger: 0 } }
    urls = [
      (await world.node({ ...setup, services: { svc: {}, one: { concurrency: 1 } } })).url,
      (await world.node({ ...setup, slots: 0, services: { other: {} } })).url,
    ]
  })
  after(() => world.close())
  afterEach(() => world.service.letGo())

  /** What both nodes say. */
  async function explained(location: string): Promise<Told['json']> {
    const [one, two] = await Promise.all(urls.map((url) => ask('GET', `${url}${location}/explain`)))
    expect([one?.status, one?.json]).to.deep.equal([200, two?.json])
    return one?.json
  }
  const codes = async (location: string): Promise<string[]> =>
    (await explained(location)).reasons.map(({ code }: { code: string }) => code)
  async function inserted(service: string, more = ''): Promise<string> {
    const [row] = await world.sql<{ id: string }>(
      `insert into tasks (key, service, action, payload, payload_bytes) select gen_random_uuid(), $1, 'ok', '{}', 2 ${more} returning id`,
      [service],
    )
    return `/tasks/${row?.id}`
  }
  const begun = (locations: readonly string[]): Promise<void> =>
    world.service.until((seen) => locations.every((location) => seen.some((one) => one.location === location)))
  /** A node that others hear of by its row alone. */
  const enroll = (name: string, service: string, lease: string, use: object | null): Promise<unknown> =>
    world.sql(
      `insert into nodes (id, name, services, lease_until, slots, running, use) values ($1, $2, array[$3], now() + $4::interval, 10, 1, $5)`,
      [randomUUID(), name, service, lease, use && JSON.stringify({ [service]: use })],
    )

  it('says `due` where nothing stands in the way of a task', async () => {
    await world.sql('begin')
    const location = await inserted('svc')
    await world.sql('commit; begin')
    // Whose row is locked is passed over.
    const [row] = await world.sql<{ node: string | null }>('select node from tasks where id = $1 for update', [
      location.slice(7),
    ])
    expect(row?.node).to.equal(null)
    expect(await explained(location)).to.deep.include({ state: 'waiting' })
    expect(await codes(location)).to.deep.equal(['due'])
    await world.sql('delete from tasks where id = $1', [location.slice(7)])
    await world.sql('commit')
  })

  it('says `service_full` where a service has nine tenths of the slots, though its concurrency is more', async () => {
    const held = await Promise.all(Array.from({ length: 9 }, () => post(urls[0] ?? '', 'held')))
    await begun(held)
    const waiting = await post(urls[0] ?? '', 'ok')
    await eventually(async () => expect(await codes(waiting)).to.deep.equal(['service_full']), 10_000)
    expect((await explained(waiting)).reasons[0].detail).to.match(/9 of the 9 slots/)
    // The tenth slot is for others.
    const other = await post(urls[0] ?? '', 'held', undefined, 'one')
    await begun([other])
    await eventually(async () => {
      const { reasons } = await explained(waiting)
      expect(reasons[0].detail).to.match(/10 of 10 slots/)
    }, 10_000)
  })

  it('counts who comes first, to a thousand', async () => {
    const held = await post(urls[0] ?? '', 'held', undefined, 'one')
    await begun([held])
    const [second, third] = [await post(urls[0] ?? '', 'ok', undefined, 'one'), await inserted('one')]
    expect((await explained(third)).reasons[0]).to.include({
      code: 'behind_others',
      detail: 'About 1 tasks begin first.',
    })
    await inserted('one', `from generate_series(1, 1500)`)
    const last = await inserted('one')
    expect((await explained(last)).reasons[0].detail).to.match(/More than 1000/)
    const high = await ask('POST', `${urls[0]}/tasks`, { service: 'one', action: 'ok', priority: 'high' })
    await eventually(async () => expect(await codes(high.location)).to.deep.equal(['service_full']), 10_000)
    expect((await explained(second)).reasons[0]).to.include({
      code: 'behind_others',
      detail: 'About 1 tasks begin first.',
    })
    await world.sql(`delete from tasks where service = 'one' and status = 'pending'`)
  })

  it('heeds the nodes whose lease runs, as their last beat was, and no others', async () => {
    const location = await inserted('ghost')
    expect(await codes(location)).to.deep.equal(['no_node'])
    await enroll('gone:1', 'ghost', '-1 second', null)
    expect(await codes(location)).to.deep.equal(['no_node'])
    await enroll('full:1', 'ghost', '1 hour', { running: 4, open: 4, limit: 4 })
    expect((await explained(location)).reasons).to.deep.equal([
      { code: 'service_full', detail: 'full:1: 4 of 4 requests open.', until: null },
    ])
    await enroll('free:1', 'ghost', '1 hour', null)
    expect(await codes(location)).to.deep.equal(['due'])
    await world.sql(`delete from nodes where name in ('gone:1', 'full:1', 'free:1')`)
  })

  it('says when a task that waits for its time, or to repeat a request, is due', async () => {
    const later = await ask('POST', `${urls[0]}/tasks?wait=1ms`, { service: 'svc', action: 'ok', delay: '1h' })
    const [delayed] = (await explained(later.location)).reasons
    expect(delayed.code).to.equal('delayed')
    expect(Date.parse(delayed.until) - Date.now()).to.be.within(3_540_000, 3_600_500)
    const repeats = await post(urls[0] ?? '', 'later.60')
    await eventually(async () => expect(await codes(repeats)).to.deep.equal(['waiting_for_retry']))
    const [retry] = (await explained(repeats)).reasons
    expect(retry.detail).to.equal('Try 1 failed: The service answered 503.')
    expect(Date.parse(retry.until) - Date.now()).to.be.within(30_000, 60_500)
  })

  it('says what a task does, and that it has ended', async () => {
    const location = await post(urls[0] ?? '', 'heldstep')
    await world.service.until((seen) => seen.some((one) => one.location === location && one.step === 1))
    const { state, reasons } = await explained(location)
    expect([state, reasons[0].code]).to.deep.equal(['running', 'running'])
    expect(reasons[0].detail).to.match(/^Node .+:\d+ runs step 1, try 1; the task began at \d{4}-/)
    world.service.letGo(500)
    await eventually(async () => expect((await explained(location)).state).to.equal('ended'))
    expect((await explained(location)).reasons[0].detail).to.match(/^The task is failed \(service_error\) since \d{4}-/)
    for (const url of [`${urls[0]}/tasks/999999/explain`, `${urls[0]}/tasks/x/explain`])
      expect((await ask('GET', url)).status).to.equal(404)
    expect((await ask('HEAD', `${urls[0]}${location}/explain`)).status).to.equal(200)
  })
})
