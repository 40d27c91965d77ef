// The callback that a service has for its tasks, where they name none.
import { expect } from 'chai'
import { ended, openWorld, type World } from '../../support/world.ts'
import { ask, type Told } from './asks.ts'

const idOf = (location: string): string => location.slice('/tasks/'.length)

describe('the callback of a service', () => {
  let world: World
  let url: string
  before(async () => {
    world = await openWorld()
    const seen = { service: 'audit', action: 'echo' } as const
    const services = {
      plain: {},
      audit: {},
      every: { callback: { ...seen, on: 'end' }, onCancel: 'ok' },
      failures: { callback: { ...seen, on: 'failed' } },
      itself: { callback: { service: 'itself', action: 'echo', on: 'end' } },
    } as const
    url = (await world.node({ services })).url
  })
  after(() => world.close())

  const submit = async (service: string, action: string, more: Record<string, unknown> = {}): Promise<string> => {
    const { status, location } = await ask('POST', `${url}/tasks`, { service, action, ...more })
    expect(status).to.equal(302)
    return location
  }
  const full = async (location: string): Promise<Told['json']> => (await ask('GET', `${url}${location}?view=full`)).json
  const callbacksOf = async (location: string): Promise<string[]> => {
    const sql = 'select id, service, action from tasks where callback_of = $1'
    const rows = await world.sql<{ id: string; service: string; action: string }>(sql, [idOf(location)])
    return rows.map(({ id, service, action }) => `${service} ${action} ${id}`)
  }
  const EVERY = { service: 'audit', action: 'echo', on: 'end' }
  const FAILURES = { ...EVERY, on: 'failed' }

  it('is made for each end of a plain task, and shown before', async () => {
    for (const action of ['ok', 'fail', 'steps.2']) {
      const location = await submit('every', action)
      expect((await full(location)).callback).to.deep.equal(EVERY)
      const { status } = await ended(url, location)
      const rows = await callbacksOf(location)
      expect(rows).to.have.length(1)
      const id = /^audit echo (\d+)$/.exec(rows[0] ?? '')?.[1] ?? ''
      expect((await ended(url, `/tasks/${id}`)).payload).to.deep.include({ location, service: 'every', action, status })
    }
  })

  it('is made for failures alone where the service says so', async () => {
    const [complete, failed, cancelled] = [
      await submit('failures', 'ok'),
      await submit('failures', 'fail'),
      await submit('failures', 'ok', { delay: '1h' }),
    ]
    for (const location of [complete, failed]) {
      expect((await full(location)).callback).to.deep.equal(FAILURES)
      await ended(url, location)
    }
    await ask('POST', `${url}${cancelled}/cancel`)
    expect(await callbacksOf(complete)).to.deep.equal([])
    expect(await callbacksOf(failed)).to.have.length(1)
    expect(await callbacksOf(cancelled)).to.have.length(1)
  })

  it('gives way to that of the task, which hears of every end', async () => {
    const callback = { service: 'plain', action: 'ok' }
    for (const service of ['every', 'failures']) {
      const location = await submit(service, 'ok', { callback })
      expect((await full(location)).callback).to.deep.equal(callback)
      await ended(url, location)
      const rows = await callbacksOf(location)
      expect(rows).to.have.length(1)
      expect(rows[0]).to.match(/^plain ok /)
    }
  })

  it('is not there for a task of another service', async () => {
    const location = await submit('plain', 'ok')
    await ended(url, location)
    expect((await full(location)).callback).to.equal(null)
    expect(await callbacksOf(location)).to.deep.equal([])
  })

  it('does not go on for ever: a callback has none, nor has its retry', async () => {
    const location = await submit('itself', 'ok')
    await ended(url, location)
    const [first = ''] = await callbacksOf(location)
    const callback = `/tasks/${first.split(' ')[2]}`
    await ended(url, callback)
    const retry = await ask('POST', `${url}${callback}/retry`)
    await ended(url, retry.location)
    for (const one of [callback, retry.location]) {
      expect((await full(one)).callback).to.equal(null)
      expect(await callbacksOf(one)).to.deep.equal([])
    }
    expect(await world.sql(`select from tasks where service = 'itself'`)).to.have.length(3)
  })

  it('is that of tasks made otherwise: in a batch, by a retry, by onCancel', async () => {
    const batch = await ask('POST', `${url}/tasks/batch`, [
      { service: 'every', action: 'fail' },
      { service: 'plain', action: 'fail' },
      { service: 'every', action: 'heldstep', callback: { service: 'plain', action: 'ok' } },
    ])
    const [every, plain, own] = batch.json.map(({ location }: { location: string }) => location)
    for (const location of [every, plain]) await ended(url, location)
    const many = await ask('POST', `${url}/tasks/retry?ids=${idOf(plain)}`)
    expect(many.json).to.include({ done: 1 })
    const retry = (await ask('POST', `${url}${every}/retry`)).location
    await world.service.until(() => world.service.of(own).length > 1)
    await ask('POST', `${url}${own}/cancel`)
    const [undo] = await world.sql<{ id: string }>(`select id from tasks where payload ->> 'location' = $1 and step = 0 and action = 'ok' and service = 'every'`, [own]) // prettier-ignore
    const shown = await Promise.all([every, plain, own, retry, `/tasks/${undo?.id}`].map(full))
    expect(shown.map(({ callback }) => callback)).to.deep.equal([
      EVERY,
      null,
      { service: 'plain', action: 'ok' },
      EVERY,
      EVERY,
    ])
  })

  it('is that of a task made by SQL, by the newest node that knows the service', async () => {
    const submitted = async (more = ''): Promise<unknown> => {
      const [row] = await world.sql<{ id: string }>(`select task_api.submit('every', 'ok', delay => '1h'${more}) as id`)
      return (await full(`/tasks/${row?.id}`)).callback
    }
    expect(await submitted()).to.deep.equal(EVERY)
    expect(await submitted(`, callback => '{"service":"plain","action":"ok"}'`)).to.deep.equal({
      service: 'plain',
      action: 'ok',
    })
    await world.node({ services: { every: { callback: FAILURES as never }, audit: {} } })
    expect(await submitted()).to.deep.equal(FAILURES)
    await world.node({ services: { audit: {} } })
    expect(await submitted()).to.deep.equal(FAILURES)
    await world.node({ services: { every: {} } })
    expect(await submitted()).to.equal(null)
  })
})
