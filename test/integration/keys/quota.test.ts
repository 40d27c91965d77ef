// The quotas of keys over HTTP, on two nodes with a real Postgres and a services file that is read again.
import { expect } from 'chai'
import { readConfig } from '../../../src/config/read.ts'
import { hashOf, type Quota } from '../../../src/core/key.ts'
import { type RunningNode, startNode } from '../../../src/main.ts'
import { silentLog } from '../../../src/telemetry/log.ts'
import { eventually } from '../../support/eventually.ts'
import { as, tokenOf } from '../../support/keys.ts'
import { ServicesFile } from '../../support/services-file.ts'
import { FAST, openWorld, type World } from '../../support/world.ts'
import { ask, type Told } from '../callers/asks.ts'

describe('the quota of a key', function () {
  this.timeout(120_000)
  let world: World
  let file: ServicesFile
  let nodes: RunningNode[]

  /** The services file with keys of these quotas. */
  const textOf = (quotas: Readonly<Record<string, Quota>>): string => {
    const scopes = ['submit', 'read', 'cancel', 'operate']
    const keys = Object.entries(quotas).map(([name, quota]) => [
      name,
      { hash: `sha256:${hashOf(tokenOf(name))}`, scopes, quota },
    ])
    return JSON.stringify({ services: { svc: { url: world.service.url } }, keys: Object.fromEntries(keys) as object })
  }
  const open = async (quotas: Readonly<Record<string, Quota>>, count = 1): Promise<void> => {
    await file.write(textOf(quotas))
    const { databaseUrl: DATABASE_URL, redisUrl: REDIS_URL, prefix: REDIS_PREFIX } = world
    const env = { TASK_API_CONFIG: file.path, DATABASE_URL, REDIS_URL, REDIS_PREFIX, PORT: '0', DRAIN_TIMEOUT: '50ms' }
    const options = { log: silentLog(), version: '0.0.0', tell: () => {}, signal: new AbortController().signal }
    for (let i = 0; i < count; i++)
      nodes.push(await startNode(readConfig({ env, cwd: '/' }), { ...options, env, timings: FAST }))
  }
  const reload = async (quotas: Readonly<Record<string, Quota>>): Promise<void> => {
    await file.write(textOf(quotas))
    expect((await asks('shop', 'POST', '/services/reload')).status).to.equal(200)
  }
  const asks = (key: string, method: string, path: string, body?: unknown, node = 0): Promise<Told> =>
    ask(method, `${nodes[node]?.url}${path}`, body, as(key))
  const task = (more = {}): object => ({ service: 'svc', action: 'ok', delay: '1h', ...more })
  const post = (key: string, node = 0): Promise<Told> => asks(key, 'POST', '/tasks', task(), node)
  const batch = (key: string, count: number): Promise<Told> =>
    asks(
      key,
      'POST',
      '/tasks/batch',
      Array.from({ length: count }, () => task()),
    )
  /** What a POST came to: its status, or about how long to wait, which passes while the test runs. */
  const outcome = ({ status, json, headers }: Told): number | string => {
    if (status !== 429) return status
    expect(json.code).to.equal('quota_exceeded')
    const text = headers.get('retry-after') ?? ''
    expect(text).to.match(/^[1-9][0-9]*$/)
    const seconds = Number(text)
    return seconds === 1 ? '1 s' : seconds <= 60 ? '1 min' : `${Math.ceil(seconds / 3600)} h`
  }
  const created = async (): Promise<number> => (await world.sql('select from tasks')).length

  beforeEach(async () => {
    world = await openWorld()
    file = await ServicesFile.create({})
    nodes = []
  })
  afterEach(async () => {
    await Promise.all(nodes.map((node) => node.stop()))
    await world.close()
    await file[Symbol.asyncDispose]()
  })

  it('bounds the tasks of each key by itself, on each node by itself, and what is refused creates nothing', async () => {
    await open({ shop: { rate: '1/h', burst: 2 }, other: { rate: '1/m' } }, 2)
    for (const node of [0, 1])
      expect([await post('shop', node), await post('shop', node), await post('shop', node)].map(outcome)).to.deep.equal(
        [302, 302, '1 h'], // prettier-ignore
      )
    expect([await post('other'), await post('other')].map(outcome)).to.deep.equal([302, '1 min'])
    expect(await created()).to.equal(5)
    expect(outcome(await asks('shop', 'GET', '/tasks'))).to.equal(200)
  })

  it('counts all tasks of a batch, which waits for a full bucket and may overdraw it', async () => {
    await open({ shop: { rate: '1/h', burst: 5 } })
    expect(outcome(await batch('shop', 8))).to.equal(201)
    expect(outcome(await batch('shop', 8))).to.equal('8 h')
    expect(outcome(await post('shop'))).to.equal('4 h')
    expect(await created()).to.equal(8)
    await reload({ shop: { rate: '100/s', burst: 5 } })
    await eventually(async () => expect(outcome(await post('shop'))).to.equal(302))
  })

  it('counts retries, runs of schedules and repeats, and no faulty body', async () => {
    await open({ shop: { rate: '1/h', burst: 5 }, free: { rate: '1000/s' } })
    const { location } = await asks('free', 'POST', '/tasks', task())
    await asks('free', 'POST', `${location}/cancel`)
    await asks('free', 'PUT', '/schedules/s', { cron: '0 0 1 1 *', task: { service: 'svc', action: 'ok' } })
    expect(outcome(await asks('shop', 'POST', '/tasks', { service: 'svc' }))).to.equal(400)
    const keyed = { ...as('shop'), 'idempotency-key': 'k' }
    const told = [
      await ask('POST', `${nodes[0]?.url}/tasks`, task(), keyed),
      await ask('POST', `${nodes[0]?.url}/tasks`, task(), keyed),
      await asks('shop', 'POST', `${location}/retry`),
      await asks('shop', 'POST', '/schedules/s/run'),
      await post('shop'),
      await post('shop'),
    ]
    expect(told.map(outcome)).to.deep.equal([302, 302, 302, 302, 302, '1 h'])
    expect(outcome(await asks('shop', 'POST', `${location}/retry`))).to.equal('1 h')
    expect(outcome(await asks('shop', 'POST', '/schedules/s/run'))).to.equal('1 h')
  })

  it('lets a bulk retry begin with a full bucket, and charges what it has created', async () => {
    await open({ shop: { rate: '1/h', burst: 2 }, free: { rate: '1000/s' } })
    await batch('free', 3)
    await asks('free', 'POST', '/tasks/cancel?service=svc')
    const retry = (query: string): Promise<Told> => asks('shop', 'POST', `/tasks/retry?status=failed${query}`)
    expect((await retry('&dryRun=true')).json).to.include({ matched: 3 })
    expect((await retry('&retried=true')).json).to.include({ done: 0 })
    expect((await retry('&retried=false')).json).to.include({ done: 3 })
    expect(outcome(await retry('&retried=false'))).to.equal('3 h')
    expect(outcome(await post('shop'))).to.equal('2 h')
    expect(outcome(await retry('&dryRun=true'))).to.equal(200)
  })

  it('bounds the tasks of a key that wait, on whichever node, and lets go on when fewer wait', async () => {
    await open({ shop: { waiting: 3 }, other: { waiting: 3 } }, 2)
    for (let i = 0; i < 3; i++) expect(outcome(await post('shop', i % 2))).to.equal(302)
    for (const node of [0, 1]) await eventually(async () => expect(outcome(await post('shop', node))).to.equal('1 s'))
    expect(outcome(await batch('shop', 2))).to.equal('1 s')
    expect(outcome(await post('other'))).to.equal(302)
    await world.sql(`delete from tasks where caller = 'shop'`)
    await eventually(async () => expect(outcome(await post('shop'))).to.equal(302))
  })

  it('is that of the file as it was last read', async () => {
    await open({ shop: { rate: '1/h' } })
    expect([await post('shop'), await post('shop')].map(outcome)).to.deep.equal([302, '1 h'])
    await reload({ shop: { rate: '1/m' } })
    expect(outcome(await post('shop'))).to.equal('1 min')
    await reload({ shop: { waiting: 100 } })
    expect([await post('shop'), await post('shop')].map(outcome)).to.deep.equal([302, 302])
  })
})
