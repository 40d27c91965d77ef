// The specification (docs/specification.md) over HTTP, sentence by sentence. A good place to begin to read.
import { expect } from 'chai'
import { Redis } from 'ioredis'
import { eventually } from './support/eventually.ts'
import { type World, ended, openWorld, remove, show } from './support/world.ts'

// The target service is scripted: the name of an action says how it answers (test/support/service.ts).
describe('task_api', () => {
  let world: World
  let url: string
  let redis: Redis

  before(async () => {
    world = await openWorld()
    url = (await world.node({ services: { billing: {}, narrow: { concurrency: 1 } } })).url
    redis = new Redis(world.redisUrl)
  })

  after(async () => {
    redis.disconnect()
    await world.close()
  })

  const ask = async (task: unknown): Promise<Response> =>
    fetch(`${url}/tasks`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(task),
      redirect: 'manual',
    })

  const create = async (action: string, payload: unknown = {}, service = 'billing'): Promise<string> =>
    (await ask({ service, action, payload })).headers.get('Location') ?? ''

  const arrived = (location: string, count = 1): Promise<void> =>
    world.service.until(() => world.service.of(location).length >= count)

  it('creates a task by POST /tasks, and redirects to it', async () => {
    const response = await ask({ service: 'billing', action: 'ok', payload: { key: 'value' } })
    expect(response.status).to.equal(302)
    expect(response.headers.get('Location')).to.match(/^\/tasks\/[1-9][0-9]*$/)
  })

  it('shows a task by GET /tasks/:id', async () => {
    const location = await create('held', { key: 'value' })
    await arrived(location)
    const response = await fetch(url + location)
    expect(response.status).to.equal(200)
    expect(await response.json()).to.deep.equal({
      location,
      service: 'billing',
      action: 'held',
      payload: { key: 'value' },
      status: 'running',
    })
    world.service.letGo()
  })

  it('sends the payload of the task to the action of its service', async () => {
    const location = await create('ok', { key: 'value' })
    await ended(url, location)
    const seen = world.service.of(location)
    expect(seen.map(({ request }) => `${request.method} ${request.url}`)).to.deep.equal(['POST /run/ok'])
    expect(seen[0]?.body.toString()).to.equal('{"key":"value"}')
  })

  it('makes another request after each 206, with the body of the answer as its payload, until the service says 200', async () => {
    const location = await create('steps.3', { at: 0 })
    const task = await ended(url, location)
    const payloads = world.service.of(location).map(({ body }) => body.toString())
    expect(payloads).to.deep.equal(['{"at":0}', '{"at":1}', '{"at":2}', '{"at":3}'])
    expect(task.status).to.equal('complete')
    expect(task.payload).to.deep.equal({ at: 0 })
  })

  it('completes a task when the service answers 200', async () => {
    const task = await ended(url, await create('ok'))
    expect(task.status).to.equal('complete')
    expect(task.result).to.deep.equal({ ok: true })
  })

  it('fails a task when the service answers 500', async () => {
    const task = await ended(url, await create('fail'))
    expect(task.status).to.equal('failed')
    expect(task.error).to.include({ code: 'service_error', status: 500 })
  })

  it('keeps a task as a row in Postgres, and its id on a Redis list until there is room to run it', async () => {
    const first = await create('held', {}, 'narrow')
    await arrived(first)
    const second = await create('ok', { key: 'value' }, 'narrow')
    const id = second.replace('/tasks/', '')
    const [row] = await world.sql('select service, action, payload, status from tasks where id = $1', [id])
    expect(row).to.deep.equal({ service: 'narrow', action: 'ok', payload: { key: 'value' }, status: 'pending' })
    const list = (): Promise<string[]> => redis.lrange(`${world.prefix}{queue}:narrow`, 0, -1)
    await eventually(async () => expect(await list()).to.deep.equal([id]))
    world.service.letGo()
    await ended(url, second)
    expect(await list()).to.deep.equal([])
  })

  it('moves a task from pending to running to complete', async () => {
    const first = await create('held', {}, 'narrow')
    await arrived(first)
    const second = await create('held', {}, 'narrow')
    expect((await show(url, second))?.status).to.equal('pending')
    world.service.letGo()
    await arrived(second)
    expect((await show(url, second))?.status).to.equal('running')
    world.service.letGo()
    expect((await ended(url, second)).status).to.equal('complete')
  })

  it('deletes a task by DELETE /tasks/:id', async () => {
    const location = await create('ok')
    await ended(url, location)
    expect(await remove(url, location)).to.equal(204)
    expect((await fetch(url + location)).status).to.equal(404)
    expect(await remove(url, location)).to.equal(404)
  })

  it('cancels a running task when it is deleted: its request is cut off', async () => {
    const location = await create('hang')
    await arrived(location)
    expect(await remove(url, location)).to.equal(204)
    expect((await fetch(url + location)).status).to.equal(404)
    await world.service.until(() => world.service.of(location).every(({ aborted }) => aborted))
  })

  it('lists the tasks by GET /tasks, the newest first', async () => {
    const older = await create('ok', { nth: 1 })
    const newer = await create('fail', { nth: 2 })
    await Promise.all([ended(url, older), ended(url, newer)])
    const response = await fetch(`${url}/tasks?limit=2`)
    expect(response.status).to.equal(200)
    expect(await response.json()).to.deep.equal([
      { location: newer, service: 'billing', action: 'fail', payload: { nth: 2 }, status: 'failed' },
      { location: older, service: 'billing', action: 'ok', payload: { nth: 1 }, status: 'complete' },
    ])
  })

  it('knows the services that its configuration registers, and no other', async () => {
    const response = await ask({ service: 'nobody', action: 'ok', payload: {} })
    expect(response.status).to.equal(400)
    expect(await response.json()).to.include({ code: 'unknown_service' })
  })
})
