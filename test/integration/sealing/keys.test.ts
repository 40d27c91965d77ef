// Keys that come and go: rows of before, a new first key while two nodes work, and a key that is lost.
import { expect } from 'chai'
import { eventually } from '../../support/eventually.ts'
import { ended, openWorld, post, type World } from '../../support/world.ts'
import { keyId } from '../../../src/store/seal.ts'
import { ask } from '../callers/asks.ts'
import { idOf, keyOf } from './keys.ts'

const [A, B] = [keyOf('a'), keyOf('b')]
/** Tasks of a load; more with LOAD. */
const LOAD = Number(process.env.LOAD ?? 100)

describe('the keys of encryption at rest', () => {
  let world: World
  beforeEach(async () => {
    world = await openWorld()
  })
  afterEach(() => world.close())

  const node = (...keys: string[]): ReturnType<World['node']> =>
    world.node({ services: { svc: { attemptLog: 'all', keepStates: 9 } }, encryptionKeys: keys })
  const keysInUse = async (): Promise<(string | null)[]> =>
    (
      await world.sql<{ key: string | null }>(
        `select distinct case when payload::text like E'\\r\\t\\r"%' then substr(payload::text, 5, 8) end as key from tasks order by 1`,
      )
    ).map(({ key }) => key)

  it('read rows of before, beside those that are encrypted, and go on with them', async () => {
    const before = await world.node()
    const [waits, over] = [await post(before.url, 'steps.2', '{"n":1.50}'), await post(before.url, 'echo', '{"n": 2}')]
    await ended(before.url, over)
    const { location: late } = await ask('POST', `${before.url}/tasks`, {
      service: 'svc',
      action: 'steps.2',
      payload: { n: 3 },
      delay: '1h',
    })
    await ended(before.url, waits)
    await before.stop()
    const { url } = await node(A)
    await ask('PATCH', `${url}${late}`, { delay: '0s' })
    expect((await ended(url, late)).payload).to.deep.equal({ n: 3 })
    expect((await ask('GET', `${url}${over}`)).text)
      .to.include('"payload":{"n": 2},')
      .and.include('"result":{"n": 2}')
    const { location } = await ask('POST', `${url}${waits}/retry`, { from: 'start' })
    await ended(url, location)
    expect(world.service.of(location)[0]?.body.toString()).to.equal('{"n":1.50}')
    await ended(url, await post(url, 'echo', '{"n":4}'))
    expect(await keysInUse()).to.deep.equal([keyId(A), null])
    const mixed = await world.sql<{ state: string; payload: string }>(
      'select state::text, payload::text from tasks where id = $1',
      [idOf(late)],
    )
    expect(mixed[0]?.state).to.match(/^\r\t\r"/)
    expect(mixed[0]?.payload).to.equal('{"n":3}')
  })

  it('are exchanged under load, while nodes of either order work on the same tasks', async () => {
    const nodes = [await node(A), await node(A)]
    const made: string[] = []
    const load = async (until: () => boolean): Promise<void> => {
      for (let n = 0; !until() || n < LOAD; n += 1) {
        const { url } = nodes[n % nodes.length] as { url: string }
        const answer = await ask('POST', `${url}/tasks`, { service: 'svc', action: 'steps.3', payload: { n } }).catch(
          () => undefined,
        )
        if (answer?.status === 302) made.push(answer.location)
      }
    }
    let changed = false
    const loading = load(() => changed)
    for (const keys of [[B, A], [B]])
      for (const place of [0, 1]) {
        if (keys.length === 1 && place === 0) {
          changed = true
          await loading
          // As docs/operations.md says: the old key goes when nothing that goes on has it.
          const url = nodes[1]?.url ?? ''
          await Promise.all(made.map((location) => ended(url, location)))
        }
        const old = nodes[place]
        nodes[place] = await node(...keys)
        await old?.stop()
      }
    const { url } = nodes[0] as { url: string }
    const tasks = await Promise.all(made.map((location) => ended(nodes[1]?.url ?? url, location)))
    expect(tasks.filter(({ status }) => status !== 'complete')).to.deep.equal([])
    expect(made.length).to.be.at.least(LOAD)
    const fresh = await post(url, 'echo', '{"fresh":1}')
    expect((await ended(url, fresh)).result).to.deep.equal({ fresh: 1 })
    const [row] = await world.sql<{ text: string }>('select payload::text as text from tasks where id = $1', [
      idOf(fresh),
    ])
    expect(row?.text).to.include(keyId(B))
    // What has ended under the old key can be read by whoever has that key.
    const both = await node(B, A)
    for (const location of made.slice(0, 3))
      expect((await ask('GET', `${both.url}${location}`)).json).not.to.have.property('cannotDecrypt')
  })

  for (const [what, keys] of [
    ['another key', [B]],
    ['no keys', []],
  ] as const)
    it(`may be lost: a node with ${what} fails the tasks once and goes on; with the key back a retry works`, async () => {
      const first = await node(A)
      const wrong: string[] = []
      for (let n = 0; n < 30; n += 1)
        wrong.push(
          (await ask('POST', `${first.url}/tasks`, { service: 'svc', action: 'echo', payload: { n }, delay: '1h' }))
            .location,
        )
      const over = await post(first.url, 'echo', '"over"')
      await ended(first.url, over)
      await first.stop()
      const second = await node(...keys)
      const good = await Promise.all([1, 2, 3].map((n) => post(second.url, 'echo', String(n))))
      await world.sql(`update tasks set run_at = now() where status = 'pending'`)
      for (const location of wrong) {
        const { error, payload } = await ended(second.url, location)
        expect([error?.code, payload]).to.deep.equal(['cannot_decrypt', null])
      }
      for (const location of good) expect((await ended(second.url, location)).status).to.equal('complete')
      expect((await ask('GET', `${second.url}${over}`)).json).to.deep.include({
        payload: null,
        result: null,
        cannotDecrypt: ['payload', 'result'],
      })
      const list = await ask('GET', `${second.url}/tasks?view=full`)
      expect([list.status, list.json.length]).to.deep.equal([200, 34])
      // Each was claimed once.
      const claims = await world.sql<{ attempt: number }>('select attempt from tasks where id = any($1::bigint[])', [
        wrong.map(idOf),
      ])
      expect(claims.every(({ attempt }) => attempt === 1)).to.equal(true)
      await second.stop()
      const third = await node(B, A)
      expect((await ask('GET', `${third.url}${over}`)).json).to.include({ payload: 'over', result: 'over' })
      expect((await ask('POST', `${third.url}/tasks/retry?error=cannot_decrypt`)).json.done).to.equal(30)
      await eventually(async () => {
        const { json } = await ask('GET', `${third.url}/tasks?status=complete&retried=false`)
        expect(json).to.have.length(34)
      })
    })
})
