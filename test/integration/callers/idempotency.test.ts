// A POST with a key is safe to repeat: whoever is asked, whenever, and however often.
import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import pg from 'pg'
import { ended, openWorld, remove, type World } from '../../support/world.ts'
import { ask, type Told } from './asks.ts'

describe('an Idempotency-Key', () => {
  let world: World
  let urls: string[]
  before(async () => {
    world = await openWorld()
    urls = [(await world.node()).url, (await world.node()).url]
  })
  after(() => world.close())

  const TASK = { service: 'svc', action: 'ok', payload: { n: 1 } }
  const post = (key: string, body: unknown = TASK, to = 0, headers = {}): Promise<Told> =>
    ask('POST', `${urls[to]}/tasks`, body, { 'idempotency-key': key, ...headers })
  const count = async (): Promise<number> =>
    Number((await world.sql<{ n: string }>('select count(*) as n from tasks'))[0]?.n)

  it('makes one task of fifty requests at once, over two nodes', async () => {
    const before = await count()
    for (let round = 0; round < 5; round += 1) {
      const key = randomUUID()
      const told = await Promise.all(Array.from({ length: 50 }, (_, i) => post(key, TASK, i % 2)))
      expect(new Set(told.map(({ status }) => status))).to.deep.equal(new Set([302]))
      expect(new Set(told.map(({ location }) => location))).to.have.property('size', 1)
      expect(told.filter(({ headers }) => headers.get('idempotency-replayed') === 'true')).to.have.length(49)
      expect(new Set(told.map(({ text }) => text))).to.have.property('size', 1)
    }
    expect(await count()).to.equal(before + 5)
  })

  it('is answered as at first when the task has ended, or is gone', async () => {
    const key = randomUUID()
    const first = await post(key)
    await ended(urls[0] ?? '', first.location)
    const second = await post(key, TASK, 1)
    expect([second.status, second.location, second.text]).to.deep.equal([302, first.location, first.text])
    await remove(urls[0] ?? '', first.location)
    const third = await post(key, TASK, 0, { prefer: 'return=representation' })
    expect([third.status, third.location, third.text]).to.deep.equal([201, first.location, first.text])
    expect(third.headers.get('idempotency-replayed')).to.equal('true')
  })

  it('is answered with the task that `unique` had found, as it was then', async () => {
    const there = await ask('POST', `${urls[0]}/tasks`, { ...TASK, delay: '1h', unique: 'there' })
    const [key, task] = [randomUUID(), { service: 'svc', action: 'echo', unique: 'there' }]
    const first = await post(key, task)
    expect([first.location, first.headers.get('task-existing')]).to.deep.equal([there.location, 'true'])
    await remove(urls[0] ?? '', there.location)
    const second = await post(key, task, 1)
    expect([second.location, second.text]).to.deep.equal([first.location, first.text])
    expect(second.headers.get('task-existing')).to.equal('true')
  })

  it('is the same bare and quoted, and another one in another place', async () => {
    const key = randomUUID()
    const first = await post(key)
    expect((await post(`"${key}"`)).location).to.equal(first.location)
    const batch = await ask('POST', `${urls[0]}/tasks/batch`, [TASK], { 'idempotency-key': key })
    expect(batch.status).to.equal(201)
    expect(batch.headers.get('idempotency-replayed')).to.equal(null)
  })

  it('with another body is refused, and leaves nothing behind', async () => {
    const key = randomUUID()
    await post(key)
    const before = await count()
    const other = await post(key, { ...TASK, payload: { n: 2 } })
    expect([other.status, other.json.code]).to.deep.equal([422, 'idempotency_mismatch'])
    expect(await count()).to.equal(before)
  })

  it('of a POST that was refused is free', async () => {
    const key = randomUUID()
    expect((await post(key, { service: 'svc', action: '' })).status).to.equal(400)
    expect((await post(key)).status).to.equal(302)
  })

  for (const key of ['', 'a b', 'a"b', 'a\\b', '"a', 'é', 'x'.repeat(256)])
    it(`cannot be ${JSON.stringify(key.slice(0, 10))}`, async () => {
      const { status, json } = await post(key)
      expect([status, json.code]).to.deep.equal([400, 'invalid_idempotency_key'])
    })

  it('waits for the first while that is under way, and then says so', async () => {
    const key = randomUUID()
    const other = new pg.Client(world.databaseUrl)
    await other.connect()
    await other.query('begin')
    await other.query(`insert into idempotency_keys (scope, key, hash) values (' /tasks', $1, '')`, [key])
    const begun = performance.now()
    const { status, json, headers } = await post(key)
    expect([status, json.code, headers.get('retry-after')]).to.deep.equal([409, 'idempotency_in_progress', '1'])
    expect(performance.now() - begun).to.be.within(4_500, 8_000)
    await other.query('rollback')
    await other.end()
    expect((await post(key)).status).to.equal(302)
  })

  it('makes one batch of many at once', async () => {
    const key = randomUUID()
    const batch = Array.from({ length: 20 }, (_, i) => ({ ...TASK, payload: i }))
    const before = await count()
    const told = await Promise.all(
      Array.from({ length: 10 }, (_, i) =>
        ask('POST', `${urls[i % 2]}/tasks/batch`, batch, { 'idempotency-key': key }),
      ),
    )
    expect(new Set(told.map(({ text }) => text))).to.have.property('size', 1)
    expect(told[0]?.json).to.have.length(20)
    expect(await count()).to.equal(before + 20)
  })
})
