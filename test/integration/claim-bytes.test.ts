// The bound of a claim in bytes: what does not fit into one answer is taken by the next, and nothing waits for a sweep.
import { expect } from 'chai'
import { CLAIM_BYTES, type ClaimedRow } from '../../src/store/claims.ts'
import { type Bench, openBench } from '../support/bench.ts'
import { openCrew } from '../support/crew.ts'
import { eventually } from '../support/eventually.ts'
import { openWorld } from '../support/world.ts'

const MIB = 1024 * 1024
const COUNT = 40

describe('a claim of large payloads', () => {
  let bench: Bench
  let node: string
  before(async () => {
    bench = await openBench()
    node = await bench.node()
  })
  after(() => bench.close())
  afterEach(() => bench.sql('delete from tasks'))

  const due = `run_at = now() - interval '1 minute'`
  const large = `payload = to_json(repeat('x', ${MIB} - 2)), payload_bytes = ${MIB}`
  const takers: Readonly<Record<string, (ids: readonly string[]) => Promise<ClaimedRow[]>>> = {
    'by ids': (ids) =>
      bench.store.claimIds(
        { node, token: 5, takesOver: true },
        ids.map((id) => ({ id, service: 'svc' })),
      ),
    'by a sweep': () =>
      bench.store.claimDue(
        { node, token: 5, takesOver: true },
        { room: new Map([['svc', 100]]), limit: 100, grace: 0, parkedGrace: 0 },
      ),
  }
  for (const [what, take] of Object.entries(takers)) {
    it(`${what} brings no more than fits, and leaves the rest as it was`, async () => {
      const ids = await bench.rows(COUNT, `${due}, ${large}`)
      const first = await take(ids)
      expect(first).to.have.length(CLAIM_BYTES / MIB)
      const left = await bench.sql(`select id from tasks where status = 'pending' and node is null and attempt = 0`)
      expect(left).to.have.length(COUNT - first.length)
      expect(await take(ids)).to.have.length(COUNT - first.length)
    })

    it(`${what} counts the state where there is one, not the payload that was`, async () => {
      const ids = await bench.rows(COUNT, `${due}, state = to_json(repeat('x', ${MIB})), payload_bytes = 7`)
      expect(await take(ids)).to.have.length(CLAIM_BYTES / MIB)
      await bench.sql('delete from tasks')
      const small = await bench.rows(COUNT, `${due}, ${large}, state = '1'`)
      expect(await take(small)).to.have.length(COUNT)
    })

    it(`${what} brings one at least, whatever its size`, async () => {
      const ids = await bench.rows(2, `${due}, payload_bytes = ${2 * CLAIM_BYTES}`)
      expect(await take(ids)).to.have.length(1)
      expect(await take(ids)).to.have.length(1)
    })
  }
})

describe('a node that pops more large tasks than one claim brings', () => {
  it('claims the rest at once: their ids go back into the queue', async () => {
    const world = await openWorld()
    // No sweep looks for them.
    const crew = await openCrew(world, { timings: { sweep: 600_000 } })
    const rows = await world.sql<{ id: string }>(
      `insert into tasks (key, service, action, payload, payload_bytes)
       select gen_random_uuid(), 'svc', 'ok', to_json(repeat('x', ${MIB} - 2)), ${MIB} from generate_series(1, ${COUNT})
       returning id`,
    )
    const sizes: number[] = []
    const real = crew.store.claimIds
    crew.store.claimIds = async (by, popped) => {
      const claimed = await real(by, popped)
      sizes.push(claimed.length)
      return claimed
    }
    await Promise.all(rows.map(({ id }) => crew.queue.push('svc', id)))
    await eventually(
      async () => expect(await world.sql(`select id from tasks where status <> 'complete'`)).to.deep.equal([]),
      15_000,
    )
    expect(Math.max(...sizes)).to.equal(CLAIM_BYTES / MIB)
    expect(world.service.requests).to.have.length(COUNT)
    await crew[Symbol.asyncDispose]()
    await world.close()
  })
})
