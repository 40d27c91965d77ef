// A `unique` has one task at a time in its service, and a next one after that has ended.
import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { ended, openWorld, remove, type World } from '../../support/world.ts'
import { ask, holding, INSERT_UNIQUE, type Told } from './asks.ts'

describe('a `unique`', () => {
  let world: World
  let urls: readonly string[]
  before(async () => {
    world = await openWorld()
    const services = { svc: {}, other: {} }
    urls = [(await world.node({ services })).url, (await world.node({ services })).url]
  })
  after(() => world.close())

  const post = (unique: string, task: object = {}, headers = {}, node = 0): Promise<Told> =>
    ask('POST', `${urls[node]}/tasks`, { service: 'svc', action: 'held', unique, ...task }, headers)
  const isThere = ({ headers }: Told): boolean => headers.get('task-existing') === 'true'
  const withUnique = async (unique: string): Promise<number> =>
    (await world.sql('select from tasks where unique_key = $1', [unique])).length

  it('is one task of fifty requests at once, over two nodes', async () => {
    for (let round = 0; round < 3; round += 1) {
      const unique = randomUUID()
      const told = await Promise.all(Array.from({ length: 50 }, (_, i) => post(unique, { payload: i }, {}, i % 2)))
      expect(new Set(told.map(({ status }) => status))).to.deep.equal(new Set([302]))
      expect(new Set(told.map(({ location }) => location))).to.have.property('size', 1)
      expect(told.filter((one) => !isThere(one))).to.have.length(1)
      // Each is shown the task that there is, not the one that it asked for.
      expect(new Set(told.map(({ json }) => json.payload))).to.have.property('size', 1)
      expect(await withUnique(unique)).to.equal(1)
    }
  })

  it('is pending while an open transaction holds it; plain tasks go on, and the batch that has it creates nothing', async () => {
    const unique = randomUUID()
    const release = await holding(world.databaseUrl, INSERT_UNIQUE, [unique])
    const plain = { service: 'svc', action: 'ok' }
    const batch = [{ ...plain, labels: { of: unique } }, { ...plain, unique }, plain]
    const headers = { 'idempotency-key': randomUUID() }
    const [held, keyed, some, other] = await Promise.all([
      post(unique),
      post(unique, {}, headers),
      ask('POST', `${urls[0]}/tasks/batch`, batch, headers),
      ask('POST', `${urls[0]}/tasks`, plain),
    ])
    for (const one of [held, keyed, some])
      expect([one?.status, one?.json.code, one?.headers.get('retry-after')]).to.deep.equal([409, 'unique_pending', '1'])
    expect(other?.status).to.equal(302)
    expect((await ask('GET', `${urls[0]}/tasks?label.of=${unique}`)).json).to.deep.equal([])
    await release()
    const first = await post(unique, {}, headers)
    expect([first.status, isThere(first), first.headers.get('idempotency-replayed')]).to.deep.equal([302, false, null])
    const after = await ask('POST', `${urls[1]}/tasks/batch`, batch, headers)
    expect([after.status, after.json[1]]).to.deep.equal([201, { location: first.location, existing: true }])
  })

  it('of a transaction that commits is that task', async () => {
    const unique = randomUUID()
    const [{ id } = { id: '' }] = await world.sql<{ id: string }>(
      `select task_api.submit(service => 'svc', action => 'held', "unique" => $1) as id`,
      [unique],
    )
    const found = await post(unique, {}, {}, 1)
    expect([found.location, isThere(found)]).to.deep.equal([`/tasks/${id}`, true])
  })

  it('has a next task once the first has ended, was cancelled or deleted', async () => {
    const unique = randomUUID()
    const url = urls[0] ?? ''
    const seen = new Set<string>()
    const next = async (): Promise<string> => {
      const made = await post(unique, {}, {}, seen.size % 2)
      expect([made.status, isThere(made), seen.has(made.location)]).to.deep.equal([302, false, false])
      seen.add(made.location)
      const again = await post(unique, {}, { prefer: 'return=representation' }, 1)
      expect([again.status, again.location, isThere(again)]).to.deep.equal([200, made.location, true])
      expect(again.json.location).to.equal(made.location)
      await world.service.until((requests) => requests.some(({ location }) => location === made.location))
      return made.location
    }
    for (const status of [200, 500]) {
      const location = await next()
      world.service.letGo(status, '{}', (request) => request.location === location)
      await ended(url, location)
    }
    await ask('POST', `${url}${await next()}/cancel`)
    await remove(url, await next())
    await next()
    expect(seen).to.have.property('size', 5)
    expect(await withUnique(unique)).to.equal(4)
  })

  it('is one of its service alone, and told apart to the last character', async () => {
    const unique = randomUUID()
    const asks = [
      () => post(unique, { delay: '1h' }),
      () => post(unique, { service: 'other', delay: '1h' }),
      () => post(`${unique} `, { delay: '1h' }),
      () => post(unique.toUpperCase(), { delay: '1h' }),
      () => post(`${unique}\u0301`, { delay: '1h' }),
    ]
    const made = await Promise.all(asks.map((one) => one()))
    expect(made.map(isThere)).to.deep.equal(asks.map(() => false))
    expect(new Set(made.map(({ location }) => location))).to.have.property('size', asks.length)
    const found = await Promise.all(asks.map((one) => one()))
    expect(found.map(isThere)).to.deep.equal(asks.map(() => true))
    expect(found.map(({ location }) => location)).to.deep.equal(made.map(({ location }) => location))
  })

  it('is a text of 1 to 255 characters without NUL or half a character', async () => {
    // A character beyond 16 bits is one, as in Postgres, and one may be four bytes.
    for (const unique of ['x', 'x'.repeat(255), 'é'.repeat(255), '😀'.repeat(255), '"\\', ' ', '\u0001']) {
      const made = await post(unique, { delay: '1h' })
      expect([made.status, isThere(made)], unique).to.deep.equal([302, false])
      expect((await ask('GET', `${urls[1]}${made.location}?view=full`)).json.unique).to.equal(unique)
      expect((await post(unique, { delay: '1h' }, {}, 1)).location).to.equal(made.location)
    }
    const bad = [
      '""',
      `"${'x'.repeat(256)}"`,
      `"${'😀'.repeat(256)}"`,
      '"a\\u0000b"',
      '"\\ud800"',
      '"\\udc00\\ud800"',
      '7',
      'null',
      '["a"]',
    ]
    for (const unique of bad) {
      const { status, json } = await ask(
        'POST',
        `${urls[0]}/tasks`,
        `{"service":"svc","action":"ok","unique":${unique}}`,
      )
      expect([status, json.code, json.errors?.[0].pointer], unique).to.deep.equal([400, 'invalid_task', '/unique'])
    }
  })
})
