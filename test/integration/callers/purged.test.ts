// What callers are told of tasks that are purged, and of tasks that name them.
import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { ServicesFile } from '../../support/services-file.ts'
import { readConfig } from '../../../src/config/read.ts'
import { startNode } from '../../../src/main.ts'
import { silentLog } from '../../../src/telemetry/log.ts'
import { eventually } from '../../support/eventually.ts'
import { ended, FAST, openWorld, show, type World } from '../../support/world.ts'
import { ask, type Told } from './asks.ts'

describe('a task that is purged', () => {
  let world: World
  let url: string
  before(async () => {
    world = await openWorld()
    url = (await world.node()).url
  })
  after(() => world.close())

  const post = (action: string, key: string, more: object = {}, path = '/tasks'): Promise<Told> =>
    ask('POST', `${url}${path}`, path === '/tasks' ? { service: 'svc', action, ...more } : more, {
      'idempotency-key': key,
    })
  /** Lets its time come, and waits until it is gone. */
  const purge = async (location: string): Promise<void> => {
    await ended(url, location)
    await world.sql(`update tasks set finished_at = now() - interval '91 days' where id = $1`, [location.slice(7)])
    await eventually(async () => expect(await show(url, location)).to.equal(undefined))
  }

  it('is 404, and its POST is replayed as that of a deleted one', async () => {
    const key = randomUUID()
    const first = await post('ok', key)
    await purge(first.location)
    expect((await ask('DELETE', url + first.location)).status).to.equal(404)
    expect((await ask('POST', `${url}${first.location}/retry`, {})).status).to.equal(404)
    const second = await post('ok', key)
    expect([second.status, second.location, second.text]).to.deep.equal([302, first.location, first.text])
    expect(second.headers.get('idempotency-replayed')).to.equal('true')
    expect(await show(url, first.location)).to.equal(undefined)
  })

  it('is still named by its retry and by its callback, which go on', async () => {
    const first = await post('fail', randomUUID(), { callback: { service: 'svc', action: 'ok' } })
    await ended(url, first.location)
    const retry = await post('', randomUUID(), {}, `${first.location}/retry`)
    await ended(url, retry.location)
    await purge(first.location)
    expect(await show(url, retry.location)).to.include({ retryOf: first.location })
    const all = (await ask('GET', `${url}/tasks?view=full&limit=1000`)).json as { callbackOf: string | null }[]
    expect(all.map(({ callbackOf }) => callbackOf)).to.include(first.location)
  })

  it('can be retried again where the retry was purged', async () => {
    const { location } = await post('fail', randomUUID())
    await ended(url, location)
    const first = await post('', randomUUID(), {}, `${location}/retry`)
    await purge(first.location)
    const second = await post('', randomUUID(), {}, `${location}/retry`)
    expect([second.status, second.headers.get('task-existing')]).to.deep.equal([302, null])
    expect(second.location).not.to.equal(first.location)
    expect(await ended(url, second.location)).to.include({ retryOf: location })
  })

  it('leaves its schedule and its `unique` as they are', async () => {
    await ask('PUT', `${url}/schedules/s`, { cron: '0 3 1 1 *', task: { service: 'svc', action: 'ok' } })
    const run = await ask('POST', `${url}/schedules/s/run`)
    await purge(run.location)
    expect((await ask('GET', `${url}/schedules/s`)).json).to.include({ lastTask: null })
    const first = await post('ok', randomUUID(), { unique: 'u' })
    await purge(first.location)
    expect((await post('ok', randomUUID(), { unique: 'u' })).headers.get('task-existing')).to.equal(null)
  })
})

describe('a reload of the services file', () => {
  it('changes the retention, also that of all services alone', async () => {
    const world = await openWorld()
    const services = { svc: { url: world.service.url } }
    const text = (retention: object): string => JSON.stringify({ retention, services })
    await using file = await ServicesFile.create(services)
    await file.write(text({ complete: 0, failed: 0 }))
    const { databaseUrl: DATABASE_URL, redisUrl: REDIS_URL, prefix: REDIS_PREFIX } = world
    const env = { TASK_API_CONFIG: file.path, DATABASE_URL, REDIS_URL, REDIS_PREFIX, PORT: '0', DRAIN_TIMEOUT: '50ms' }
    const options = { log: silentLog(), version: '0.0.0', tell: () => {}, signal: new AbortController().signal }
    const node = await startNode(readConfig({ env, cwd: '/' }), { ...options, env, timings: FAST })
    try {
      const { location } = await ask('POST', `${node.url}/tasks`, { service: 'svc', action: 'ok' })
      await ended(node.url, location)
      await world.sql(`update tasks set finished_at = now() - interval '1 year'`)
      await file.write(text({ complete: '1h' }))
      const { status, json } = await ask('POST', `${node.url}/services/reload`)
      expect([status, json]).to.deep.equal([200, { added: [], changed: [], removed: [] }])
      await eventually(async () => expect(await show(node.url, location)).to.equal(undefined))
    } finally {
      await node.stop()
      await world.close()
    }
  })
})
