// The log of tries: what came of each, what is kept of it and for how long, page by page.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import { type Crew, openCrew } from '../../support/crew.ts'
import { ended, openWorld, post, remove, type World } from '../../support/world.ts'
import { ask, type Told } from './asks.ts'

const MIB = 1024 * 1024

/** The address of a port that nothing listens on. */
async function closed(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return `http://127.0.0.1:${port}/{action}`
}

interface Try {
  readonly step?: number
  readonly outcome: string
  readonly detail?: RegExp
  /** From and to, ms. */
  readonly wait?: readonly [number, number]
  readonly body?: string
}

const again = (outcome: string, detail: RegExp, body?: string): readonly Try[] => [
  { outcome, detail, wait: [25, 50], ...(body !== undefined && { body }) },
  { outcome, detail, ...(body !== undefined && { body }) },
]
const plain = (step: number, outcome = '206'): Try => ({ step, outcome })

/** By service and action: the tries that its log has. */
const LOGS: Readonly<Record<string, readonly Try[]>> = {
  'svc ok': [],
  'svc steps.2': [],
  'svc none': [{ outcome: '204' }],
  'svc fail': [{ outcome: '500', detail: /answered 500/, body: '{"why":"no"}' }],
  'svc status.404': [{ outcome: '404', detail: /answered 404/, body: '{"status":"it"}' }],
  'svc redirect': [{ outcome: '307', detail: /redirects/ }],
  'svc garbage': [{ outcome: '206', detail: /not JSON/, body: '{"half":' }],
  'svc status.503': again('503', /answered 503/, '{"status":"it"}'),
  'svc later.1': [{ outcome: '503', detail: /answered 503/, wait: [1_000, 1_000], body: '{}' }],
  'svc hang': again('timeout', /in time/),
  'svc drop': again('reset', /could not be reached/),
  'svc half': again('reset', /could not be reached/),
  'closed ok': again('refused', /ECONNREFUSED/),
  'all ok': [plain(0, '200')],
  'all steps.2': [plain(0), plain(1), plain(2, '200')],
  'all wait.1': [{ outcome: '206', wait: [1_000, 1_000] }, plain(1, '200')],
  'all flaky.1': [{ outcome: '503', detail: /answered 503/, wait: [25, 50], body: '{}' }, plain(0, '200')],
  'none fail': [],
  'none hang': [],
}

describe('the log of tries', () => {
  let world: World
  let url: string
  before(async () => {
    world = await openWorld()
    const some = { timeout: 300, retry: { attempts: 2, backoff: 50, maxBackoff: 50 } }
    const odd = await world.serve((_request, response) => {
      response.writeHead(500).end('é'.repeat(5_000))
    })
    const services = {
      svc: some,
      closed: { ...some, url: await closed() },
      all: { ...some, attemptLog: 'all' as const, keepStates: 3 },
      none: { ...some, attemptLog: 'none' as const },
      odd: { ...some, url: odd },
    }
    url = (await world.node({ services })).url
  })
  after(() => world.close())
  const tries = (location: string, query = ''): Promise<Told> => ask('GET', `${url}${location}/attempts${query}`)

  for (const [what, expected] of Object.entries(LOGS))
    it(`has ${expected.map(({ outcome }) => outcome).join(', ') || 'nothing'} of ${what}`, async () => {
      const [service, action = ''] = what.split(' ')
      const begun = Date.now()
      const location = await post(url, action, undefined, service)
      await ended(url, location)
      const { json } = await tries(location)
      expect(json).to.have.length(expected.length)
      let attempt = 0
      for (const [i, { step = 0, outcome, detail, wait, body = null }] of expected.entries()) {
        attempt = step === expected[i - 1]?.step || i === 0 ? attempt + 1 : json[i].attempt
        expect(json[i]).to.include({ step, outcome, body })
        if (step === 0) expect(json[i].attempt).to.equal(i + 1)
        if (detail) expect(json[i].detail).to.match(detail)
        else expect(json[i].detail).to.equal(null)
        if (wait)
          expect(json[i].waitMs)
            .to.satisfy(Number.isInteger)
            .and.to.be.within(...wait)
        else expect(json[i].waitMs).to.equal(null)
        expect(json[i].ms).to.be.within(outcome === 'timeout' ? 290 : 0, Date.now() - begun)
        expect(Date.parse(json[i].startedAt)).to.be.within(begun - 100, Date.now())
        expect(json[i].node).to.match(/:\d+$/)
      }
    })

  it('has the first 4 KiB of an answer, and no half of a character', async () => {
    const location = await post(url, 'x', undefined, 'odd')
    await ended(url, location)
    expect((await tries(location)).json[0].body).to.equal('é'.repeat(2_048))
    const large = await post(url, `loud.${MIB}`)
    await ended(url, large)
    expect((await tries(large)).json[0].body).to.equal('x'.repeat(4_096))
  })

  it('keeps the last states alone, as many as the service says', async () => {
    const location = await post(url, 'steps.6', undefined, 'all')
    await ended(url, location)
    const states = await world.sql(
      'select step, state from attempts where task = $1 and state is not null order by id',
      [location.slice(7)],
    )
    expect(states).to.deep.equal([3, 4, 5].map((step) => ({ step, state: { at: step + 1 } })))
    expect((await tries(location)).json).to.have.length(7)
    expect((await tries(location)).json[5]).to.not.have.any.keys('state', 'id', 'task')
  })

  it('leads from page to page, each try once', async () => {
    const location = await post(url, 'steps.6', undefined, 'all')
    await ended(url, location)
    const steps: number[] = []
    const sizes: number[] = []
    for (let path: string | undefined = `${location}/attempts?limit=3`; path !== undefined;) {
      const { status, json, headers } = await ask('GET', url + path)
      expect(status).to.equal(200)
      expect(sizes.push(json.length)).to.be.below(5)
      steps.push(...json.map(({ step }: { step: number }) => step))
      path = /^<([^>]+)>; rel="next"$/.exec(headers.get('link') ?? '')?.[1]
    }
    expect(steps).to.deep.equal([0, 1, 2, 3, 4, 5, 6])
    expect(sizes).to.deep.equal([3, 3, 1])
    expect((await tries(location, '?limit=7')).headers.get('link')).to.equal(null)
    expect((await tries(location, '?after=0')).json).to.have.length(7)
    expect((await tries(location, '?after=999999')).json).to.deep.equal([])
    for (const query of ['?limit=0', '?limit=1001', '?after=x', '?after=-1', '?before=1', '?after=1&after=2'])
      expect((await tries(location, query)).status, query).to.equal(400)
    expect((await ask('HEAD', `${url}${location}/attempts`)).status).to.equal(200)
    for (const absent of ['/tasks/999999', '/tasks/0', '/tasks/x']) expect((await tries(absent)).status).to.equal(404)
  })

  it('goes with its task, however that goes, and not sooner', async () => {
    const rows = async (): Promise<number> =>
      (await world.sql('select from attempts where task = any($1::bigint[])', [ids])).length
    const locations = await Promise.all(Array.from({ length: 3 }, () => post(url, 'fail')))
    const ids = locations.map((location) => location.slice(7))
    for (const location of locations) await ended(url, location)
    expect(await rows()).to.equal(3)
    await remove(url, locations[0] ?? '')
    expect(await rows()).to.equal(2)
    expect((await ask('POST', `${url}/tasks/delete?ids=${ids.join(',')}`)).json).to.include({ done: 2 })
    expect(await rows()).to.equal(0)
  })

  describe('of a thread that dies', () => {
    let crew: Crew
    after(() => crew[Symbol.asyncDispose]())

    it('has the try that was lost with it', async () => {
      const own = await openWorld()
      try {
        const entry = new URL('../../support/crashing-actors.js', import.meta.url).href
        crew = await openCrew(own, { entry, timings: { quarantine: 200 } })
        const { url: api } = await own.node({ slots: 0 })
        const location = await crew.post('hang', '{"poison":"throw"}')
        expect((await ended(api, location)).error).to.include({ code: 'crashed' })
        const { json } = await ask('GET', `${api}${location}/attempts`)
        expect(json[0]).to.deep.include({
          step: 0,
          attempt: 1,
          outcome: 'lost',
          node: 'crew',
          waitMs: null,
          body: null,
        })
        expect(json[0].detail).to.match(/thread/)
        expect(new Set(json.map(({ outcome }: { outcome: string }) => outcome))).to.deep.equal(new Set(['lost']))
      } finally {
        await own.close()
      }
    })
  })
})
