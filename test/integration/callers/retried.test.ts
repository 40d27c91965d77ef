// What a retry takes along, what it does not, and that there is one of each task.
import { expect } from 'chai'
import { ended, openWorld, type World } from '../../support/world.ts'
import { ask, type Told } from './asks.ts'

describe('a task that is retried', () => {
  let world: World
  let urls: string[]
  let url: string
  before(async () => {
    world = await openWorld()
    const services = { svc: {} }
    urls = [(await world.node({ services })).url, (await world.node({ services: { ...services, extra: {} } })).url]
    url = urls[0] ?? ''
  })
  after(() => world.close())

  const old = async (task: Record<string, unknown> = {}): Promise<string> => {
    const told = await ask('POST', `${urls[1]}/tasks`, { service: 'svc', action: 'ok', ...task })
    expect(told.status).to.equal(302)
    await ended(urls[1] ?? '', told.location)
    return told.location
  }
  const retry = (location: string, body?: unknown, headers?: Record<string, string>): Promise<Told> =>
    ask('POST', `${url}${location}/retry`, body, headers)
  const full = async (location: string): Promise<Told['json']> => (await ask('GET', `${url}${location}?view=full`)).json
  const refusal = ({ status, json }: Told): unknown => [status, json.code]

  it('hands on its labels, its priority, its callback and the length of its deadline', async () => {
    const options = { labels: { a: 'b' }, priority: 'high', callback: { service: 'svc', action: 'echo' } }
    const location = await old({ ...options, deadline: '90m' })
    const { location: again } = await retry(location, { delay: '2h' })
    const task = await full(again)
    expect(task).to.deep.include({ ...options, retryOf: location, retriedAs: null, callbackOf: null, schedule: null })
    expect(Date.parse(task.deadlineAt) - Date.parse(task.runAt)).to.equal(90 * 60_000)
    const labelled = (await ask('GET', `${url}/tasks?label.a=b`)).json as { location: string }[]
    expect(labelled.map((one) => one.location)).to.deep.equal([again, location])
    await ask('PATCH', `${url}${again}`, { delay: '0' })
    await ended(url, again)
    const told = await world.sql<{ callback_of: string }>(
      `select callback_of from tasks where callback_of in ($1, $2) order by 1`,
      [location.slice(7), again.slice(7)],
    )
    expect(told.map((one) => `/tasks/${one.callback_of}`)).to.deep.equal([location, again])
  })

  it('ends at the deadline that was handed on', async () => {
    const { location: again } = await retry(await old({ deadline: '1s' }), { delay: '2s' })
    // Nothing begins a task of a paused service: only the deadline ends it.
    await ask('POST', `${url}/services/svc/pause`, {})
    try {
      expect((await ended(url, again)).error).to.include({ code: 'deadline_exceeded' })
    } finally {
      await ask('POST', `${url}/services/svc/resume`, {})
    }
  }).timeout(20_000)

  it('hands on its `unique`, and is refused while another task holds it', async () => {
    const location = await old({ unique: 'mine' })
    const { location: again } = await retry(location, { delay: '1h' })
    expect(await full(again)).to.include({ unique: 'mine' })
    const other = await ask('POST', `${url}/tasks`, { service: 'svc', action: 'ok', unique: 'mine' })
    expect([other.location, other.headers.get('task-existing')]).to.deep.equal([again, 'true'])
    const second = await old({ unique: 'yours' })
    const { location: holder } = await ask('POST', `${url}/tasks`, {
      service: 'svc',
      action: 'ok',
      unique: 'yours',
      delay: '1h',
    })
    expect(refusal(await retry(second))).to.deep.equal([409, 'unique_taken'])
    expect(await full(second)).to.include({ retriedAs: null })
    await ask('DELETE', `${url}${holder}`)
    expect((await retry(second)).status).to.equal(302)
  })

  it('is retried once, and says so in the form that is asked for', async () => {
    const location = await old()
    const headers = { prefer: 'return=representation' }
    const first = await retry(location, {}, headers)
    expect([first.status, first.headers.get('task-existing')]).to.deep.equal([201, null])
    await ended(url, first.location)
    const again = await retry(location, { from: 'start', payload: 1 }, headers)
    expect([again.status, again.headers.get('task-existing')]).to.deep.equal([200, 'true'])
    expect(again.json).to.include({ location: first.location, status: 'complete' })
    const plain = await retry(location)
    expect([plain.status, plain.location, plain.headers.get('task-existing')]).to.deep.equal([
      302,
      first.location,
      'true',
    ])
  })

  it('has one retry, whichever nodes are asked at once', async () => {
    const location = await old()
    const all = await Promise.all(Array.from({ length: 10 }, (_, i) => ask('POST', `${urls[i % 2]}${location}/retry`)))
    expect(new Set(all.map((one) => one.status))).to.deep.equal(new Set([302]))
    expect(new Set(all.map((one) => one.location)).size).to.equal(1)
    expect(all.filter((one) => one.headers.get('task-existing') === null)).to.have.length(1)
    expect(await world.sql('select from tasks where retry_of = $1', [location.slice(7)])).to.have.length(1)
  })

  it('may be a retry itself', async () => {
    const location = await old({ action: 'fail' })
    const { location: second } = await retry(location)
    await ended(url, second)
    const third = await retry(second)
    expect([third.status, third.headers.get('task-existing')]).to.deep.equal([302, null])
    await ended(url, third.location)
    expect(await full(second)).to.include({ retryOf: location, retriedAs: third.location })
    expect(world.service.of(third.location)[0]?.request.headers).to.include({ 'task-retry-of': second })
    expect((await retry(location)).location).to.equal(second)
  })

  it('is retried anew where its retry was deleted', async () => {
    const location = await old()
    const { location: deleted } = await retry(location)
    await ended(url, deleted)
    expect((await ask('DELETE', `${url}${deleted}`)).status).to.equal(204)
    const anew = await retry(location)
    expect([anew.status, anew.headers.get('task-existing')]).to.deep.equal([302, null])
    expect(anew.location).to.not.equal(deleted)
    expect(await full(location)).to.include({ retriedAs: anew.location })
  })

  it('is refused where it has not ended, is gone, or has a service that the node does not know', async () => {
    const { location } = await ask('POST', `${url}/tasks`, { service: 'svc', action: 'later.3600' })
    for (const on of urls)
      expect(refusal(await ask('POST', `${on}${location}/retry`))).to.deep.equal([409, 'not_ended'])
    await ask('DELETE', `${url}${location}`)
    expect(refusal(await retry(location))).to.deep.equal([404, 'not_found'])
    const extra = await old({ service: 'extra' })
    expect(refusal(await retry(extra))).to.deep.equal([400, 'unknown_service'])
    expect(await world.sql('select from tasks where retry_of = $1', [extra.slice(7)])).to.have.length(0)
    expect((await ask('POST', `${urls[1]}${extra}/retry`)).status).to.equal(302)
  })

  it('is retried once with an `Idempotency-Key`, also when the retry is gone', async () => {
    const location = await old({ payload: { n: 1 } })
    const headers = { 'idempotency-key': 'again' }
    const first = await retry(location, {}, headers)
    await ended(url, first.location)
    await ask('DELETE', `${url}${first.location}`)
    const replayed = await retry(location, {}, headers)
    expect([replayed.status, replayed.location, replayed.headers.get('idempotency-replayed')]).to.deep.equal([
      302,
      first.location,
      'true',
    ])
    expect(replayed.json).to.include({ status: 'pending' })
    expect(refusal(await retry(location, { from: 'start' }, headers))).to.deep.equal([422, 'idempotency_mismatch'])
  })
})
