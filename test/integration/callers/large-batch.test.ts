// Batches at their limits: a thousand tasks, 8 MiB, all in one commit; and batches that meet.
import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { openWorld, type World } from '../../support/world.ts'
import { ask, holding, INSERT_UNIQUE, type Told } from './asks.ts'

const MIB = 1024 * 1024
const MOST = 1_000

describe('a large batch', () => {
  let world: World
  let urls: readonly string[]
  before(async () => {
    world = await openWorld()
    urls = [(await world.node()).url, (await world.node()).url]
  })
  after(() => world.close())

  const TASK = { service: 'svc', action: 'ok', delay: '1h' }
  const post = (body: unknown, headers = {}, node = 0): Promise<Told> =>
    ask('POST', `${urls[node]}/tasks/batch`, body, headers)
  const many = (task: (i: number) => object, count = MOST): object[] =>
    Array.from({ length: count }, (_, i) => ({ ...TASK, ...task(i) }))
  const count = async (): Promise<number> =>
    Number((await world.sql<{ n: string }>('select count(*) as n from tasks'))[0]?.n)
  const locations = ({ json }: Told): string[] => json.map(({ location }: { location: string }) => location)
  const existing = ({ json }: Told): number => json.filter((one: object) => 'existing' in one).length
  /** The payloads of tasks, in the order of their locations. */
  const payloads = async (of: readonly string[]): Promise<string[]> => {
    const rows = await world.sql<{ payload: string }>(
      `select payload::text as payload from tasks join unnest($1::bigint[]) with ordinality as one(id, place) using (id) order by place`,
      [of.map((location) => location.slice('/tasks/'.length))],
    )
    return rows.map(({ payload }) => payload)
  }

  it('has a thousand tasks, each in its place', async () => {
    const { status, ...told } = await post(
      many((i) => ({ payload: i, ...(i % 3 === 0 && { labels: { n: String(i) } }) })),
    )
    expect(status).to.equal(201)
    expect(await payloads(locations({ status, ...told }))).to.deep.equal(
      Array.from({ length: MOST }, (_, i) => String(i)),
    )
    const labelled = await ask('GET', `${urls[1]}/tasks?label.n=999`)
    expect(labelled.json).to.have.length(1)
    expect(labelled.json[0].payload).to.equal(999)
  })

  it('may have a thousand with `unique`; the next one finds them all, each in its place', async () => {
    const run = randomUUID()
    // In no order of theirs.
    const batch = many((i) => ({ payload: i, unique: `${run} ${(i * 7919) % MOST}` }))
    const first = await post(batch)
    expect([first.status, existing(first)]).to.deep.equal([201, 0])
    expect(await payloads(locations(first))).to.deep.equal(Array.from({ length: MOST }, (_, i) => String(i)))
    const second = await post(batch, {}, 1)
    expect([second.status, existing(second)]).to.deep.equal([201, MOST])
    expect(locations(second)).to.deep.equal(locations(first))
  })

  it('may have a thousand of 8 KiB, and with a key comes only once', async () => {
    const before = await count()
    const headers = { 'idempotency-key': randomUUID() }
    const body = JSON.stringify(many((i) => ({ payload: `${i} ${'x'.repeat(8_100)}` })))
    expect(body.length).to.be.within(7.7 * MIB, 8 * MIB)
    const [first, second] = await Promise.all([post(body, headers), post(body, headers, 1)])
    expect([first?.status, second?.status, second?.text]).to.deep.equal([201, 201, first?.text])
    expect(await count()).to.equal(before + MOST)
  })

  it('has 8 MiB to the byte', async () => {
    const before = await count()
    const body = JSON.stringify(many(() => ({ payload: 'x'.repeat(MIB - 200) }), 7))
    const room = (bytes: number): string => `[${' '.repeat(bytes - body.length)}${body.slice(1)}`
    expect((await post(room(8 * MIB + 1))).status).to.equal(413)
    expect(await count()).to.equal(before)
    expect((await post(room(8 * MIB))).status).to.equal(201)
    expect(await count()).to.equal(before + 7)
  })

  it('is all or nothing: the last of a thousand can keep all others from being', async () => {
    const before = await count()
    const unique = randomUUID()
    const headers = { 'idempotency-key': randomUUID() }
    const batch = many((i) => ({ labels: { of: unique }, ...(i === MOST - 1 && { unique }) }))
    const release = await holding(world.databaseUrl, INSERT_UNIQUE, [unique])
    const held = await post(batch, headers)
    expect([held.status, held.json.code, held.headers.get('retry-after')]).to.deep.equal([409, 'unique_pending', '1'])
    await release()
    const wrong = await post([...batch.slice(1), { ...TASK, labels: { of: unique }, action: '' }], headers)
    expect([wrong.status, wrong.json.errors[0].pointer]).to.deep.equal([400, '/999/action'])
    expect(await count()).to.equal(before)
    expect((await world.sql('select from task_labels where label = $1', [`of=${unique}`])).length).to.equal(0)
    const made = await post(batch, headers, 1)
    expect([made.status, made.headers.get('idempotency-replayed')]).to.deep.equal([201, null])
    expect(await count()).to.equal(before + MOST)
  })

  it('names the first hundred faults, in the order of the tasks, and creates nothing', async () => {
    const before = await count()
    const batch = many((i) => (i >= 500 && i % 2 === 0 ? { service: `nobody ${i}`, unique: '' } : {}))
    const { status, json } = await post(batch)
    expect([status, json.code]).to.deep.equal([400, 'invalid_task'])
    const expected = Array.from({ length: 50 }, (_, i) => [`/${500 + 2 * i}/service`, `/${500 + 2 * i}/unique`]).flat()
    expect(json.errors.map(({ pointer }: { pointer: string }) => pointer)).to.deep.equal(expected)
    expect(await count()).to.equal(before)
  })

  it('meets others with the same uniques in any order: none is refused, and each has one task', async () => {
    for (let round = 0; round < 5; round += 1) {
      const run = randomUUID()
      const names = Array.from({ length: 200 }, (_, i) => `${run} ${i}`)
      const batch = (of: readonly string[]): object[] => of.map((unique) => ({ ...TASK, unique }))
      const half = [...names.slice(100), ...names.slice(0, 100)]
      const orders = [names, names.toReversed(), half, half.toReversed()]
      /** On a busy machine one may wait so long that it is told to come again. */
      const patiently = async (order: readonly string[], node: number): Promise<Told> => {
        const one = await post(batch(order), {}, node)
        return one.json.code === 'unique_pending' ? patiently(order, node) : one
      }
      const told = await Promise.all(orders.map((order, i) => patiently(order, i % 2)))
      expect(told.map(({ status }) => status)).to.deep.equal([201, 201, 201, 201])
      const found = told.map((one, i) => new Map(locations(one).map((location, at) => [orders[i]?.[at], location])))
      for (const name of names) expect(new Set(found.map((one) => one.get(name)))).to.have.property('size', 1)
      expect(told.reduce((sum, one) => sum + existing(one), 0)).to.equal(3 * names.length)
    }
  })
})
