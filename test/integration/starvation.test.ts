// Starvation: rows whose ids were lost are begun within seconds, although pops keep every slot busy.
import { expect } from 'chai'
import { ended, FAST, openWorld, post, type World } from '../support/world.ts'

describe('a row whose id was lost', () => {
  let world: World
  beforeEach(async () => {
    world = await openWorld()
  })
  afterEach(() => world.close())

  const lose = async (count: number, service = 'svc'): Promise<string[]> => {
    const rows = await world.sql<{ id: string }>(
      `insert into tasks (key, service, action, payload, payload_bytes)
       select gen_random_uuid(), $2, 'ok', '{}', 2 from generate_series(1, $1) returning id`,
      [count, service],
    )
    return rows.map(({ id }) => `/tasks/${id}`)
  }

  for (const [what, slots, concurrency] of [
    ['slots of the node', 2, 100],
    ['slots of its service', 100, 2],
  ] as const)
    it(`is begun while pops keep the ${what} busy`, async () => {
      // A full pass meets a free slot only when pops have left it one.
      const node = await world.node({ slots, services: { svc: { concurrency } }, timings: { ...FAST, pass: 400 } })
      const posted: Promise<string>[] = []
      // More than can be done in the time of the test: there is always an id to pop.
      const fill = setInterval(() => posted.push(post(node.url, 'slow.150')), 15)
      await world.service.until((seen) => seen.length >= 6)
      const begun = performance.now()
      const lost = await lose(2)
      await Promise.all(lost.map((location) => ended(node.url, location))).finally(() => clearInterval(fill))
      const took = performance.now() - begun
      await Promise.all(posted)
      const waiting = await world.sql(`select id from tasks where status = 'pending'`)
      expect(waiting.length, 'ids that waited all the time').to.be.above(20)
      // Not before it is overdue (half a second here): until then its id may still come.
      expect(took).to.be.above(400)
      await world.sql('delete from tasks')
    })

  it('is begun when there is room', async () => {
    const node = await world.node()
    for (const location of await lose(50)) await ended(node.url, location)
  })

  for (const [what, setup] of [
    ['its service', { services: { svc: { concurrency: 1 }, idle: {} } }],
    ['the node', { slots: 1, services: { svc: {}, idle: {} } }],
  ] as const)
    it(`leaves no delay behind when ${what} had been full: what is posted later is popped`, async () => {
      // A full pass leaves ids to pops for a minute: what ends in 50 s was popped.
      const timings = { ...FAST, pass: 300, grace: 60_000 }
      const node = await world.node({ ...setup, timings })
      const busy = await post(node.url, 'slow.700')
      await Promise.all(
        [busy, await post(node.url, 'ok'), await post(node.url, 'ok')].map((one) => ended(node.url, one)),
      )
      for (let i = 0; i < 5; i += 1) {
        await ended(node.url, await post(node.url, 'ok'), 50_000)
      }
    })

  it('is begun in an idle service while another is flooded', async () => {
    const node = await world.node({ slots: 40, services: { svc: { concurrency: 4 }, idle: {} } })
    // More than can be done in the time of the test, however busy the machine is.
    await Promise.all(Array.from({ length: 300 }, () => post(node.url, 'slow.1000')))
    for (const location of await lose(2, 'idle')) await ended(node.url, location)
    const [flood] = await world.sql<{ n: number }>(
      `select count(*)::int as n from tasks where service = 'svc' and status = 'pending'`,
    )
    expect(flood?.n, 'tasks of the flood that still waited').to.be.above(0)
    await world.sql('delete from tasks')
  })
})
