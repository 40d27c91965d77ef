// Limits over several nodes, counted where it matters: at the service.
import { expect } from 'chai'
import type { Limit } from '../../../src/core/limit.ts'
import { ended, openWorld, post, type World } from '../../support/world.ts'

describe('a limit', () => {
  let world: World
  beforeEach(async () => void (world = await openWorld()))
  afterEach(() => world.close())

  /** A service that takes `ms` for a request: each task has two steps, and its first request of the first step fails. */
  const counting = async (ms: number) => {
    const seen = { open: 0, most: 0, begun: [] as number[] }
    const url = await world.serve((request, response) => {
      seen.open += 1
      seen.most = Math.max(seen.most, seen.open)
      seen.begun.push(performance.now())
      const { 'task-step': step, 'task-attempt': attempt } = request.headers
      const over = (): void => {
        seen.open -= 1
        const status = step === '1' ? 200 : attempt === '1' ? 503 : 206
        response.writeHead(status, { 'content-type': 'application/json' }).end('{}')
      }
      setTimeout(over, ms)
    })
    return { seen, url }
  }
  const run = async (limit: Limit, url: string, tasks: number, more = {}) => {
    const services = { svc: { url, limit, retry: { attempts: 20, backoff: 20, maxBackoff: 50 }, ...more } }
    const nodes = [await world.node({ services }), await world.node({ services }), await world.node({ services })]
    const locations = await Promise.all(Array.from({ length: tasks }, (_, i) => post(nodes[i % 3]?.url ?? '', 'go')))
    for (const location of locations) expect((await ended(nodes[0]?.url ?? '', location)).status).to.equal('complete')
  }

  it('of requests open at once holds over three nodes, with steps and retries among them', async () => {
    const { seen, url } = await counting(50)
    await run({ concurrency: 7 }, url, 60)
    expect([seen.most, seen.begun.length]).to.deep.equal([7, 180])
  })

  it('of a rate holds in every stretch of time, by the clock of Postgres, and is used', async () => {
    await world.sql(`
      create table grants (at timestamptz);
      create function note() returns trigger language plpgsql as $$
        begin insert into grants values (clock_timestamp()); return null; end $$;
      create trigger note after update on tasks for each row when (new.granted and old.granted is not true) execute function note()`)
    const { url } = await counting(1)
    await run({ rate: '50/s', burst: 10 }, url, 60)
    const rows = await world.sql<{ ms: number }>(
      'select (extract(epoch from at) * 1000)::double precision as ms from grants order by at',
    )
    const times = rows.map(({ ms }) => ms)
    expect(times).to.have.length(180)
    for (const [i, from] of times.entries())
      for (const [j, to] of times.slice(i).entries())
        // A grant is noted a moment after it was reckoned.
        expect(j + 1, `within ${to - from} ms`).to.be.at.most(10 + Math.ceil(((to - from + 50) / 1000) * 50))
    // What a rate allows while work waits begins: the last of 180 is due 3.4 s after the first.
    expect((times.at(-1) ?? 0) - (times[0] ?? 0)).to.be.within(3_200, 10_000)
  })
})
