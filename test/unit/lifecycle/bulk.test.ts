// The pace of a change of many tasks, and how it ends early.
import { expect } from 'chai'
import { stub } from 'sinon'
import { Refusal } from '../../../src/core/refusal.ts'
import { bulk, type Bulk, type BulkDependencies } from '../../../src/lifecycle/bulk.ts'

const asked: Bulk = {
  verb: 'retry',
  filters: { status: ['failed'] },
  after: '0',
  until: undefined,
  dryRun: false,
  caller: null,
  apart: 5,
  spread: 7,
  gone: new AbortController().signal,
}

interface Call {
  readonly ids: readonly string[]
  readonly place: number
}
interface Stretch {
  readonly after: string
  readonly until: string | undefined
  readonly most: number
}

/** A store of so many tasks that match. Each retry of some of them is noted, and told to `during`; every second task is retried. */
function storeOf(count: number, during: (calls: readonly Call[]) => void | Promise<void> = () => {}) {
  const calls: Call[] = []
  const windows: Stretch[] = []
  const store = {
    window: async (_: unknown, stretch: Stretch) => {
      windows.push(stretch)
      const after = Number(stretch.after)
      const ids = Array.from({ length: Math.min(stretch.most, count - after) }, (_one, i) => String(after + i + 1))
      return { ids, looked: ids.length, last: ids.at(-1), until: String(count + 1) }
    },
    retryMany: async ({ ids, place }: Call) => {
      calls.push({ ids, place })
      await during(calls)
      const retried = ids.filter((id) => Number(id) % 2 === 0)
      return retried.map((id, i) => ({ id, service: 'svc', place: place + i, late: true }))
    },
  }
  const by = { store, queue: {}, supervision: { due: () => {} }, services: new Map() }
  return { by: by as unknown as BulkDependencies, calls, windows }
}

describe('a change of many tasks', () => {
  it('begins with few tasks in a commit, and comes to a hundred', async () => {
    const { by, calls } = storeOf(400)
    expect(await bulk(by, asked)).to.deep.equal({ matched: 400, done: 200, next: undefined })
    expect(calls.map(({ ids }) => ids.length)).to.deep.equal([10, 20, 40, 80, 100, 100, 50])
    expect(calls.flatMap(({ ids }) => ids)).to.deep.equal(Array.from({ length: 400 }, (_, i) => String(i + 1)))
  })

  it('gives each retry the place after the last, over windows and calls', async () => {
    const { by, calls, windows } = storeOf(10_100)
    const { next } = await bulk(by, asked)
    expect(next).to.deep.equal({ after: '10000', until: '10101', spread: 5_007 })
    let place = 7
    for (const call of calls) {
      expect(call.place).to.equal(place)
      place += call.ids.length / 2
    }
    expect(windows).to.have.length(10)
    expect(windows[0]).to.include({ after: '0', until: undefined })
    expect(windows[9]).to.include({ after: '9000', until: '10101' })
  })

  it('makes commits smaller that take long', async () => {
    const { by, calls } = storeOf(120, async (so) => {
      const end = performance.now() + (so.length === 3 ? 120 : 0)
      while (performance.now() < end) await Promise.resolve()
    })
    await bulk(by, asked)
    expect(calls.map(({ ids }) => ids.length)).to.deep.equal([10, 20, 40, 20, 30])
  })

  it('goes on no further when nobody waits for it', async () => {
    const caller = new AbortController()
    const { by, calls } = storeOf(5_000, (so) => (so.length === 2 ? caller.abort() : undefined))
    const { done, next } = await bulk(by, { ...asked, gone: caller.signal })
    expect([calls.length, done]).to.deep.equal([2, 15])
    expect(next).to.deep.equal({ after: '30', until: '5001', spread: 22 })
  })

  it('ends after some seconds, and leads on', async () => {
    const clock = stub(performance, 'now')
    try {
      let now = 0
      clock.callsFake(() => now)
      const { by, calls } = storeOf(5_000, (so) => void (so.length === 2 && (now += 8_001)))
      const done = bulk(by, asked)
      expect(await done).to.deep.equal({ matched: 30, done: 15, next: { after: '30', until: '5001', spread: 22 } })
      expect(calls).to.have.length(2)
    } finally {
      clock.restore()
    }
  })

  for (const [after, code] of [
    [1, 'unavailable'],
    [2, 'outcome_unknown'],
  ] as const)
    it(`is ${code} where Postgres goes away at commit ${after}`, async () => {
      const { by } = storeOf(100, (so) => {
        if (so.length === after) throw new Refusal('unavailable', 'away')
      })
      const refusal = await bulk(by, asked).catch((error: unknown) => error)
      expect(refusal).to.be.instanceOf(Refusal).and.to.include({ code })
    })
})
