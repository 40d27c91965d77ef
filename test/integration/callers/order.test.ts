// In which order tasks of one service begin, with the times of a node that runs for real.
import { expect } from 'chai'
import { LEVELS } from '../../../src/core/task.ts'
import { TIMINGS } from '../../../src/core/timings.ts'
import { openWorld, type World } from '../../support/world.ts'

const { high, normal, low } = LEVELS

describe('tasks of several levels', () => {
  let world: World
  beforeEach(async () => {
    world = await openWorld()
  })
  afterEach(() => world.close())

  /** Rows of a level, due so many seconds ago, the first a second before the next; their locations. */
  const waiting = async (count: number, priority: number, seconds: number): Promise<string[]> => {
    const rows = await world.sql<{ id: string }>(
      `insert into tasks (key, service, action, payload, payload_bytes, priority, run_at)
       select gen_random_uuid(), 'svc', 'ok', '{}', 2, $2, now() - ($3::integer - n) * interval '1 second' from generate_series(0, $1 - 1) n
       returning id`,
      [count, priority, seconds],
    )
    return rows.map(({ id }) => `/tasks/${id}`)
  }
  /** What began, in that order: one request at a time. */
  const begun = async (count: number, redis = true): Promise<string[]> => {
    await world.node({ redis, services: { svc: { concurrency: 1 } }, timings: TIMINGS })
    await world.service.until((seen) => seen.length >= count)
    return world.service.requests.slice(0, count).map(({ location }) => location)
  }

  it('begin high before normal before low, and the oldest of a level first', async () => {
    const lows = await waiting(4, low, 40)
    const normals = await waiting(4, normal, 30)
    const highs = await waiting(4, high, 20)
    expect(await begun(12)).to.deep.equal([...highs, ...normals, ...lows])
  })

  for (const [what, redis] of [
    ['with Redis', true],
    ['without Redis', false],
  ] as const)
    it(`let the longest waiting of a lower level begin as one of every ten, in a flood of high ones, ${what}`, async () => {
      const highs = await waiting(150, high, 200)
      const [normals, lows] = [await waiting(4, normal, 1_200), await waiting(4, low, 1_203)]
      const young = [...(await waiting(4, normal, 20)), ...(await waiting(4, low, 400))]
      const order = await begun(100, redis)
      const others = order.filter((location) => !highs.includes(location))
      expect(others).to.deep.equal(
        [...lows.slice(0, 3), normals[0], lows[3], ...normals.slice(1)].slice(0, others.length),
      )
      for (let ten = 0; ten < 80; ten += 10)
        expect(order.slice(ten, ten + 10).filter((location) => !highs.includes(location))).to.have.length(1)
      // What has not waited for long has no turn.
      expect(order.filter((location) => young.includes(location))).to.deep.equal([])
    })
})
