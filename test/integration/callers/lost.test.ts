// The connection to Postgres breaks while tasks are created: a POST with a key, and its repeat, create them once.
import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { Link } from '../../chaos/link.ts'
import { eventually } from '../../support/eventually.ts'
import { ended, openWorld, type World } from '../../support/world.ts'
import { ask, type Told } from './asks.ts'

const CREATE = 'task_api_create_'
const INSERT = 'task_api_insert_'
const RETRY = 'task_api_retry_task_'

describe('a connection that breaks while tasks are created', () => {
  let world: World
  let link: Link
  /** The first node is behind the link. */
  let urls: readonly string[]
  before(async () => {
    world = await openWorld()
    const behind = new URL(world.databaseUrl)
    link = await Link.to(Number(behind.port))
    behind.port = String(link.port)
    urls = [(await world.node({ databaseUrl: behind.href })).url, (await world.node()).url]
  })
  afterEach(() => {
    link.keepReplies()
    link.set('open')
  })
  after(async () => {
    await world.close()
    await link.close()
  })

  const TASK = { service: 'svc', action: 'ok' }
  const send = (node: number, path: string, body: unknown, headers: Readonly<Record<string, string>>): Promise<Told> =>
    ask('POST', `${urls[node]}${path}`, body, headers)
  const replayed = ({ headers }: Told): boolean => headers.get('idempotency-replayed') === 'true'
  const count = async (): Promise<number> =>
    Number((await world.sql<{ n: string }>('select count(*) as n from tasks'))[0]?.n)
  const keys = async (key: string): Promise<number> =>
    (await world.sql('select from idempotency_keys where key = $1', [key])).length

  it('after the commit costs nobody anything: the node finds what it has created, and says that it is new', async () => {
    const old = await send(1, '/tasks', { ...TASK, action: 'fail' }, {})
    await ended(urls[1] ?? '', old.location)
    for (const [path, body, mark, made] of [
      ['/tasks', { ...TASK, payload: 1 }, CREATE, 1],
      ['/tasks/batch', [TASK, { ...TASK, unique: 'in a lost batch', delay: '1h' }], CREATE, 2],
      [`${old.location}/retry`, {}, RETRY, 1],
    ] as const) {
      const before = await count()
      const headers = { 'idempotency-key': randomUUID() }
      const lost = link.loseReply(mark)
      const first = await send(0, path, body, headers)
      expect(await lost, path).to.equal(Array.isArray(body) ? 2 : 1)
      expect([first.status, replayed(first)], path).to.deep.equal([Array.isArray(body) ? 201 : 302, false])
      expect(first.text).to.not.contain('existing')
      for (const node of [0, 1]) {
        const second = await send(node, path, body, headers)
        expect([second.status, second.location, second.text, replayed(second)], path).to.deep.equal([
          first.status,
          first.location,
          first.text,
          true,
        ])
      }
      expect(await count(), path).to.equal(before + made)
    }
  })

  it('leaves a repeat a repeat, whose own answer it has lost', async () => {
    const headers = { 'idempotency-key': randomUUID() }
    const first = await send(1, '/tasks', TASK, headers)
    const lost = link.loseReply(CREATE)
    const second = await send(0, '/tasks', TASK, headers)
    await lost
    expect([second.status, second.location, replayed(second)]).to.deep.equal([302, first.location, true])
  })

  it('after the commit of a POST without a key creates one task as well', async () => {
    const before = await count()
    const lost = link.loseReply(CREATE)
    const first = await send(0, '/tasks', { ...TASK, delay: '1h' }, {})
    await lost
    expect([first.status, replayed(first)]).to.deep.equal([302, false])
    expect(await count()).to.equal(before + 1)
  })

  it('after the commit of a batch of plain tasks without a key creates them once, and takes no key', async () => {
    const before = await count()
    const kept = await world.sql('select from idempotency_keys')
    const lost = link.loseReply(INSERT)
    const first = await send(0, '/tasks/batch', [TASK, { ...TASK, payload: 1 }], {})
    expect(await lost).to.equal(2)
    expect([first.status, first.json.length]).to.deep.equal([201, 2])
    expect(await count()).to.equal(before + 2)
    expect(await world.sql('select from idempotency_keys')).to.have.length(kept.length)
  })

  it('after the commit, for longer than the node asks again, leaves the outcome unknown; the repeat finds the task', async () => {
    const before = await count()
    const headers = { 'idempotency-key': randomUUID() }
    const cut = link.loseReply(CREATE).then(() => link.set('cut'))
    const first = await send(0, '/tasks', TASK, headers)
    await cut
    expect([first.status, first.json.code, first.headers.get('retry-after')]).to.deep.equal([
      503,
      'outcome_unknown',
      '1',
    ])
    const second = await send(1, '/tasks', TASK, headers)
    expect([second.status, replayed(second)]).to.deep.equal([302, true])
    link.set('open')
    const third = await eventually(async () => {
      const told = await send(0, '/tasks', TASK, headers)
      expect(told.status).to.equal(302)
      return told
    })
    expect([third.location, replayed(third)]).to.deep.equal([second.location, true])
    expect(await count()).to.equal(before + 1)
  })

  it('before the statement is there costs nobody anything: the node creates the task when it can', async () => {
    const key = randomUUID()
    // Opens a connection.
    await send(0, '/tasks', TASK, { 'idempotency-key': randomUUID() })
    const before = await count()
    const sent = new Promise<void>((resolve) => {
      link.heard = (outward, chunk) => void (outward && chunk?.includes(CREATE) && resolve())
    })
    link.set('outward')
    const first = send(0, '/tasks', TASK, { 'idempotency-key': key })
    await sent
    link.set('cut')
    expect(await keys(key)).to.equal(0)
    link.set('open')
    const { status, location, headers } = await first
    expect([status, headers.get('idempotency-replayed')]).to.deep.equal([302, null])
    const repeat = await send(1, '/tasks', TASK, { 'idempotency-key': key })
    expect([repeat.status, repeat.location, replayed(repeat)]).to.deep.equal([302, location, true])
    expect(await count()).to.equal(before + 1)
  })

  it('again and again, while two nodes are asked at once, creates one task for each key', async () => {
    const before = await count()
    const all = Array.from({ length: 40 }, () => randomUUID())
    let losses = 0
    /** Asks both nodes at once until both have answered with the task. */
    const once = async (key: string): Promise<void> => {
      void link.loseReply(CREATE).then(() => (losses += 1))
      const told = await Promise.all(
        [0, 1].map((node) =>
          eventually(async () => {
            const one = await send(node, '/tasks', { ...TASK, payload: key }, { 'idempotency-key': key })
            expect(one.status, one.text).to.equal(302)
            return one
          }),
        ),
      )
      expect(new Set(told.map(({ location }) => location))).to.have.property('size', 1)
      for (const { json } of told) expect(json.payload).to.equal(key)
      expect(told.filter((one) => !replayed(one))).to.have.length.below(2)
    }
    for (let at = 0; at < all.length; at += 8) await Promise.all(all.slice(at, at + 8).map(once))
    expect(losses).to.be.above(10)
    expect(await count()).to.equal(before + all.length)
  })
})
