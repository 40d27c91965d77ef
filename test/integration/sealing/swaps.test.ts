// Encryption at rest against whoever can write to Postgres: a value that was put elsewhere, altered, or whose key is gone is never shown.
import { expect } from 'chai'
import { eventually } from '../../support/eventually.ts'
import { ended, openWorld, type World } from '../../support/world.ts'
import { ask, type Told } from '../callers/asks.ts'
import { idOf, keyOf } from './keys.ts'

const KEYS = [keyOf('a')]

describe('an encrypted value', () => {
  let world: World
  let url: string
  before(async () => {
    world = await openWorld()
    const services = { svc: { attemptLog: 'all', keepStates: 9, onCancel: 'ok' } } as const
    url = (await world.node({ services, encryptionKeys: KEYS })).url
  })
  after(() => world.close())

  const submit = async (task: Record<string, unknown>): Promise<string> =>
    (await ask('POST', `${url}/tasks`, { service: 'svc', ...task })).location
  const full = (location: string): Promise<Told> => ask('GET', `${url}${location}?view=full`)
  /** A complete task of two steps, and its states. */
  const done = async (mark: string): Promise<string> => {
    const location = await submit({ action: 'steps.2', payload: { mark } })
    await ended(url, location)
    return location
  }
  const waiting = (mark: string): Promise<string> => submit({ action: 'echo', payload: { mark }, delay: '1h' })
  const now = (location: string): Promise<Told> => ask('PATCH', `${url}${location}`, { delay: '0s' })
  const copied = (set: string, to: string, from: string): Promise<unknown[]> =>
    world.sql(`update tasks t set ${set} from tasks o where t.id = $1 and o.id = $2`, [idOf(to), idOf(from)])

  for (const [set, member] of [
    ['payload = o.payload', 'payload'],
    ['payload = o.payload, payload_of = o.payload_of', 'payload'],
    ['payload = o.state', 'payload'],
    ['payload = o.result', 'payload'],
    ['payload = t.state', 'payload'],
    ['payload = t.result', 'payload'],
    ['state = o.state', 'state'],
    ['state = t.payload', 'state'],
    ['state = t.result', 'state'],
    ['result = o.result', 'result'],
    ['result = t.payload', 'result'],
    ['result = t.state', 'result'],
  ] as const)
    it(`is null, and named, after "${set}"`, async () => {
      const [to, from] = [await done('mine'), await done('not mine')]
      await copied(set, to, from)
      const { json } = await full(to)
      expect(json[member]).to.equal(null)
      expect(json.cannotDecrypt).to.deep.equal([member])
      expect((await full(from)).json).not.to.have.property('cannotDecrypt')
      const list = await ask('GET', `${url}/tasks?ids=${idOf(to)},${idOf(from)}`)
      expect((list.json as unknown[]).length).to.equal(2)
      if (member === 'payload')
        expect(list.text).to.include('"payload":null,"status":"complete","cannotDecrypt":["payload"]')
    })

  it('is no request of another task: the task fails, and those of the same claim go on', async () => {
    const all = await Promise.all(['a', 'b', 'c', 'd'].map(waiting))
    const [a = '', b = '', ...others] = all
    await copied('payload = o.payload', a, b)
    await world.sql(`update tasks set run_at = now() where id = any($1::bigint[])`, [all.map(idOf)])
    const { error } = await ended(url, a)
    expect(error?.code).to.equal('cannot_decrypt')
    for (const location of [b, ...others]) expect((await ended(url, location)).status).to.equal('complete')
    expect(world.service.of(a)).to.deep.equal([])
    expect((await ask('GET', `${url}/tasks?error=cannot_decrypt&ids=${idOf(a)}`)).json).to.have.length(1)
  })

  it('is no state of another task, and no payload in the place of a state', async () => {
    for (const set of ['state = o.state', 'state = t.payload', 'state = o.payload']) {
      const [to, from] = [await waiting('x'), await done('y')]
      await copied(`${set}, step = 1`, to, from)
      await now(to)
      expect((await ended(url, to)).error?.code, set).to.equal('cannot_decrypt')
      expect(world.service.of(to)).to.deep.equal([])
    }
  })

  it('is not laundered by a retry, a task that undoes, a retry of many, or a callback', async () => {
    const [from, first, second, third] = [await done('z'), await done('1'), await done('2'), await done('3')] as const
    for (const to of [first, second]) await copied('payload = o.payload', to, from)
    const { location } = await ask('POST', `${url}${first}/retry`)
    expect((await ended(url, location)).error?.code).to.equal('cannot_decrypt')
    await ask('POST', `${url}/tasks/retry?ids=${idOf(second)}`)
    const made = async (where: string, id: string): Promise<string> => {
      const [row] = await world.sql<{ id: string }>(`select id from tasks where ${where}`, [id])
      return `/tasks/${row?.id}`
    }
    expect((await ended(url, await made('retry_of = $1', idOf(second)))).error?.code).to.equal('cannot_decrypt')
    await copied(
      `result = o.result, callback = '{"service":"svc","action":"echo"}', status = 'pending', finished_at = null, run_at = now() + interval '1 h'`,
      third,
      from,
    )
    await world.sql(`update tasks set status = 'complete', finished_at = now() where id = $1`, [idOf(third)])
    expect((await ended(url, await made('callback_of = $1', idOf(third)))).error?.code).to.equal('cannot_decrypt')
    const begun = await submit({ action: 'heldstep' })
    await world.service.until(() => world.service.of(begun).length === 2)
    await copied('state = o.state', begun, from)
    await ask('DELETE', `${url}${begun}`)
    const undo = await made(`position($1 in payload::text) > 0`, `"${begun}"`)
    expect((await ask('GET', `${url}${undo}`)).json.cannotDecrypt).to.deep.equal(['payload'])
  })

  it('is not laundered by a kept state', async () => {
    const [to, from] = [await done('k'), await done('l')]
    await world.sql(
      `update attempts a set state = o.state from attempts o where a.task = $1 and o.task = $2 and a.step = 0 and o.step = 0`,
      [idOf(to), idOf(from)],
    )
    const { location } = await ask('POST', `${url}${to}/retry`, { from: 1 })
    expect((await ended(url, location)).error?.code).to.equal('cannot_decrypt')
  })

  it('of a failure and of a try belongs to them alone', async () => {
    const [one, two] = [await submit({ action: 'fail', payload: 1 }), await submit({ action: 'fail', payload: 2 })]
    await Promise.all([one, two].map((location) => ended(url, location)))
    await copied('error = o.error', one, two)
    await world.sql(`update attempts a set body = o.body from attempts o where a.task = $1 and o.task = $2`, [
      idOf(one),
      idOf(two),
    ])
    const { json } = await full(one)
    expect(json.error).to.deep.equal({ code: 'service_error', detail: 'The service answered 500.', status: 500 })
    expect(json.cannotDecrypt).to.deep.equal(['error'])
    expect((await ask('GET', `${url}${one}/attempts`)).json[0])
      .to.include({ outcome: '500', body: null })
      .and.deep.include({ cannotDecrypt: ['body'] })
  })

  it('of a schedule belongs to it alone; its tasks fail, and it is not run by hand', async () => {
    for (const name of ['one', 'two'])
      await ask('PUT', `${url}/schedules/${name}`, {
        cron: '0 0 1 1 *',
        task: { service: 'svc', action: 'echo', payload: { name } },
      })
    await world.sql(
      `update schedules s set payload = o.payload from schedules o where s.name = 'one' and o.name = 'two'`,
    )
    const { json } = await ask('GET', `${url}/schedules/one`)
    expect([json.task.payload, json.cannotDecrypt]).to.deep.equal([null, ['payload']])
    expect((await ask('POST', `${url}/schedules/one/run`)).status).to.equal(503)
    await world.sql(`update schedules set next_at = now() - interval '1 s'`)
    const [bad, good] = await Promise.all(['one', 'two'].map((name) => firedBy(name)))
    expect((await ended(url, bad ?? '')).error?.code).to.equal('cannot_decrypt')
    expect((await ended(url, good ?? '')).result).to.deep.equal({ name: 'two' })
  })
  const firedBy = (name: string): Promise<string> =>
    eventually(async () => {
      const [row] = await world.sql<{ id: string }>('select id from tasks where schedule = $1', [name])
      if (!row) throw new Error(`${name} has not fired yet`)
      return `/tasks/${row.id}`
    })

  it('is not shown once it was altered, wherever that was', async () => {
    const location = await done('flipped')
    const [row] = await world.sql<{ text: string }>('select payload::text as text from tasks where id = $1', [
      idOf(location),
    ])
    const text = row?.text ?? ''
    for (const at of [4, 11, 13, 20, 48, 57, 60, 80, text.length - 2]) {
      const other = text[at] === 'A' ? 'B' : 'A'
      await world.sql('update tasks set payload = $2 where id = $1', [
        idOf(location),
        `${text.slice(0, at)}${other}${text.slice(at + 1)}`,
      ])
      expect((await full(location)).json, String(at)).to.deep.include({ payload: null, cannotDecrypt: ['payload'] })
    }
    await world.sql('update tasks set payload = $2 where id = $1', [idOf(location), text])
    expect((await full(location)).json.payload).to.deep.equal({ mark: 'flipped' })
  })
})
