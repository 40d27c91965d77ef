// Submit: the row is committed before anything else, its id is only a bell, and a lost answer is asked about and never repeated.
import { expect } from 'chai'
import { Refusal, type RefusalCode } from '../../src/core/refusal.ts'
import type { NewTask } from '../../src/core/task.ts'
import { submit } from '../../src/lifecycle/submit.ts'
import type { Stored } from '../../src/core/ports.ts'
import { type Bench, openBench } from '../support/bench.ts'
import { eventually } from '../support/eventually.ts'
import { ended, openWorld, post } from '../support/world.ts'

const TASK = { service: 'svc', action: 'ok', payload: '{"n" : 1}' }

describe('a submit', () => {
  let bench: Bench
  let cutOff: ReturnType<typeof cutInTheMiddle>
  before(async () => {
    bench = await openBench()
    // On a bench of its own beside all others: it takes its time.
    cutOff = cutInTheMiddle()
    cutOff.catch(() => undefined)
  })
  after(() => bench.close())

  async function cutInTheMiddle(): Promise<{
    code: RefusalCode | undefined
    took: number
    created: number
    order: string[]
  }> {
    const own = await openBench()
    await own.store.insert(TASK)
    own.proxy.freeze()
    const begun = performance.now()
    const order: string[] = []
    const submitting = refusalOf(own.store.insert(TASK)).finally(() => order.push('cut off'))
    await new Promise((resolve) => setTimeout(resolve, 100))
    await own.proxy.close()
    await own.proxy.listen(own.proxy.target)
    await own.store.insert(TASK).finally(() => order.push('later'))
    const code = await submitting
    const took = performance.now() - begun
    const created = (await own.sql('select id from tasks')).length
    await own.close()
    return { code, took, created, order }
  }

  const count = async (): Promise<number> => (await bench.sql('select id from tasks')).length
  /** The code of the refusal that a submit ends in. */
  const refusalOf = (submitted: Promise<unknown>): Promise<RefusalCode | undefined> =>
    submitted.then(
      () => undefined,
      (error: unknown) => {
        if (error instanceof Refusal) return error.code
        throw error
      },
    )

  it('commits the row before its id is pushed, and answers before the push', async () => {
    const events: unknown[] = []
    let finish = (_heard: boolean): void => {}
    const push = async (service: string, id: string): Promise<boolean> => {
      events.push(`pushed to ${service}`)
      events.push(...(await bench.sql('select status from tasks where id = $1', [id])))
      return new Promise((resolve) => (finish = resolve))
    }
    const insert = async (task: NewTask): Promise<Stored> => {
      const submitted = await bench.store.insert(task)
      events.push('inserted')
      return submitted
    }
    const supervision = {
      reserve: () => undefined,
      pushed: (service: string) => void events.push(`told of ${service}`),
      pushFailed: (service: string) => void events.push(`failed for ${service}`),
      due: () => {},
    }
    const submitted = await submit({ store: { insert }, queue: { push }, supervision }, TASK)
    expect(submitted).to.deep.include(TASK)
    await eventually(() =>
      expect(events).to.deep.equal(['inserted', 'told of svc', 'pushed to svc', { status: 'pending' }]),
    )
    finish(false)
    await eventually(() => expect(events.at(-1)).to.equal('failed for svc'))
  })

  it('creates a row that nobody owns, due at once', async () => {
    const { id } = await bench.store.insert({ ...TASK, payload: '"\u00fc"' })
    expect(await bench.read(id)).to.include({
      status: 'pending',
      node: null,
      step: 0,
      attempt: 0,
      crashes: 0,
      payload: '"\u00fc"',
    })
    const [row] = await bench.sql('select payload_bytes, run_at <= now() as due from tasks where id = $1', [id])
    expect(row).to.deep.equal({ payload_bytes: 4, due: true })
  })

  it('shares a statement with what is submitted at the same time', async () => {
    const ids = await Promise.all(Array.from({ length: 900 }, () => bench.store.insert(TASK).then(({ id }) => id)))
    expect(new Set(ids).size).to.equal(900)
    const [row] = await bench.sql<{ statements: string }>(
      'select count(distinct xmin::text) as statements from tasks where id = any($1::bigint[])',
      [ids],
    )
    expect(Number(row?.statements)).to.be.at.most(3)
  })

  it('answers each of them with its own row', async () => {
    const tasks = Array.from({ length: 50 }, (_, i) => ({ ...TASK, action: `a${i}`, payload: String(i) }))
    const submitted = await Promise.all(tasks.map((task) => bench.store.insert(task)))
    for (const { id, action, payload } of submitted) {
      const [row] = await bench.sql('select action, payload::text from tasks where id = $1', [id])
      expect(row).to.deep.equal({ action, payload })
    }
  })

  it('that Postgres refuses does not fail the others', async () => {
    const before = await count()
    const ends = await Promise.allSettled(
      Array.from({ length: 30 }, (_, i) => bench.store.insert({ ...TASK, payload: i % 10 === 3 ? '{broken' : '{}' })),
    )
    expect(ends.map(({ status }) => status === 'fulfilled')).to.deep.equal(ends.map((_, i) => i % 10 !== 3))
    expect(await count()).to.equal(before + 27)
  })

  it('whose answer is lost is found by its key, and not repeated', async () => {
    const before = await count()
    const submitting = Promise.all([bench.store.insert(TASK), bench.store.insert({ ...TASK, action: 'second' })])
    await bench.loseAnswer(async () => expect(await count()).to.equal(before + 2))
    const [first, second] = await submitting
    expect(await count()).to.equal(before + 2)
    expect(
      await bench.sql('select action from tasks where id = any($1) order by id', [[first.id, second.id]]),
    ).to.deep.equal([{ action: 'ok' }, { action: 'second' }])
  })

  it('whose answer is lost is told that its node has the task', async () => {
    const taker = { node: await bench.node(), token: 7 }
    const before = await count()
    const inserting = bench.store.insert(TASK, taker)
    await bench.loseAnswer(async () => expect(await count()).to.equal(before + 1))
    const { id, claimed } = await inserting
    expect(claimed).to.equal(true)
    expect(await bench.read(id)).to.include({
      status: 'running',
      node: taker.node,
      token: '7',
      attempt: 1,
      started: true,
    })
  })

  it('is unavailable while Postgres is away, and nothing is created', async () => {
    const before = await count()
    await bench.proxy.close()
    // A statement on a connection whose end has not been noticed yet would be one of unknown outcome.
    await new Promise((resolve) => setTimeout(resolve, 100))
    const codes = await Promise.all(Array.from({ length: 20 }, () => refusalOf(bench.store.insert(TASK))))
    await bench.proxy.listen(bench.proxy.target)
    expect(new Set(codes)).to.deep.equal(new Set(['unavailable']))
    expect(await bench.store.insert(TASK)).to.have.property('id')
    expect(await count()).to.equal(before + 1)
  })

  it('costs nothing when its push fails: the task is executed all the same', async () => {
    const world = await openWorld()
    const node = await world.node({ redisUrl: 'redis://127.0.0.1:1' })
    const locations = await Promise.all(Array.from({ length: 10 }, () => post(node.url, 'ok')))
    const begun = performance.now()
    for (const location of locations) expect(await ended(node.url, location)).to.include({ status: 'complete' })
    expect(performance.now() - begun).to.be.below(2_000)
    await world.close()
  })

  it('that never got there, cut off in the middle, is outcome_unknown after 5 s, and holds no later one up', async () => {
    const { code, took, created, order } = await cutOff
    expect(code).to.equal('outcome_unknown')
    expect(took).to.be.within(4_000, 15_000)
    expect(created).to.equal(2)
    expect(order).to.deep.equal(['later', 'cut off'])
  })
})
