// The fence: a write of a claim that is not the row's own changes nothing, in whatever way it came to be too late.
import { expect } from 'chai'
import { checkpoint } from '../../src/lifecycle/checkpoint.ts'
import { park } from '../../src/lifecycle/park.ts'
import { release } from '../../src/lifecycle/release.ts'
import { retry } from '../../src/lifecycle/retry.ts'
import { settle } from '../../src/lifecycle/settle.ts'
import { Database } from '../../src/store/database.ts'
import { Servers } from '../../src/store/servers.ts'
import { FENCED, type ClaimRef, fencedFlush, type Written } from '../../src/store/fenced.ts'
import { sealsOf } from '../../src/store/seal.ts'
import type { Store } from '../../src/store/store.ts'
import { type Bench, openBench } from '../support/bench.ts'

const failure = { code: 'service_unavailable', detail: 'no' } as const

/** Each verb as an actor at step 2, attempt 1 would ask for it. */
const VERBS: Readonly<Record<string, (store: Store, fence: ClaimRef) => Promise<Written>>> = {
  checkpoint: (store, fence) =>
    checkpoint({ store }, fence, { kind: 'checkpoint', step: 2, state: '{"s":3}', repeats: 0, wait: null }),
  'checkpoint with a wait': (store, fence) =>
    checkpoint({ store }, fence, { kind: 'checkpoint', step: 2, state: '{"s":3}', repeats: 0, wait: 5_000 }),
  retry: (store, fence) => retry({ store }, fence, { kind: 'retry', step: 2, attempt: 1, failure }),
  park: (store, fence) => park({ store }, fence, { kind: 'park', step: 2, attempt: 1, wait: 5_000, failure }),
  settle: (store, fence) =>
    settle({ store }, fence, {
      kind: 'settle',
      step: 2,
      attempt: 1,
      status: 'complete',
      result: '1',
      omitted: false,
      failure: null,
    }),
  release: (store, fence) => release({ store }, fence),
}

/** What can have happened to the row behind the claim's back: SQL on the row `$1`. */
const TOO_LATE: Readonly<Record<string, string>> = {
  'was claimed again by the same node': 'update tasks set token = 8 where id = $1',
  'belongs to another node': 'update tasks set node = gen_random_uuid() where id = $1',
  'was released': 'update tasks set node = null where id = $1',
  'is complete': `update tasks set status = 'complete', node = null, finished_at = now() where id = $1`,
  'has failed': `update tasks set status = 'failed', error = '{}', node = null, finished_at = now() where id = $1`,
  'was deleted': 'delete from tasks where id = $1',
}

describe('the fence', () => {
  let bench: Bench
  before(async () => {
    bench = await openBench()
  })
  after(() => bench.close())

  for (const [verb, write] of Object.entries(VERBS)) {
    for (const [what, sql] of Object.entries(TOO_LATE)) {
      it(`refuses a ${verb} when the row ${what}`, async () => {
        const fence = await bench.claimed()
        await bench.sql(sql, [fence.id])
        const before = await bench.whole(fence.id)
        expect(await write(bench.store, fence)).to.equal('lost')
        expect(await bench.whole(fence.id)).to.equal(before)
      })
    }

    it(`lets a ${verb} of the right claim through, and no second one that ends it`, async () => {
      const fence = await bench.claimed()
      const before = await bench.whole(fence.id)
      expect(await write(bench.store, fence)).to.equal('written')
      const after = await bench.whole(fence.id)
      expect(after).not.to.equal(before)
      expect(await write(bench.store, fence)).to.equal('lost')
      expect(await bench.whole(fence.id)).to.equal(after)
    })

    it(`applies a ${verb} once whose answer is lost`, async () => {
      const fence = await bench.claimed()
      const before = await bench.whole(fence.id)
      let applied: string | undefined
      const writing = write(bench.store, fence)
      await bench.loseAnswer(async () => {
        applied = await bench.whole(fence.id)
        expect(applied).not.to.equal(before)
      })
      const written = await writing
      // To the others nothing follows from it: the claim is over either way.
      if (verb.startsWith('checkpoint') || verb === 'retry') expect(written).to.equal('written')
      expect(await bench.whole(fence.id)).to.equal(applied)
    })
  }

  it('refuses a checkpoint of another step', async () => {
    const fence = await bench.claimed()
    await bench.sql('update tasks set step = 3 where id = $1', [fence.id])
    const before = await bench.whole(fence.id)
    expect(await VERBS.checkpoint?.(bench.store, fence)).to.equal('lost')
    expect(await bench.whole(fence.id)).to.equal(before)
  })

  it('refuses a retry of another attempt', async () => {
    const fence = await bench.claimed()
    await bench.sql('update tasks set attempt = 2 where id = $1', [fence.id])
    const before = await bench.whole(fence.id)
    expect(await VERBS.retry?.(bench.store, fence)).to.equal('lost')
    expect(await bench.whole(fence.id)).to.equal(before)
  })

  it('waits out an outage, and writes when Postgres is back', async () => {
    const fence = await bench.claimed()
    await bench.proxy.close()
    const writing = VERBS.settle?.(bench.store, fence)
    const early = await Promise.race([writing, new Promise((resolve) => setTimeout(resolve, 200, 'waiting'))])
    expect(early).to.equal('waiting')
    await bench.proxy.listen(bench.proxy.target)
    expect(await writing).to.equal('written')
    expect((await bench.read(fence.id))?.status).to.equal('complete')
  })

  it('answers each entry of a batch for itself', async () => {
    const fences = await Promise.all(Array.from({ length: 20 }, () => bench.claimed()))
    const stale = fences.map((fence, i) => (i % 2 === 0 ? fence : { ...fence, token: 99 }))
    const written = await Promise.all(stale.map(async (fence) => VERBS.settle?.(bench.store, fence)))
    expect(written).to.deep.equal(stale.map((_, i) => (i % 2 === 0 ? 'written' : 'lost')))
  })

  for (const [verb, write] of Object.entries(VERBS))
    it(`tells apart a ${verb} of two claims of one row in one batch`, async () => {
      const fences = await Promise.all([bench.claimed(), bench.claimed(), bench.claimed()])
      const batch = fences.flatMap((fence, i) =>
        i === 0 ? [{ ...fence, token: 6 }, fence] : [fence, { ...fence, token: 6 }],
      )
      const written = await Promise.all(batch.map((fence) => write(bench.store, fence)))
      expect(written).to.deep.equal(batch.map(({ token }) => (token === 7 ? 'written' : 'lost')))
    })

  it('writes the values of the claim that holds, when an older one of the same row is in its batch', async () => {
    const fences = await Promise.all(Array.from({ length: 20 }, () => bench.claimed()))
    const settled = (fence: ClaimRef, result: string): Promise<Written> =>
      bench.store.settle.add({ ...fence, status: 'complete', step: 2, result, omitted: false, error: null })
    await Promise.all(
      fences.flatMap((fence) => [
        settled({ ...fence, token: 6 }, '"old"'),
        settled(fence, '"new"'),
        settled({ ...fence, token: 5 }, '"old"'),
      ]),
    )
    const results = await Promise.all(fences.map(async ({ id }) => (await bench.read(id))?.result))
    expect(new Set(results)).to.deep.equal(new Set(['"new"']))
  })

  it('lets a row that Postgres refuses fail alone', async () => {
    const fences = await Promise.all(Array.from({ length: 9 }, () => bench.claimed()))
    const ends = await Promise.allSettled(
      fences.map((fence, i) =>
        bench.store.checkpoint.add({ ...fence, step: 2, state: i === 4 ? '{broken' : '{}', repeats: 0, wait: null }),
      ),
    )
    expect(ends.map(({ status }) => status === 'fulfilled')).to.deep.equal(fences.map((_, i) => i !== 4))
    const steps = await Promise.all(fences.map(async ({ id }) => (await bench.read(id))?.step))
    expect(steps).to.deep.equal(fences.map((_, i) => (i === 4 ? 2 : 3)))
  })

  it('locks rows in one order, so that batches of the same rows in other orders do not deadlock', async () => {
    const node = await bench.node()
    // So many rows that Postgres looks each up by its id, in the order in which it is asked for.
    const ids = await bench.rows(20_000, `status = 'running', node = $1, token = 7`, [node])
    await bench.sql('analyze tasks')
    const database = new Database(new Servers(bench.url), 8)
    const query = database.query.bind(database)
    const write = fencedFlush({ query, seals: sealsOf() }, FENCED.retry)
    const some = ids.slice(0, 1_000)
    const entries = (order: string[]) => order.map((id) => ({ id, token: 7, node, attempt: 0, error: '{}' }))
    const orders = [some, some.toReversed(), some.toSorted(() => Math.random() - 0.5), some.toReversed()]
    try {
      for (let round = 0; round < 5; round += 1) {
        await bench.sql('update tasks set attempt = 0 where id = any($1::bigint[])', [some])
        const results = await Promise.all(orders.map((order) => write(entries(order), false)))
        expect(results.flat().filter((one) => one === 'written')).to.have.length(1_000)
      }
    } finally {
      await database.close()
    }
  })
})
