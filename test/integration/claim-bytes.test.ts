// The bound of a claim in bytes: what does not fit into one answer is taken by the next, and nothing waits for a full pass.
import { expect } from 'chai'
import { CLAIM_BYTES } from '../../src/store/claim-routine.ts'
import { type ClaimedRow } from '../../src/store/claimed.ts'
import { asking, type Bench, openBench } from '../support/bench.ts'
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
  const take = (): Promise<ClaimedRow[]> => bench.store.claim({ node, token: 5, takesOver: true }, asking({ svc: 100 }))

  it(`brings no more than fits, and leaves the rest as it was`, async () => {
    await bench.rows(COUNT, `${due}, ${large}`)
    const first = await take()
    expect(first).to.have.length(CLAIM_BYTES / MIB)
    const left = await bench.sql(`select id from tasks where status = 'pending' and node is null and attempt = 0`)
    expect(left).to.have.length(COUNT - first.length)
    expect(await take()).to.have.length(COUNT - first.length)
  })

  it(`counts the state where there is one, not the payload that was`, async () => {
    await bench.rows(COUNT, `${due}, state = to_json(repeat('x', ${MIB})), payload_bytes = 7`)
    expect(await take()).to.have.length(CLAIM_BYTES / MIB)
    await bench.sql('delete from tasks')
    await bench.rows(COUNT, `${due}, ${large}, state = '1'`)
    expect(await take()).to.have.length(COUNT)
  })

  it(`brings one at least, whatever its size`, async () => {
    await bench.rows(2, `${due}, payload_bytes = ${2 * CLAIM_BYTES}`)
    expect(await take()).to.have.length(1)
    expect(await take()).to.have.length(1)
  })
})

describe('a node that claims more large tasks than one claim brings', () => {
  it('claims the rest at once', async () => {
    const world = await openWorld()
    // No pass but the first looks for them.
    const crew = await openCrew(world, { timings: { pass: 600_000 } })
    const rows = await world.sql<{ id: string }>(
      `insert into tasks (key, service, action, payload, payload_bytes)
       select gen_random_uuid(), 'svc', 'ok', to_json(repeat('x', ${MIB} - 2)), ${MIB} from generate_series(1, ${COUNT})
       returning id`,
    )
    const sizes: number[] = []
    const real = crew.store.claim
    crew.store.claim = async (by, asked) => {
      const claimed = await real(by, asked)
      sizes.push(claimed.length)
      return claimed
    }
    await Promise.all(rows.map(({ id }) => crew.queue.push('svc', id)))
    await eventually(async () =>
      expect(await world.sql(`select id from tasks where status <> 'complete'`)).to.deep.equal([]),
    )
    expect(Math.max(...sizes)).to.equal(CLAIM_BYTES / MIB)
    expect(world.service.requests).to.have.length(COUNT)
    await crew[Symbol.asyncDispose]()
    await world.close()
  })
})
