// The last word of a claim: the try that ends a task is counted, and an end whose answer was lost is known to be written.
import { expect } from 'chai'
import { settle } from '../../src/lifecycle/settle.ts'
import type { ClaimRef, Written } from '../../src/store/fenced.ts'
import { type Bench, openBench } from '../support/bench.ts'
import { ended, openWorld, post } from '../support/world.ts'

describe('the end of a task', () => {
  let bench: Bench
  before(async () => {
    bench = await openBench()
  })
  after(() => bench.close())

  const END = { kind: 'settle', step: 2, attempt: 1, result: null, omitted: false } as const
  const complete = (fence: ClaimRef): Promise<Written> =>
    settle({ store: bench.store }, fence, { ...END, status: 'complete', failure: null })
  const fail = (fence: ClaimRef, code: 'timeout' | 'service_unavailable' | 'service_error'): Promise<Written> =>
    settle({ store: bench.store }, fence, { ...END, status: 'failed', failure: { code, detail: 'no' } })

  for (const [what, write] of [
    ['complete', complete],
    ['failed', (fence: ClaimRef) => fail(fence, 'timeout')],
  ] as const)
    it(`(${what}) is known to be written though the answer of Postgres was lost`, async () => {
      const fence = await bench.claimed()
      const writing = write(fence)
      await bench.loseAnswer(async () => expect((await bench.read(fence.id))?.finished).to.equal(true))
      expect(await writing).to.equal('written')
    })

  it('is lost when the row has ended otherwise meanwhile', async () => {
    const fence = await bench.claimed()
    const writing = complete(fence)
    await bench.loseAnswer(async () => {
      expect((await bench.read(fence.id))?.finished).to.equal(true)
      await bench.sql(`update tasks set status = 'failed', error = '{}' where id = $1`, [fence.id])
    })
    expect(await writing).to.equal('lost')
  })

  it('counts the failed try that brought it about, and no other end counts one', async () => {
    const fences = await Promise.all(Array.from({ length: 4 }, () => bench.claimed('fails = 3')))
    const [late, away, refused, done] = fences as [ClaimRef, ClaimRef, ClaimRef, ClaimRef]
    await Promise.all([
      fail(late, 'timeout'),
      fail(away, 'service_unavailable'),
      fail(refused, 'service_error'),
      complete(done),
    ])
    const fails = await Promise.all(fences.map(async ({ id }) => (await bench.read(id))?.fails))
    expect(fails).to.deep.equal([4, 4, 3, 3])
  })
})

describe('a task that ends by its attempts', () => {
  it('shows as many failed tries as there were', async () => {
    const world = await openWorld()
    const node = await world.node({ services: { svc: { retry: { attempts: 3, backoff: 5, maxBackoff: 5 } } } })
    const task = await ended(node.url, await post(node.url, 'status.503'))
    expect(task).to.include({ status: 'failed', attempt: 3, fails: 3 })
    expect(world.service.requests).to.have.length(3)
    await world.close()
  })
})
