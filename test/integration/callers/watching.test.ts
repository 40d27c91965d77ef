// What callers watch: the end of a task, its changes, its tries, and why it does not run.
import { expect } from 'chai'
import { eventually } from '../../support/eventually.ts'
import { ended, openWorld, post, remove, type World } from '../../support/world.ts'
import { ask, type Told } from './asks.ts'

/** Sends requests that wait, and resolves when so many connections have asked since whether tasks have changed. */
async function waiting<T>({ sql }: World, send: () => readonly T[], nodes = 1): Promise<readonly T[]> {
  const [{ now } = { now: '' }] = await sql<{ now: string }>('select clock_timestamp()::text as now')
  const sent = send()
  await eventually(async () =>
    expect(
      await sql(
        `select distinct pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
           and query like '%xmin::text as version%' and query_start > '${now}'`,
      ),
    ).to.have.length.at.least(nodes),
  )
  return sent
}

describe('a caller who waits', () => {
  let world: World
  let urls: string[]
  before(async () => {
    world = await openWorld()
    urls = [(await world.node()).url, (await world.node()).url]
  })
  after(() => world.close())

  for (const [how, query, headers] of [
    ['?wait', '?wait=30s', {}],
    ['Prefer', '', { prefer: 'wait=30' }],
  ] as const)
    it(`is answered within 500 ms of the end, on any node (${how})`, async () => {
      const location = await post(urls[0] ?? '', 'held')
      await world.service.until((seen) => seen.some((one) => one.location === location))
      const send = () => urls.map((url) => ask('GET', `${url}${location}${query}`, undefined, headers))
      const waits = await waiting(world, send, urls.length)
      const begun = performance.now()
      world.service.letGo()
      for (const { status, json, headers: told } of await Promise.all(waits)) {
        expect([status, json.status]).to.deep.equal([200, 'complete'])
        expect(told.get('preference-applied')).to.equal(how === 'Prefer' ? 'wait=30' : null)
      }
      expect(performance.now() - begun).to.be.below(1_000)
    })

  it('is answered with the task as it is when the time is over, and at once when it has ended or is not there', async () => {
    const location = await post(urls[0] ?? '', 'held')
    const begun = performance.now()
    expect((await ask('GET', `${urls[0]}${location}?wait=400ms&view=full`)).json).to.include({ location })
    expect(performance.now() - begun).to.be.within(390, 1_500)
    world.service.letGo()
    await ended(urls[0] ?? '', location)
    const late = performance.now()
    expect((await ask('GET', `${urls[0]}${location}?wait=30s`)).json).to.include({ status: 'complete' })
    expect((await ask('GET', `${urls[0]}/tasks/999999?wait=30s`)).status).to.equal(404)
    expect(performance.now() - late).to.be.below(500)
  })

  it('hears 404 when the task is deleted meanwhile', async () => {
    const location = await post(urls[0] ?? '', 'held')
    const [wait] = await waiting(world, () => [ask('GET', `${urls[1]}${location}?wait=30s`)])
    await remove(urls[0] ?? '', location)
    expect((await wait)?.status).to.equal(404)
  })

  it('may submit and wait', async () => {
    const body = { service: 'svc', action: 'ok' }
    const { status, json, location } = await ask('POST', `${urls[0]}/tasks`, body, {
      prefer: 'wait=20, return=representation',
    })
    expect([status, json.status, json.location]).to.deep.equal([201, 'complete', location])
    const redirected = await ask('POST', `${urls[0]}/tasks`, body, { prefer: 'wait=20' })
    expect([redirected.status, redirected.json.result]).to.deep.equal([302, { ok: true }])
  })

  it('cannot ask for more than a minute, and is given a minute where he would prefer more', async () => {
    expect((await ask('GET', `${urls[0]}/tasks/1?wait=61s`)).status).to.equal(400)
    const location = await post(urls[0] ?? '', 'ok')
    await ended(urls[0] ?? '', location)
    const { headers } = await ask('GET', `${urls[0]}${location}`, undefined, { prefer: 'wait=600' })
    expect(headers.get('preference-applied')).to.equal('wait=60')
  })
})

describe('the tries of a task', () => {
  let world: World
  let url: string
  before(async () => {
    world = await openWorld()
    const retry = { attempts: 3, backoff: 50, maxBackoff: 100 }
    const services = {
      svc: { retry },
      all: { retry, attemptLog: 'all' as const },
      none: { retry, attemptLog: 'none' as const },
    }
    url = (await world.node({ services })).url
  })
  after(() => world.close())

  const tries = async (location: string, query = ''): Promise<Told> => ask('GET', `${url}${location}/attempts${query}`)

  it('are those that were no plain 200 or 206, with what came and how long it took', async () => {
    const flaky = await post(url, 'flaky.2')
    await ended(url, flaky)
    const { json } = await tries(flaky)
    expect(json).to.have.length(2)
    expect(json[0]).to.have.all.keys(
      'step',
      'attempt',
      'startedAt',
      'ms',
      'node',
      'outcome',
      'detail',
      'waitMs',
      'body',
    )
    expect(json.map((one: Told['json']) => [one.step, one.attempt, one.outcome, one.body])).to.deep.equal([
      [0, 1, '503', '{}'],
      [0, 2, '503', '{}'],
    ])
    expect(json[0].waitMs).to.be.within(25, 50)
    const failed = await post(url, 'fail')
    await ended(url, failed)
    expect((await tries(failed)).json).to.have.length(1)
    expect((await tries(failed)).json[0]).to.include({ outcome: '500', body: '{"why":"no"}', waitMs: null })
    const plain = await post(url, 'steps.3')
    await ended(url, plain)
    expect((await tries(plain)).json).to.deep.equal([])
    const dropped = await post(url, 'drop')
    await ended(url, dropped)
    expect((await tries(dropped)).json.map((one: Told['json']) => one.outcome)).to.deep.equal([
      'reset',
      'reset',
      'reset',
    ])
  })

  it('are all or none where a service says so, page by page', async () => {
    const all = await post(url, 'steps.4', undefined, 'all')
    await ended(url, all)
    const first = await tries(all, '?limit=3')
    expect(first.json.map((one: Told['json']) => one.outcome)).to.deep.equal(['206', '206', '206'])
    const next = /<([^>]+)>; rel="next"/.exec(first.headers.get('link') ?? '')?.[1] ?? ''
    const second = await ask('GET', `${url}${next}`)
    expect(second.json.map((one: Told['json']) => one.outcome)).to.deep.equal(['206', '200'])
    expect(second.headers.get('link')).to.equal(null)
    const none = await post(url, 'fail', undefined, 'none')
    await ended(url, none)
    expect((await tries(none)).json).to.deep.equal([])
  })

  it('go with their task', async () => {
    const failed = await post(url, 'fail')
    await ended(url, failed)
    await remove(url, failed)
    expect((await tries(failed)).status).to.equal(404)
    expect(await world.sql('select from attempts where task = $1', [failed.slice(7)])).to.have.length(0)
  })
})

describe('an explanation', () => {
  let world: World
  let url: string
  before(async () => {
    world = await openWorld()
    url = (await world.node({ services: { svc: {}, one: { concurrency: 1 } } })).url
  })
  after(() => world.close())

  const explained = async (location: string): Promise<Told['json']> =>
    (await ask('GET', `${url}${location}/explain`)).json
  const codes = async (location: string): Promise<string[]> =>
    (await explained(location)).reasons.map(({ code }: { code: string }) => code)

  it('says what a task does, or what it waits for', async () => {
    const held = await post(url, 'held', undefined, 'one')
    await world.service.until((seen) => seen.some((one) => one.location === held))
    expect(await explained(held)).to.include({ state: 'running' })
    expect(await codes(held)).to.deep.equal(['running'])
    const [second, third] = [await post(url, 'ok', undefined, 'one'), await post(url, 'ok', undefined, 'one')]
    await eventually(async () => expect(await codes(second)).to.deep.equal(['service_full']), 5_000)
    expect(await codes(third)).to.deep.equal(['behind_others', 'service_full'])
    const delayed = await ask('POST', `${url}/tasks`, { service: 'svc', action: 'ok', delay: '1h' })
    const [reason] = (await explained(delayed.location)).reasons
    expect(reason.code).to.equal('delayed')
    expect(Date.parse(reason.until) - Date.now()).to.be.within(3_590_000, 3_601_000)
    const repeated = await post(url, 'later.3600')
    await eventually(async () => expect(await codes(repeated)).to.deep.equal(['waiting_for_retry']))
    expect((await explained(repeated)).reasons[0].detail).to.match(/503/)
    world.service.letGo()
    await ended(url, held)
    expect(await explained(held)).to.deep.include({ state: 'ended' })
    await world.sql(
      `insert into tasks (key, service, action, payload, payload_bytes) values (gen_random_uuid(), 'nobody', 'a', '{}', 2)`,
    )
    const [row] = await world.sql<{ id: string }>(`select id from tasks where service = 'nobody'`)
    expect(await codes(`/tasks/${row?.id}`)).to.deep.equal(['no_node'])
    expect((await ask('GET', `${url}/tasks/999999/explain`)).status).to.equal(404)
  })
})
