// What waits cost, and what becomes of them while Postgres is away: counted and cut at the link between a node and Postgres.
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { expect } from 'chai'
import { TIMINGS } from '../../../src/core/timings.ts'
import { Link } from '../../chaos/link.ts'
import { eventually } from '../../support/eventually.ts'
import { openWorld, post, remove, type World } from '../../support/world.ts'
import { ask, type Told } from './asks.ts'

/** What only the question of those who wait has in its text. */
const QUESTION = 't.xmin::text as version'
/** What only the beat of a node has in its text. */
const BEAT = 'with old as materialized (select id, lease_until'

describe('a node whose callers wait', () => {
  let world: World
  let link: Link
  let url: string
  const heard = { questions: 0, beats: 0 }
  beforeEach(async () => {
    Object.assign(heard, { questions: 0, beats: 0 })
    world = await openWorld()
    link = await Link.to(Number(new URL(world.databaseUrl).port))
    link.heard = (outward, chunk) => {
      if (outward && chunk?.includes(QUESTION)) heard.questions += 1
      if (outward && chunk?.includes(BEAT)) heard.beats += 1
    }
    const databaseUrl = Object.assign(new URL(world.databaseUrl), { port: link.port }).href
    url = (
      await world.node({ databaseUrl, timings: { ...TIMINGS, linger: 0 }, services: { svc: { timeout: 600_000 } } })
    ).url
  })
  afterEach(async () => {
    await world.close()
    await link.close()
  })
  const begun = (location: string): Promise<void> =>
    world.service.until((seen) => seen.some((one) => one.location === location))
  /** The questions by the second, over so many beats of the node. */
  async function asked(beats: number): Promise<number> {
    const [since, before] = [performance.now(), { ...heard }]
    await eventually(() => expect(heard.beats).to.be.at.least(before.beats + beats))
    return (heard.questions - before.questions) / ((performance.now() - since) / 1_000)
  }

  it('asks for all of them in one statement, at most six times a second, and for nothing while nobody waits', async () => {
    const locations = await Promise.all(Array.from({ length: 50 }, () => post(url, 'held')))
    for (const location of locations) await begun(location)
    expect(await asked(2)).to.equal(0)
    const gone = new AbortController()
    const waits = locations.map((location) => fetch(`${url}${location}?wait=60s`, { signal: gone.signal }))
    const stream = fetch(`${url}${locations[0]}/events`, { signal: gone.signal })
    await stream
    const rate = await asked(2)
    expect(rate).to.be.above(0.5).and.below(6)
    gone.abort()
    await Promise.allSettled(waits)
    await eventually(async () => expect(await asked(1)).to.equal(0))
  })

  it('lets them wait on while Postgres is away, and tells them of the end when it is back', async () => {
    const [one, two] = [await post(url, 'held'), await post(url, 'held')]
    for (const location of [one, two]) await begun(location)
    const waits = [one, two].map((location) => ask('GET', `${url}${location}?wait=60s`))
    const over: Told[] = []
    for (const wait of waits) void wait.then((told) => over.push(told))
    const short = ask('GET', `${url}${one}?wait=3s`)
    await eventually(() => expect(heard.questions).to.be.at.least(3))
    link.set('cut')
    await eventually(async () => expect((await ask('GET', `${url}/readyz`)).status).to.equal(503))
    const away = await short
    // The time is over, and nobody can say how the task is.
    expect([away.status, away.json.code, away.headers.get('retry-after')]).to.deep.equal([503, 'unavailable', '1'])
    world.service.letGo()
    expect(over).to.deep.equal([])
    link.set('open')
    for (const { status, json } of await Promise.all(waits))
      expect([status, json.status]).to.deep.equal([200, 'complete'])
  })

  it('answers with the task as it was created where Postgres has gone away since', async () => {
    const wait = ask('POST', `${url}/tasks?wait=2s`, { service: 'svc', action: 'held' })
    await world.service.until((seen) => seen.length === 1)
    await eventually(() => expect(heard.questions).to.be.at.least(2))
    link.set('cut')
    const { status, json, location } = await wait
    expect([status, json]).to.deep.equal([
      302,
      { location, service: 'svc', action: 'held', payload: {}, status: 'pending' },
    ])
    link.set('open')
    world.service.letGo()
  })

  it('answers many waits of one connection in their order, and at once where its caller closes his half', async () => {
    const location = await post(url, 'held')
    await world.service.until(() => world.service.of(location).length === 1)
    const warned: Error[] = []
    const note = (warning: Error): unknown => warned.push(warning)
    process.on('warning', note)
    const socket = connect({ port: Number(new URL(url).port), host: '127.0.0.1', allowHalfOpen: true })
    const answers = text(socket)
    socket.write(`GET ${location}?wait=60s HTTP/1.1\r\nHost: x\r\n\r\n`.repeat(20))
    await eventually(() => expect(heard.questions).to.be.above(0))
    const begun = performance.now()
    socket.end(`GET ${location}?wait=59s&view=full HTTP/1.1\r\nHost: x\r\n\r\n`)
    const all = [...(await answers).matchAll(/HTTP\/1.1 200 [^]*?"status":"running"(,"createdAt")?/g)]
    expect(all.map(([, full]) => full !== undefined)).to.deep.equal([...Array.from({ length: 20 }, () => false), true])
    expect(performance.now() - begun).to.be.below(10_000)
    process.off('warning', note)
    expect(warned).to.deep.equal([])
    world.service.letGo()
  })

  it('refuses who submits and waits where the task is deleted meanwhile, and says nothing of where it was', async () => {
    for (const wait of [{ query: '?wait=60s' }, { headers: { prefer: 'wait=60, return=representation' } }]) {
      const before = world.service.requests.length
      const submitted = ask('POST', `${url}/tasks${wait.query ?? ''}`, { service: 'svc', action: 'held' }, wait.headers)
      await world.service.until((seen) => seen.length > before)
      expect(await remove(url, world.service.requests.at(-1)?.location ?? '')).to.equal(204)
      const { status, json, location } = await submitted
      expect([status, json.code, location]).to.deep.equal([404, 'not_found', ''])
    }
  })

  it('answers a repeat as the first POST, also where the task was deleted since', async () => {
    const headers = { 'idempotency-key': 'k', prefer: 'wait=20' }
    const body = { service: 'svc', action: 'echo', payload: [1] }
    const first = await ask('POST', `${url}/tasks`, body, headers)
    expect(first.json).to.deep.include({ status: 'complete', result: [1] })
    await remove(url, first.location)
    const again = await ask('POST', `${url}/tasks`, body, headers)
    expect([again.status, again.location, again.headers.get('idempotency-replayed')]).to.deep.equal([
      302,
      first.location,
      'true',
    ])
    expect(again.json).to.deep.equal({ location: first.location, ...body, status: 'pending' })
  })

  it('lets a caller choose by ?wait, over what he prefers, up to a minute', async () => {
    const body = { service: 'svc', action: 'ok' }
    const told = await ask('POST', `${url}/tasks?wait=20s`, body, { prefer: 'wait=0, return=representation' })
    expect([told.status, told.json.status]).to.deep.equal([201, 'complete'])
    expect(told.headers.get('preference-applied')).to.equal('return=representation')
    for (const wait of ['61s', '60001ms', '30', '-1s', '1.5s', '', '2m'])
      expect((await ask('POST', `${url}/tasks?wait=${wait}`, body)).json.code, wait).to.equal('invalid_parameter')
    const most = await ask('POST', `${url}/tasks`, body, { prefer: 'wait=61' })
    expect(most.headers.get('preference-applied')).to.equal('wait=60')
    expect((await ask('POST', `${url}/tasks?wait=60s`, body)).json.status).to.equal('complete')
  })
})
