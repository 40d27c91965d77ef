// Schedules as their callers see them: written, read, listed, run, paused, deleted.
import { expect } from 'chai'
import { eventually } from '../../support/eventually.ts'
import { ended, openWorld, type World } from '../../support/world.ts'
import { ask, type Told } from './asks.ts'

const NIGHTLY = { cron: '0 3 * * *', task: { service: 'svc', action: 'echo', payload: { night: true } } }
/** A time that does not come while the tests run. */
const NEW_YEAR = { cron: '0 0 1 1 *', task: { service: 'svc', action: 'ok' } }

describe('a schedule', () => {
  let world: World
  let url: string
  before(async () => {
    world = await openWorld()
    url = (await world.node({ services: { svc: {}, other: {} } })).url
  })
  after(() => world.close())

  const put = (name: string, body: unknown): Promise<Told> => ask('PUT', `${url}/schedules/${name}`, body)
  const get = async (name: string): Promise<Told['json']> => (await ask('GET', `${url}/schedules/${name}`)).json
  const post = (path: string, body?: unknown, headers?: Record<string, string>): Promise<Told> =>
    ask('POST', `${url}/schedules/${path}`, body, headers)
  const full = async (location: string): Promise<Told['json']> => (await ask('GET', `${url}${location}?view=full`)).json

  it('is created by the first PUT, with what it leaves open, and replaced by the next', async () => {
    const first = await put('nightly', NIGHTLY)
    expect([first.status, first.location]).to.deep.equal([201, '/schedules/nightly'])
    const { nextAt, next, ...rest } = first.json
    expect(rest).to.deep.equal({
      name: 'nightly',
      cron: '0 3 * * *',
      timezone: 'UTC',
      task: { service: 'svc', action: 'echo', payload: { night: true } },
      overlap: 'allow',
      missed: 'one',
      paused: false,
      lastAt: null,
      lastTask: null,
    })
    expect(next).to.have.length(5)
    expect(next[0])
      .to.equal(nextAt)
      .and.to.match(/^20\d\d-\d\d-\d\dT03:00:00\.000Z$/)
    for (const [i, time] of next.entries()) expect(Date.parse(time)).to.equal(Date.parse(nextAt) + i * 86_400_000)
    expect(Date.parse(nextAt) - Date.now()).to.be.within(-5_000, 86_400_000)
    expect(await get('nightly')).to.deep.equal(first.json)

    const all = {
      cron: '30 2 * * *',
      timezone: 'Europe/Berlin',
      task: {
        service: 'other',
        action: 'ok',
        priority: 'high',
        deadline: '2h',
        labels: { a: 'b' },
        callback: { service: 'svc', action: 'ok' },
        payload: null,
      },
      overlap: 'skip',
      missed: 'none',
      paused: true,
    }
    const second = await put('nightly', all)
    expect(second.status).to.equal(200)
    expect(second.json).to.deep.include(all)
  })

  it('keeps the bytes of its payload, and sends them', async () => {
    const payload = String.raw`{"n": 12345678901234567890, "u": "\u0000\ud800", "__proto__": 1, "a":1, "a":2}`
    await put('bytes', `{"cron":"0 0 1 1 *","task":{"service":"svc","action":"ok","payload":${payload}}}`)
    expect((await ask('GET', `${url}/schedules/bytes`)).text).to.include(`"payload":${payload}}`)
    const { location } = await post('bytes/run')
    await ended(url, location)
    expect(String(world.service.of(location)[0]?.body)).to.equal(payload)
  })

  it('keeps its next time in a PUT with the same cron and zone, and in no other', async () => {
    await put('kept', NEW_YEAR)
    await world.sql(`update schedules set next_at = '2090-05-05T05:05:05Z' where name = 'kept'`)
    const kept = '2090-05-05T05:05:05.000Z'
    for (const change of [
      {},
      { task: NIGHTLY.task },
      { overlap: 'skip', missed: 'none' },
      { paused: true },
      {},
      { timezone: 'UTC', paused: true },
    ])
      expect((await put('kept', { ...NEW_YEAR, ...change })).json.nextAt).to.equal(kept)
    for (const change of [{ cron: '0 0 2 1 *' }, { timezone: 'Asia/Kolkata' }]) {
      await put('kept', NEW_YEAR)
      await world.sql(`update schedules set next_at = '2090-05-05T05:05:05Z' where name = 'kept'`)
      expect((await put('kept', { ...NEW_YEAR, ...change })).json.nextAt).to.not.equal(kept)
    }
  })

  it('is listed by name, page by page', async () => {
    const { json, headers } = await ask('GET', `${url}/schedules`)
    const names: string[] = json.map(({ name }: { name: string }) => name)
    expect(names).to.deep.equal(names.toSorted()).and.to.include('nightly')
    expect(headers.get('link')).to.equal(null)
    expect(json.find(({ name }: { name: string }) => name === 'nightly')).to.deep.equal(await get('nightly'))
    const seen: string[] = []
    for (let path: string | undefined = '/schedules?limit=2'; path !== undefined;) {
      const page: Told = await ask('GET', url + path)
      expect(page.json.length).to.be.within(1, 2)
      seen.push(...page.json.map(({ name }: { name: string }) => name))
      path = /<([^>]+)>; rel="next"/.exec(page.headers.get('link') ?? '')?.[1]
    }
    expect(seen).to.deep.equal(names)
  })

  it('is listed until a page is 8 MiB', async () => {
    const task = { service: 'svc', action: 'ok', payload: 'x'.repeat(1_000_000) }
    for (let i = 0; i < 10; i += 1) await put(`zz-large-${i}`, { ...NEW_YEAR, task })
    const first = await ask('GET', `${url}/schedules?afterName=zz`)
    expect(first.json).to.have.length(9)
    const next = /<([^>]+)>/.exec(first.headers.get('link') ?? '')?.[1] ?? ''
    const second = await ask('GET', url + next)
    expect(second.json.map(({ name }: { name: string }) => name)).to.deep.equal(['zz-large-9'])
    expect(second.headers.get('link')).to.equal(null)
    for (let i = 0; i < 10; i += 1) await ask('DELETE', `${url}/schedules/zz-large-${i}`)
  })

  it('is gone after a DELETE, and its tasks are not', async () => {
    await put('gone', NEW_YEAR)
    const { location } = await post('gone/run')
    expect((await ask('DELETE', `${url}/schedules/gone`)).status).to.equal(204)
    for (const [method, path] of [
      ['GET', ''],
      ['DELETE', ''],
      ['POST', '/run'],
      ['POST', '/pause'],
      ['POST', '/resume'],
    ] as const) {
      const { status, json } = await ask(method, `${url}/schedules/gone${path}`)
      expect([status, json.code], method + path).to.deep.equal([404, 'not_found'])
    }
    expect(await ended(url, location)).to.include({ status: 'complete', schedule: 'gone' })
  })

  it('is run now by a POST, paused or not, and its next time stays', async () => {
    const task = {
      service: 'svc',
      action: 'echo',
      payload: [1],
      priority: 'low',
      deadline: '1h',
      labels: { run: 'now' },
      callback: { service: 'other', action: 'ok' },
    }
    const { nextAt } = (await put('run', { ...NEW_YEAR, task, paused: true })).json
    const { status, location, json } = await post('run/run')
    expect([status, json.status, json.location]).to.deep.equal([302, 'pending', location])
    const shown = await ended(url, location)
    expect(shown).to.deep.include({
      status: 'complete',
      result: [1],
      schedule: 'run',
      priority: 'low',
      labels: { run: 'now' },
      callback: task.callback,
    })
    const { createdAt, deadlineAt } = await full(location)
    expect(Date.parse(deadlineAt) - Date.parse(createdAt)).to.be.within(3_599_990, 3_600_010)
    const now = await get('run')
    expect(now).to.include({ nextAt, lastTask: location })
    expect(Math.abs(Date.parse(now.lastAt) - Date.parse(createdAt))).to.be.below(1_000)
    const [called] = await eventually(async () => {
      const rows = await world.sql<{ id: string; schedule: string | null }>(
        `select id, schedule from tasks where callback_of = $1`,
        [location.slice(7)],
      )
      expect(rows).to.have.length(1)
      return rows
    })
    expect(called?.schedule).to.equal(null)
    const created = await post('run/run', undefined, { prefer: 'return=representation' })
    expect(created.status).to.equal(201)
    expect((await ask('GET', `${url}/tasks?label.run=now`)).json).to.have.length(2)
  })

  it('is run once for each Idempotency-Key, whatever became of it since', async () => {
    await put('keyed', { ...NEW_YEAR, task: { service: 'svc', action: 'ok', payload: 'first' } })
    const key = { 'idempotency-key': 'k1' }
    const first = await post('keyed/run', undefined, key)
    expect([first.status, first.headers.get('idempotency-replayed')]).to.deep.equal([302, null])
    await put('keyed', { ...NEW_YEAR, task: { service: 'other', action: 'fail', payload: 'second' } })
    for (const gone of [false, true]) {
      if (gone) await ask('DELETE', `${url}/schedules/keyed`)
      const again = await post('keyed/run', undefined, key)
      expect([again.status, again.location, again.headers.get('idempotency-replayed')]).to.deep.equal([
        302,
        first.location,
        'true',
      ])
      expect(again.json).to.deep.equal(first.json)
    }
    expect((await post('keyed/run', {}, key)).json.code).to.equal('idempotency_mismatch')
    expect((await post('keyed/run', undefined, { 'idempotency-key': 'k2' })).status).to.equal(404)
    // The refusal has left nothing behind.
    await put('keyed', NEW_YEAR)
    const second = await post('keyed/run', undefined, { 'idempotency-key': 'k2' })
    expect([second.status, second.headers.get('idempotency-replayed')]).to.deep.equal([302, null])
    expect(second.location).to.not.equal(first.location)
    expect((await world.sql(`select from tasks where schedule = 'keyed'`)).length).to.equal(2)
  })

  it('finds its tasks in the list', async () => {
    await put('listed', NEW_YEAR)
    const made = [(await post('listed/run')).location, (await post('listed/run')).location]
    const { json, headers } = await ask('GET', `${url}/tasks?schedule=listed&limit=1`)
    expect(json.map(({ location }: Told) => location)).to.deep.equal([made[1]])
    const next = /<([^>]+)>/.exec(headers.get('link') ?? '')?.[1] ?? ''
    expect((await ask('GET', url + next)).json.map(({ location }: Told) => location)).to.deep.equal([made[0]])
    expect((await ask('GET', `${url}/tasks?schedule=nobody`)).json).to.deep.equal([])
    await ask('DELETE', `${url}${made[1]}`)
    expect((await get('listed')).lastTask).to.equal(made[0])
  })

  it('says that it is paused, and not any more', async () => {
    const { nextAt } = (await put('paused', NEW_YEAR)).json
    for (const [verb, paused] of [
      ['pause', true],
      ['pause', true],
      ['resume', false],
      ['resume', false],
    ] as const) {
      const { status, json } = await post(`paused/${verb}`)
      expect(status).to.equal(200)
      expect(json).to.deep.include({ name: 'paused', paused, nextAt })
      expect(await get('paused')).to.deep.equal(json)
    }
  })
})
