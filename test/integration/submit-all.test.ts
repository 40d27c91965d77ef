// A batch of plain tasks: one commit that other batches share, all or none, and a lost answer is asked about and never repeated.
import { expect } from 'chai'
import type { NewTask } from '../../src/core/task.ts'
import { submitAll } from '../../src/lifecycle/submit.ts'
import { type Bench, openBench } from '../support/bench.ts'

const TASK = { service: 'svc', action: 'ok', payload: '{}' }
const EACH = 30

describe('a batch of plain tasks', () => {
  let bench: Bench
  before(async () => {
    bench = await openBench()
  })
  after(() => bench.close())

  const count = async (): Promise<number> => (await bench.sql('select id from tasks')).length
  /** So many batches, each task with a payload of its own. */
  const batches = (count: number): NewTask[][] =>
    Array.from({ length: count }, (_, b) =>
      Array.from({ length: EACH }, (_, i) => ({ ...TASK, payload: `[${b}, ${i}]` })),
    )

  it('shares a statement with others, and answers each with its own tasks, in order', async () => {
    const asked = batches(20)
    const stored = await Promise.all(asked.map((tasks) => bench.store.insertAll(tasks)))
    const ids = stored.flat().map(({ id }) => id)
    const rows = await bench.sql<{ payload: string; mark: string }>(
      `select t.payload::text, t.xmin::text as mark from tasks t join unnest($1::bigint[]) with ordinality as one(id, place) on one.id = t.id order by place`,
      [ids],
    )
    expect(rows.map(({ payload }) => payload)).to.deep.equal(asked.flat().map(({ payload }) => payload))
    expect(new Set(rows.map(({ mark }) => mark)).size).to.be.at.most(3)
    // The oldest begin first.
    for (const one of stored) expect(one.map(({ id }) => Number(id))).to.satisfy(isRising)
  })

  it('that Postgres refuses creates nothing, and does not fail the others', async () => {
    const before = await count()
    const asked = batches(5).map((tasks, b) => (b === 2 ? [...tasks.slice(1), { ...TASK, payload: '{broken' }] : tasks))
    const ends = await Promise.allSettled(asked.map((tasks) => bench.store.insertAll(tasks)))
    expect(ends.map(({ status }) => status === 'fulfilled')).to.deep.equal([true, true, false, true, true])
    expect(await count()).to.equal(before + 4 * EACH)
  })

  it('whose answer is lost is found by its keys, and not repeated', async () => {
    const before = await count()
    const submitting = Promise.all(batches(2).map((tasks) => bench.store.insertAll(tasks)))
    await bench.loseAnswer(async () => expect(await count()).to.equal(before + 2 * EACH))
    const found = (await submitting).flat()
    expect(await count()).to.equal(before + 2 * EACH)
    const rows = await bench.sql<{ payload: string }>(
      'select payload::text from tasks where id = any($1) order by id',
      [found.map(({ id }) => id)],
    )
    expect(rows.map(({ payload }) => payload)).to.deep.equal(found.map(({ payload }) => payload))
  })

  it('is pushed id by id once it is committed', async () => {
    const pushed: string[] = []
    const push = async (_service: string, id: string): Promise<boolean> => pushed.push(id) > 0
    const supervision = { pushed: () => {}, pushFailed: () => {}, due: () => {} }
    const stored = await submitAll({ store: bench.store, queue: { push }, supervision }, [TASK, TASK, TASK])
    expect(pushed).to.deep.equal(stored.map(({ id }) => id))
    expect(new Set(pushed)).to.have.property('size', 3)
  })
})

const isRising = (numbers: readonly number[]): boolean =>
  numbers.every((one, i) => i === 0 || one > (numbers[i - 1] ?? 0))
