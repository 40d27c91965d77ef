// A task that gives its grant back goes first when it comes again: it is marked as begun, however it left its node.
import { expect } from 'chai'
import { NO_TERMS } from '../../../src/core/limit.ts'
import type { ClaimRef } from '../../../src/store/fenced.ts'
import { type Bench, openBench } from '../../support/bench.ts'

describe('a task of a limited service that has begun', () => {
  let bench: Bench
  let node: string
  let token = 0
  before(async () => {
    bench = await openBench()
    node = await bench.node()
  })
  after(() => bench.close())
  afterEach(() => bench.sql('delete from tasks; delete from service_state; delete from cut_grants'))

  const grant = async (count: number, concurrency: number): Promise<string[]> => {
    token += 1
    const { rows } = await bench.store.grant({ node, token }, 'svc', { count }, { ...NO_TERMS, concurrency })
    return rows.map(({ id }) => id)
  }
  const WAYS: Readonly<Record<string, (claim: ClaimRef) => Promise<unknown>>> = {
    'is released': (claim) => bench.store.release.add(claim),
    'waits for its next try': (claim) => bench.store.park.add({ ...claim, wait: 0, fails: 1, error: '{}' }),
    'waits for its next step': (claim) =>
      bench.store.checkpoint.add({ ...claim, step: 0, state: null, repeats: 0, wait: 0 }),
  }

  for (const [way, leave] of Object.entries(WAYS))
    it(`${way}, and goes before what has not begun`, async () => {
      const [begun] = await bench.rows(1, 'priority = 2')
      expect(await grant(1, 1)).to.deep.equal([begun])
      expect(await leave({ id: begun ?? '', node, token })).to.equal('written')
      const others = await bench.rows(3, `priority = 0, run_at = now() - interval '1 hour'`)
      expect(await grant(2, 2)).to.have.members([begun, others[0]])
    })

  it('holds its grant while it keeps its claim', async () => {
    const [begun] = await bench.rows(2)
    await grant(1, 1)
    const claim = { id: begun ?? '', node, token }
    await bench.store.checkpoint.add({ ...claim, step: 0, state: null, repeats: 0, wait: null })
    expect(await grant(1, 1)).to.have.length(0)
  })
})
