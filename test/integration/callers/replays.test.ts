// What a repeat with the same key is answered: in its own form, with the marks of the first, as long as the key is kept.
import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { Store } from '../../../src/store/store.ts'
import { silentLog } from '../../../src/telemetry/log.ts'
import { ended, openWorld, remove, type World } from '../../support/world.ts'
import { ask, type Told } from './asks.ts'

const HOUR = 3_600_000

describe('a repeat of a POST with its key', () => {
  let world: World
  let urls: readonly string[]
  before(async () => {
    world = await openWorld()
    urls = [(await world.node()).url, (await world.node()).url]
  })
  after(() => world.close())

  const TASK = { service: 'svc', action: 'ok', payload: { n: 1 } }
  /** Sends a POST to a node. */
  const send = (node: number, path: string, body: unknown, headers: Readonly<Record<string, string>>): Promise<Told> =>
    ask('POST', `${urls[node]}${path}`, body, headers)
  const post = (key: string, headers = {}, node = 0, task: object = {}): Promise<Told> =>
    send(node, '/tasks', { ...TASK, ...task }, { 'idempotency-key': key, ...headers })
  const replayed = ({ headers }: Told): boolean => headers.get('idempotency-replayed') === 'true'
  const count = async (): Promise<number> =>
    Number((await world.sql<{ n: string }>('select count(*) as n from tasks'))[0]?.n)
  const REPRESENTED = { prefer: 'return=representation' }

  it('has the form that it prefers, whatever the first preferred', async () => {
    for (const [first, second] of [
      [{}, REPRESENTED],
      [REPRESENTED, {}],
    ]) {
      const key = randomUUID()
      const one = await post(key, first)
      const other = await post(key, second, 1)
      expect([one.status, other.status]).to.have.members([302, 201])
      expect([one, other].map(replayed)).to.deep.equal([false, true])
      expect([other.location, other.text]).to.deep.equal([one.location, one.text])
      const applied = other.headers.get('preference-applied')
      expect(applied).to.equal(second === REPRESENTED ? 'return=representation' : null)
    }
  })

  it('waits for the end where it prefers so, and shows it', async () => {
    const key = randomUUID()
    const first = await post(key, {}, 0, { action: 'held' })
    await world.service.until((seen) => seen.some(({ location }) => location === first.location))
    const waiting = post(key, { prefer: 'wait=30, return=representation' }, 1, { action: 'held' })
    world.service.letGo()
    const second = await waiting
    expect([second.status, second.location, replayed(second)]).to.deep.equal([201, first.location, true])
    expect(second.json).to.include({ status: 'complete' })
    // Who does not wait is shown the task as it was created.
    expect((await post(key, REPRESENTED, 0, { action: 'held' })).json).to.include({ status: 'pending' })
    // Also when it has gone, and nothing can be waited for.
    await remove(urls[0] ?? '', first.location)
    const third = await post(key, { prefer: 'wait=30' }, 1, { action: 'held' })
    expect([third.status, third.text, replayed(third)]).to.deep.equal([302, first.text, true])
  })

  it('of a batch has the same locations and the same marks, also when its tasks are gone', async () => {
    const there = await send(0, '/tasks', { ...TASK, delay: '1h', unique: 'in a batch' }, {})
    const batch = [TASK, { ...TASK, unique: 'in a batch' }, { ...TASK, unique: 'new' }, { ...TASK, unique: 'new' }]
    const headers = { 'idempotency-key': randomUUID() }
    const first = await send(0, '/tasks/batch', batch, headers)
    expect([first.status, replayed(first)]).to.deep.equal([201, false])
    expect(first.json[1]).to.deep.equal({ location: there.location, existing: true })
    expect(first.json.map(({ existing }: { existing?: true }) => existing === true)).to.deep.equal([
      false,
      true,
      false,
      true,
    ])
    for (const { location } of [first.json[0], there]) await remove(urls[0] ?? '', location)
    const before = await count()
    const second = await send(1, '/tasks/batch', batch, headers)
    expect([second.status, replayed(second), second.text]).to.deep.equal([201, true, first.text])
    expect(await count()).to.equal(before)
    const other = await send(1, '/tasks/batch', batch.slice(1), headers)
    expect([other.status, other.json.code]).to.deep.equal([422, 'idempotency_mismatch'])
  })

  it('of a retry has the same new task, also when that has ended, and when both are gone', async () => {
    const old = await send(0, '/tasks', { ...TASK, action: 'fail' }, {})
    await ended(urls[0] ?? '', old.location)
    const headers = { 'idempotency-key': randomUUID() }
    const retry = (node: number, body: unknown = {}, more = {}): Promise<Told> =>
      send(node, `${old.location}/retry`, body, { ...headers, ...more })
    const first = await retry(0)
    expect([first.status, replayed(first), first.headers.get('task-existing')]).to.deep.equal([302, false, null])
    await ended(urls[0] ?? '', first.location)
    // Without the key it is found as a task that is there.
    const found = await send(1, `${old.location}/retry`, {}, {})
    expect([found.location, found.headers.get('task-existing')]).to.deep.equal([first.location, 'true'])
    for (const gone of [undefined, first.location, old.location]) {
      if (gone !== undefined) await remove(urls[0] ?? '', gone)
      const again = await retry(1, {}, REPRESENTED)
      expect([again.status, again.location, replayed(again)]).to.deep.equal([201, first.location, true])
      expect([again.text, again.headers.get('task-existing')]).to.deep.equal([first.text, null])
    }
    const other = await retry(1, { from: 'start' })
    expect([other.status, other.json.code]).to.deep.equal([422, 'idempotency_mismatch'])
  })

  it('of a retry that was refused is answered anew', async () => {
    const { location } = await send(0, '/tasks', { ...TASK, delay: '1h' }, {})
    const headers = { 'idempotency-key': randomUUID() }
    const refused = await send(0, `${location}/retry`, {}, headers)
    expect([refused.status, refused.json.code]).to.deep.equal([409, 'not_ended'])
    await send(0, `${location}/cancel`, undefined, {})
    const made = await send(1, `${location}/retry`, {}, headers)
    expect([made.status, replayed(made)]).to.deep.equal([302, false])
  })

  it('may have any key of 1 to 255 visible characters, bare or in quotes', async () => {
    const visible = Array.from({ length: 94 }, (_, i) => String.fromCharCode(33 + i)).filter(
      (one) => !'"\\'.includes(one),
    )
    expect(visible).to.have.length(92)
    const before = await count()
    const keys = ['!', '~', '0', 'a'.repeat(255), visible.join(''), 'A'.repeat(254) + '!', `${'a'.repeat(254)}b`]
    for (const key of keys) {
      const first = await post(key)
      expect([first.status, replayed(first)], key).to.deep.equal([302, false])
      for (const same of [`"${key}"`, key, ` ${key} `]) {
        const again = await post(same, {}, 1)
        expect([again.status, again.location, replayed(again)], same).to.deep.equal([302, first.location, true])
      }
    }
    expect(await count()).to.equal(before + keys.length)
    const bad = ['""', '"', 'a"', '"a', '"a"b', '""a""', 'a\tb', 'a, b', `"${'a'.repeat(256)}"`, 'a\\', '\u00ff']
    for (const key of bad) {
      const { status, json } = await post(key)
      expect([status, json.code], JSON.stringify(key)).to.deep.equal([400, 'invalid_idempotency_key'])
    }
    expect(await count()).to.equal(before + keys.length)
  })

  it('is one for 24 hours at the least, and a new POST some time later', async () => {
    const store = new Store({ url: world.databaseUrl, log: silentLog() })
    await store.start()
    try {
      const keys = [randomUUID(), randomUUID()]
      const first = await Promise.all(keys.map((key) => post(key)))
      const backdate = (key: string, ms: number): Promise<unknown> =>
        world.sql(`update idempotency_keys set created_at = now() - $2 * interval '1 millisecond' where key = $1`, [
          key,
          ms,
        ])
      await backdate(keys[0] ?? '', 24 * HOUR - 60_000)
      await backdate(keys[1] ?? '', 24 * HOUR + 1_000)
      await store.forgetKeys(24 * HOUR)
      const second = await Promise.all(keys.map((key) => post(key, {}, 1)))
      expect(second.map(replayed)).to.deep.equal([true, false])
      expect(second[0]?.location).to.equal(first[0]?.location)
      expect(second[1]?.location).to.not.equal(first[1]?.location)
      // A longer window keeps it longer.
      await backdate(keys[1] ?? '', 47 * HOUR)
      await store.forgetKeys(48 * HOUR)
      expect((await post(keys[1] ?? '')).location).to.equal(second[1]?.location)
    } finally {
      await store.stop()
    }
  })
})
