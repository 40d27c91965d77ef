// What the tasks of a service came to, by the minute: each way to begin and to end counts once, whatever gets lost on the way.
import { expect } from 'chai'
import { SERVICE_DEFAULTS } from '../../../src/core/service.ts'
import { CRASHES } from '../../../src/core/crashes.ts'
import { Minutes } from '../../../src/store/minutes.ts'
import type { Store } from '../../../src/store/store.ts'
import { type ChoreDependencies, CHORES } from '../../../src/supervisor/chores.ts'
import { asking, type Bench, openBench } from '../../support/bench.ts'
import { eventually } from '../../support/eventually.ts'
import { ended, openWorld, post } from '../../support/world.ts'
import { ask } from '../callers/asks.ts'

const services = new Map([['svc', { ...SERVICE_DEFAULTS, name: 'svc', url: 'http://svc' }]])
const NEW = { service: 'svc', action: 'ok', payload: '{}' }
const PLAIN = { result: '{}', omitted: false, error: null, step: null } as const
const removal = (id: string) => ({ id, services: [], actions: [], callbacks: [] })
const creation = (key?: string) => ({
  tasks: [NEW, { ...NEW, options: { unique: 'u' } }],
  key: key === undefined ? undefined : { scope: '/tasks', key, hash: Buffer.from('x') },
  caller: null,
  services,
})
const retrial = (id: string) => ({ id, from: 'default', payload: undefined, delay: 0, key: undefined, caller: null, services: ['svc'] }) as const // prettier-ignore
const ENDED = `status = 'failed', finished_at = now(), error = '{"code":"x"}'`

interface Counted {
  readonly created: number
  readonly complete: number
  readonly failed: number
}
/** What a step counts as: created, complete, failed. */
const STEPS: Readonly<
  Record<string, readonly [number, number, number, (store: Store, bench: Bench) => Promise<unknown>]>
> = {
  'a plain task': [1, 0, 0, (store) => store.insert(NEW)],
  'a batch, and its repeat': [2, 0, 0, async (store) => [await store.create(creation('k')), await store.create(creation('k'))]], // prettier-ignore
  'a `unique` that is there': [
    1,
    0,
    0,
    async (store, { sql }) => {
      await sql(
        `insert into tasks (key, service, action, payload, payload_bytes, unique_key) values (gen_random_uuid(), 'svc', 'ok', '{}', 2, 'u')`,
      )
      return store.create(creation())
    },
  ],
  'a retry, and its repeat': [
    1,
    0,
    0,
    async (store, { row }) => {
      const id = await row(ENDED)
      return [await store.retryTask(retrial(id)), await store.retryTask(retrial(id))]
    },
  ],
  'retries in bulk': [3, 0, 0, async (store, { rows }) => store.retryMany({ ids: await rows(3, ENDED), place: 0, apart: 0, services: ['svc'], caller: null })], // prettier-ignore
  'an end': [0, 1, 0, async (store, { claimed }) => store.settle.add({ ...(await claimed()), ...PLAIN, service: 'svc', status: 'complete' })], // prettier-ignore
  'a failure': [0, 0, 1, async (store, { claimed }) => store.settle.add({ ...(await claimed()), ...PLAIN, error: '{}', service: 'svc', status: 'failed' })], // prettier-ignore
  'an end that is not ours any more': [0, 0, 0, async (store, { claimed }) => store.settle.add({ ...(await claimed()), ...PLAIN, token: 8, service: 'svc', status: 'complete' })], // prettier-ignore
  'a cancellation, and a second one': [
    0,
    0,
    1,
    async (store, { row }) => {
      const id = await row()
      return [await store.cancel(removal(id)), await store.cancel(removal(id))]
    },
  ],
  'a deletion': [0, 0, 0, async (store, { row }) => store.remove(removal(await row()))],
  'a deadline': [
    0,
    0,
    2,
    async (store, { rows }) => {
      await rows(2, `created_at = now() - interval '1 hour', run_at = now() - interval '1 hour'`)
      return store.expire([{ service: 'svc', deadline: 60_000, error: '{}' }], 9)
    },
  ],
  'a forgotten service': [
    0,
    0,
    2,
    async (store, { rows, sql }) => {
      await rows(2, `created_at = now() - interval '1 hour'`)
      await sql('delete from nodes')
      return store.failUnknown(1_000)
    },
  ],
  'a task that is lost for the last time': [
    0,
    0,
    1,
    async (store, { row, node }) => {
      await row(`status = 'running', node = $1, crashes = $2`, [await node(-1), CRASHES.failed - 1])
      return store.claim({ node: await node(), token: 9, takesOver: true }, asking({ svc: 9 }))
    },
  ],
}

describe('the counts of a minute', () => {
  let bench: Bench
  beforeEach(async () => {
    bench = await openBench()
  })
  afterEach(() => bench.close())

  const counted = async (): Promise<Counted | undefined> => {
    const [row] = await bench.sql<Counted & { none: boolean }>(
      `select coalesce(sum(created), 0)::integer as created, coalesce(sum(complete), 0)::integer as complete,
         coalesce(sum(failed), 0)::integer as failed from minutes where service = 'svc'`,
    )
    return row
  }

  for (const [what, [created, complete, failed, step]] of Object.entries(STEPS))
    it(`are right for ${what}`, async () => {
      await step(bench.store, bench)
      await bench.store.minutes.write()
      await bench.store.minutes.write()
      expect(await counted()).to.deep.equal({ created, complete, failed })
    })

  it('are written again where the answer was lost, and count once', async () => {
    const { minutes } = bench.store
    minutes.count('created', 'svc')
    await minutes.write()
    minutes.count('complete', 'svc')
    const lost = minutes.write().catch(() => 'lost')
    await bench.loseAnswer(async () => expect(await counted()).to.include({ complete: 1 }))
    expect(await lost).to.equal('lost')
    minutes.count('failed', 'svc')
    await eventually(() => minutes.write())
    expect(await counted()).to.deep.equal({ created: 1, complete: 1, failed: 1 })
  })

  it('begin anew with each minute of Postgres', async () => {
    const asked: unknown[][] = []
    const clock = ['1', '1', '2', '2', '3', '3']
    const minutes = new Minutes(async <Row>(_sql: unknown, values: readonly unknown[] = []) => {
      if (values.length > 0) asked.push([values[0], ...values.slice(3, 6)])
      return [{ minute: clock.shift() }] as Row[]
    })
    minutes.count('created', 'svc')
    await minutes.write()
    minutes.count('created', 'svc')
    await minutes.write()
    expect(asked).to.deep.equal([
      ['1', [1], [0], [0]],
      ['1', [2], [0], [0]],
    ])
    // That minute is over, and nothing has been counted since.
    await minutes.write()
    expect(asked).to.have.length(2)
    minutes.count('failed', 'svc')
    await minutes.write()
    expect(asked.at(-1)).to.deep.equal(['2', [0], [0], [1]])
  })

  it('keep what comes while they are written', async () => {
    const sent: unknown[][] = []
    const minutes: Minutes = new Minutes(async <Row>(_sql: unknown, values: readonly unknown[] = []) => {
      if (values.length === 0) return [{ minute: '1' }] as Row[]
      sent.push([values[0], values[4]])
      if (sent.length === 1) minutes.count('complete', 'svc')
      return [{ minute: '2' }] as Row[]
    })
    minutes.count('complete', 'svc')
    await minutes.write()
    await minutes.write()
    expect(sent).to.deep.equal([
      ['1', [1]],
      ['2', [1]],
    ])
  })

  it('are written and forgotten by chores', async () => {
    const by = { store: bench.store } as unknown as ChoreDependencies
    bench.store.minutes.count('failed', 'svc')
    for (const { run } of CHORES.filter(({ name }) => name.includes('minute'))) expect(await run(by)).to.equal(false)
    expect(await counted()).to.include({ failed: 1 })
  })

  it('are forgotten after 48 hours', async () => {
    await bench.sql(`insert into minutes select now() - ago * interval '1 hour', 'svc', gen_random_uuid(), 1, 1, 1
      from unnest(array[47.9, 48.1, 100]) ago, generate_series(1, 2000)`)
    expect(await bench.store.minutes.forget()).to.equal(false)
    expect(await counted()).to.include({ created: 2_000 })
    await bench.sql(
      `insert into minutes select now() - interval '50 hours', 'svc', gen_random_uuid(), 1, 1, 1 from generate_series(1, 6000)`,
    )
    expect([await bench.store.minutes.forget(), await bench.store.minutes.forget()]).to.deep.equal([true, false])
  })
})

describe('the last hour of a service', () => {
  it('has what nodes have written when they stop', async () => {
    const world = await openWorld()
    try {
      const [one, two] = [await world.node(), await world.node()]
      const locations = await Promise.all([post(one.url, 'ok'), post(one.url, 'ok'), post(one.url, 'fail')])
      for (const location of locations) await ended(one.url, location)
      await one.stop()
      const other = await post(two.url, 'ok')
      await ended(two.url, other)
      await two.stop()
      const { url } = await world.node()
      expect((await ask('GET', `${url}/services/svc`)).json.lastHour).to.deep.equal({ complete: 3, failed: 1 })
      expect(await world.sql('select sum(created)::integer as created from minutes')).to.deep.equal([{ created: 4 }])
    } finally {
      await world.close()
    }
  })
})
