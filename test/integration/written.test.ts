// What each verb of an actor leaves in its row: every column as docs/protocol.md says.
import { expect } from 'chai'
import { type Bench, type Columns, openBench } from '../support/bench.ts'

describe('a verb of an actor', () => {
  let bench: Bench
  before(async () => {
    bench = await openBench()
  })
  after(() => bench.close())

  /** The columns of a row that changed, `wait` rounded to seconds where the row waits. */
  async function changes(id: string, before: Columns | undefined): Promise<Partial<Columns>> {
    const after = await bench.read(id)
    const changed = Object.entries(after ?? {}).filter(
      ([name, value]) => name !== 'wait' && value !== before?.[name as keyof Columns],
    )
    return Object.fromEntries(changed)
  }

  const waitOf = async (id: string): Promise<number> => (await bench.read(id))?.wait ?? NaN

  it('checkpoint: one step more, the new state, failures and crashes forgotten, and the claim goes on', async () => {
    const fence = await bench.claimed('fails = 3, crashes = 4')
    const before = await bench.read(fence.id)
    await bench.store.checkpoint.add({ ...fence, step: 2, state: '{"a" : "\\u0000"}', repeats: 5, wait: null })
    expect(await changes(fence.id, before)).to.deep.equal({
      step: 3,
      state: '{"a" : "\\u0000"}',
      repeats: 5,
      fails: 0,
      crashes: 0,
    })
  })

  it('checkpoint without a body keeps the state', async () => {
    const fence = await bench.claimed(`state = '{"kept":1}'`)
    const before = await bench.read(fence.id)
    await bench.store.checkpoint.add({ ...fence, step: 2, state: null, repeats: 1, wait: null })
    expect(await changes(fence.id, before)).to.deep.equal({ step: 3, repeats: 1 })
  })

  it('checkpoint starts the attempts of the next step at 1', async () => {
    const fence = await bench.claimed()
    await bench.sql('update tasks set attempt = 6 where id = $1', [fence.id])
    await bench.store.checkpoint.add({ ...fence, step: 2, state: '1', repeats: 0, wait: null })
    expect((await bench.read(fence.id))?.attempt).to.equal(1)
  })

  it('checkpoint with a wait gives the claim back in the same statement', async () => {
    const fence = await bench.claimed('fails = 3, crashes = 4')
    const before = await bench.read(fence.id)
    await bench.store.checkpoint.add({ ...fence, step: 2, state: '[1]', repeats: 0, wait: 60_000 })
    expect(await changes(fence.id, before)).to.deep.equal({
      step: 3,
      state: '[1]',
      fails: 0,
      crashes: 0,
      attempt: 0,
      node: null,
    })
    expect(await waitOf(fence.id)).to.be.within(55_000, 60_000)
  })

  it('retry: one attempt and one failed try more, and the claim goes on', async () => {
    const fence = await bench.claimed('fails = 3, crashes = 4')
    const before = await bench.read(fence.id)
    await bench.store.retry.add({ ...fence, attempt: 1, error: '{"code":"timeout"}' })
    expect(await changes(fence.id, before)).to.deep.equal({ attempt: 2, fails: 4, error: '{"code":"timeout"}' })
  })

  it('park: one failed try more, and the claim is given back until the wait is over', async () => {
    const fence = await bench.claimed('fails = 3, crashes = 4')
    const before = await bench.read(fence.id)
    await bench.store.park.add({ ...fence, wait: 90_000, fails: 1, error: '{"code":"timeout"}' })
    expect(await changes(fence.id, before)).to.deep.equal({ fails: 4, node: null, error: '{"code":"timeout"}' })
    expect(await waitOf(fence.id)).to.be.within(85_000, 90_000)
  })

  it('park after a try that does not count: as many failed tries as before', async () => {
    const fence = await bench.claimed('fails = 3, crashes = 4')
    const before = await bench.read(fence.id)
    await bench.store.park.add({ ...fence, wait: 0, fails: 0, error: '{"code":"timeout"}' })
    expect(await changes(fence.id, before)).to.deep.equal({ node: null, error: '{"code":"timeout"}' })
  })

  it('settle, complete: status, result and end', async () => {
    const fence = await bench.claimed(`error = '{"code":"timeout"}'`)
    const before = await bench.read(fence.id)
    const end = { step: 2, result: '{"r": 1.10}', omitted: false, error: null }
    await bench.store.settle.add({ ...fence, status: 'complete', ...end })
    expect(await changes(fence.id, before)).to.deep.equal({
      status: 'complete',
      node: null,
      result: '{"r": 1.10}',
      finished: true,
    })
  })

  it('settle, failed: status, error, the steps so far, and end', async () => {
    const fence = await bench.claimed()
    const before = await bench.read(fence.id)
    const end = { step: 3, result: null, omitted: true, error: '{"code":"too_many_steps"}' }
    await bench.store.settle.add({ ...fence, status: 'failed', ...end })
    expect(await changes(fence.id, before)).to.deep.equal({
      status: 'failed',
      node: null,
      step: 3,
      result_omitted: true,
      error: '{"code":"too_many_steps"}',
      finished: true,
    })
  })

  it('release: the claim is given back and due at once, and nothing else is said', async () => {
    const fence = await bench.claimed(`fails = 3, crashes = 2, run_at = now() + interval '1 hour'`)
    const before = await bench.read(fence.id)
    await bench.store.release.add(fence)
    expect(await changes(fence.id, before)).to.deep.equal({ node: null })
    expect(await waitOf(fence.id)).to.be.at.most(0)
  })

  it('leaves the payload as it was created, whatever the state', async () => {
    const fence = await bench.claimed()
    await bench.store.checkpoint.add({ ...fence, step: 2, state: '"other"', repeats: 0, wait: null })
    expect((await bench.read(fence.id))?.payload).to.equal('{"n":1}')
  })
})
