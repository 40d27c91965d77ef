// GET /failures: failed tasks in groups, of real ends and of rows that tests write, as each caller may see them.
import { randomBytes } from 'node:crypto'
import { expect } from 'chai'
import { aKey, as } from '../../support/keys.ts'
import { ended, openWorld, post, type World } from '../../support/world.ts'
import { ask, type Told } from '../callers/asks.ts'

interface Failure {
  readonly error?: object | string
  readonly service?: string
  readonly caller?: string
  /** How long ago it ended, as an interval of SQL. */
  readonly ago?: string
  readonly count?: number
}

describe('the failures of a system', () => {
  let world: World
  let url: string
  before(async () => {
    world = await openWorld()
    const keys = [aKey('ops'), aKey('ann', { own: true }), aKey('bill', { services: ['b'] }), aKey('two', { services: ['b', 'c'] })] // prettier-ignore
    url = (await world.node({ slots: 0, keys })).url
  })
  after(() => world.close())
  afterEach(() => world.sql('delete from tasks'))

  /** Writes failed tasks; the id of the last. */
  const failed = async ({
    error = {},
    service = 'svc',
    caller,
    ago = '1 minute',
    count = 1,
  }: Failure): Promise<string> => {
    // prettier-ignore
    const all = { code: 'service_error', detail: 'The service answered 500.', status: 500 }
    const text = typeof error === 'string' ? error : JSON.stringify({ ...all, ...error })
    const rows = await world.sql<{ id: string }>(
      `insert into tasks (key, service, action, payload, payload_bytes, status, finished_at, error, caller)
       select gen_random_uuid(), $1, 'ok', '{}', 2, 'failed', now() - $2::interval, replace($3, 'NUMBER', i::text)::json, $4
       from generate_series(1, $5) i returning id`,
      [service, ago, text, caller ?? null, count],
    )
    return `/tasks/${rows.at(-1)?.id}`
  }
  const failures = (query = '', name = 'ops'): Promise<Told> =>
    ask('GET', `${url}/failures${query}`, undefined, as(name))
  const messages = async (query?: string, name?: string): Promise<unknown> =>
    ((await failures(query, name)).json as { message: string; count: number }[]).map(({ message, count }) => [
      message,
      count,
    ])

  it('are those of one service, however many failures others have', async () => {
    const location = await failed({ service: 'c', error: { body: 'mine' } })
    await failed({ service: 'b', error: { body: 'others' }, count: 10_001 })
    expect((await failures('?service=c')).json).to.have.length(1)
    expect((await failures('?service=c')).json[0]).to.include({
      service: 'c',
      message: 'mine',
      count: 1,
      task: location,
    })
    expect(await messages()).to.deep.equal([['others', 10_000]])
  })

  it('have a kind, by which lists and changes of many find these tasks and no other', async () => {
    await failed({ error: { body: 'order NUMBER failed' }, count: 30 })
    await failed({ error: { body: 'card NUMBER was "declined"' }, count: 20 })
    await failed({ error: { body: 'order NUMBER failed', status: 502 }, count: 5 })
    const kinds = (await failures()).json as { message: string; kind: string; count: number; status: number }[]
    expect(kinds.map(({ message, status, count }) => [message, status, count])).to.have.deep.members([
      ['order # failed', 500, 30],
      ['card # was "declined"', 500, 20],
      ['order # failed', 502, 5],
    ])
    for (const { kind, count, status } of kinds) {
      const listed = (await ask('GET', `${url}/tasks?kind=${kind}&view=full`, undefined, as('ops'))).json
      expect(listed.map(({ error }: { error: { status: number } }) => error.status)).to.deep.equal(
        Array(count).fill(status),
      )
      const counted = await ask('POST', `${url}/tasks/retry?kind=${kind}&dryRun=true`, undefined, as('ops'))
      expect(counted.json).to.include({ matched: count, done: 0 })
    }
    const [first] = kinds
    expect((await ask('POST', `${url}/tasks/delete?kind=${first?.kind}`, undefined, as('ops'))).json).to.include({
      done: first?.count,
    })
    expect((await failures()).json).to.have.length(2)
    expect((await ask('GET', `${url}/tasks?kind=nonsense`, undefined, as('ops'))).status).to.equal(400)
  })

  it('are one group where numbers and ids differ, with the newest and the times of the first and the last', async () => {
    await failed({ error: { body: 'order NUMBER of 0b9d9e9e-7a0c-4f0e-9d3b-acffcbabffff failed' }, ago: '2 hours', count: 120 }) // prettier-ignore
    const newest = await failed({ error: { body: 'order 7 of acffcbab-7a0c-4f0e-9d3b-000000000000 failed' } })
    await failed({ error: { body: 'order x failed', status: 502 }, ago: '3 hours' })
    const { status, json } = await failures()
    expect(status).to.equal(200)
    const [group, other, ...more] = json
    expect(more).to.deep.equal([])
    const { first, last, kind: _, ...rest } = group
    expect(rest).to.deep.equal({
      service: 'svc',
      action: 'ok',
      code: 'service_error',
      status: 500,
      message: 'order # of # failed',
      count: 121,
      task: newest,
    })
    expect(Date.parse(last) - Date.parse(first)).to.be.within(7_100_000, 7_200_000)
    expect(other).to.include({ status: 502, message: 'order x failed', count: 1 })
  })

  it('show how an answer began, whatever is in it, or else the detail', async () => {
    const odd = '{"why": "no \\ end\n\t\u0000\u{1f600}", "body":"x"}'
    await failed({ error: { body: odd } })
    await failed({ error: { body: 'é"'.repeat(150) } })
    await failed({ error: { body: '\ud800 \u001b[31m' } })
    await failed({ error: { body: '' } })
    await failed({ error: { detail: 'No "host": a\\b', status: undefined, code: 'service_unavailable' } })
    await failed({
      error: '{"code" : "deadline_exceeded", "detail" : "Older than its deadline (NUMBER ms)."}',
      count: 12,
    })
    await failed({ error: '{"code":"service_error","detail":"The end.","status":500,"sealed":"\\r\\t\\rx8f"}' })
    await failed({ error: '{"code":"bad_body","detail":"body","status":206}' })
    const { json } = await failures()
    const found = (json as Record<string, unknown>[]).map(({ code, status, message, count }) => [code, status, message, count]) // prettier-ignore
    const e = 'service_error'
    expect(found).to.have.deep.members([
      [e, 500, odd.replace('\u0000', '\ufffd'), 1],
      [e, 500, 'é"'.repeat(66) + 'é', 1],
      [e, 500, '\ufffd \ufffd[#m', 1],
      [e, 500, 'The service answered #.', 1],
      ['service_unavailable', null, 'No "host": a\\b', 1],
      ['deadline_exceeded', null, 'Older than its deadline (# ms).', 12],
      [e, 500, 'The end.', 1],
      ['bad_body', 206, 'body', 1],
    ])
  })

  it('leave out what ended before `since`, was retried, or is of another service', async () => {
    await failed({ error: { body: 'late' }, ago: '59 minutes' })
    await failed({ error: { body: 'early' }, ago: '61 minutes', service: 'b' })
    await failed({ error: { body: 'old' }, ago: '25 hours' })
    const retried = await failed({ error: { body: 'retried' } })
    await world.sql('update tasks set retried_as = 1 where id = $1', [retried.slice(7)])
    expect(await messages('?since=1h')).to.deep.equal([['late', 1]])
    expect(await messages()).to.deep.equal([['late', 1], ['early', 1]]) // prettier-ignore
    expect(await messages('?since=90d&service=svc')).to.deep.equal([['late', 1], ['old', 1]]) // prettier-ignore
    const time = new Date(Date.now() - 3_600_000).toISOString()
    expect(await messages(`?since=${time}`)).to.deep.equal([['late', 1]])
    expect(await messages('?since=2020-01-01T00:00:00Z&service=none')).to.deep.equal([])
    for (const query of ['since=91d', 'since=', 'since=1h&since=1h', 'limit=1', 'service=a/b'])
      expect((await failures(`?${query}`)).json.code, query).to.equal('invalid_parameter')
  })

  it('are those that a key may see', async () => {
    for (const [service, caller] of [
      ['svc', 'ann'],
      ['b', 'bob'],
      ['c', 'ann'],
    ] as const)
      // prettier-ignore
      await failed({ service, caller, error: { body: `${service} of ${caller}` } })
    const all = [['svc of ann', 1], ['b of bob', 1], ['c of ann', 1]] // prettier-ignore
    expect(await messages('', 'ops')).to.have.deep.members(all)
    expect(await messages('', 'ann')).to.have.deep.members([all[0], all[2]])
    expect(await messages('', 'bill')).to.deep.equal([all[1]])
    expect(await messages('', 'two')).to.have.deep.members([all[1], all[2]])
    expect(await messages('?service=c', 'two')).to.deep.equal([all[2]])
    expect((await failures('?service=svc', 'two')).json.code).to.equal('not_allowed')
  })

  it('are counted among the newest 10,000, and no more than 8 MiB of errors are read', async () => {
    await failed({ error: { body: 'beyond' } })
    await failed({ error: { body: 'NUMBER' }, count: 10_000 })
    expect(await messages()).to.deep.equal([['#', 10_000]])
    await world.sql('delete from tasks')
    await failed({ error: { body: 'beyond' } })
    await failed({ error: { body: `${randomBytes(24_000).toString('base64')} NUMBER` }, count: 300 })
    const { json } = await failures()
    expect(json).to.have.lengthOf(1)
    expect(json[0].count).to.be.within(200, 299)
  })

  it('are at most 200 groups, those of the latest ends', async () => {
    for (let i = 0; i < 210; i += 1)
      await failed({ error: { body: 'x'.repeat(1 + (i % 150)), status: 500 + (i % 2), detail: 'x' }, service: `s${i}`, ago: `${300 - i} seconds` }) // prettier-ignore
    const { json } = await failures()
    expect(json.map(({ service }: { service: string }) => service)).to.deep.equal(Array.from({ length: 200 }, (_, i) => `s${209 - i}`)) // prettier-ignore
  })
})

describe('the failures of nodes', () => {
  for (const [what, keys, message] of [
    ['in the words of the service', undefined, '{"why":"no"}'],
    ['in our own words where bodies are encrypted', [randomBytes(32).toString('base64')], 'The service answered #.'],
  ] as const)
    it(`are told ${what}`, async () => {
      const world = await openWorld()
      try {
        const { url } = await world.node({ ...(keys && { encryptionKeys: keys }) })
        const locations = await Promise.all(Array.from({ length: 3 }, () => post(url, 'fail')))
        for (const location of locations) await ended(url, location)
        const { json } = await ask('GET', `${url}/failures`)
        expect(json).to.have.lengthOf(1)
        expect(json[0]).to.include({ action: 'fail', code: 'service_error', status: 500, message, count: 3 })
        expect(locations).to.include(json[0].task)
      } finally {
        await world.close()
      }
    })
})
