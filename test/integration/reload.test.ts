// A reload with tasks under way: loops go by the new file from their next step on, and tasks of a removed service wait.
import { expect } from 'chai'
import { readConfig } from '../../src/config/read.ts'
import { type RunningNode, startNode } from '../../src/main.ts'
import { silentLog } from '../../src/telemetry/log.ts'
import { eventually } from '../support/eventually.ts'
import { type FileOfServices, ServicesFile } from '../support/services-file.ts'
import { ended, FAST, openWorld, post, show, type World } from '../support/world.ts'
import { ask } from './callers/asks.ts'

/** How long a removed service counts as known, ms. */
const FORGOTTEN = 3_000

describe('a reload of the services file', () => {
  let world: World
  let file: ServicesFile
  let node: RunningNode
  let url: string

  beforeEach(async () => {
    world = await openWorld()
    url = world.service.url
    file = await ServicesFile.create({ svc: { url }, other: { url } })
    const { databaseUrl: DATABASE_URL, redisUrl: REDIS_URL, prefix: REDIS_PREFIX } = world
    const env = { TASK_API_CONFIG: file.path, DATABASE_URL, REDIS_URL, REDIS_PREFIX, PORT: '0', DRAIN_TIMEOUT: '50ms' }
    const options = { log: silentLog(), version: '0.0.0', tell: () => {}, signal: new AbortController().signal }
    const timings = { ...FAST, forgotten: FORGOTTEN }
    node = await startNode(readConfig({ env, cwd: '/' }), { ...options, env, timings })
  })
  afterEach(async () => {
    await node.stop()
    await world.close()
    await file[Symbol.asyncDispose]()
  })

  /** Writes the file, and has it read. */
  const reload = async (services: FileOfServices): Promise<void> => {
    await file.write(services)
    const { status, text } = await ask('POST', `${node.url}/services/reload`)
    expect(status, text).to.equal(200)
  }
  const steps = (location: string): number[] => world.service.of(location).map(({ step }) => step)
  const reaches = (location: string, step: number): Promise<void> =>
    world.service.until(() => steps(location).some((one) => one >= step))
  const held = async (): Promise<number> => (await world.sql('select from tasks where node is not null')).length

  it('adds a service: its tasks that wait begin, and a POST is taken', async () => {
    const [row] = await world.sql<{ id: string }>(`select task_api.submit('new', 'ok') as id`)
    expect((await ask('POST', `${node.url}/tasks`, { service: 'new', action: 'ok' })).status).to.equal(400)
    await reload({ svc: { url }, other: { url }, new: { url } })
    expect(await ended(node.url, await post(node.url, 'ok', '{}', 'new'))).to.include({ status: 'complete' })
    expect(await ended(node.url, `/tasks/${row?.id}`)).to.include({ status: 'complete' })
  })

  it('sends a loop to the new address from its next step on, with the new headers', async () => {
    const seen: (string | undefined)[] = []
    const moved = await world.serve((request, response) => {
      seen.push(`${String(request.headers['task-step'])} ${String(request.headers['x-new'])}`)
      request.resume().on('end', () => response.end('"moved"'))
    })
    const location = await post(node.url, 'ever.20')
    await reaches(location, 2)
    await reload({ svc: { url: moved, headers: { 'X-New': 'yes' } }, other: { url } })
    expect(await ended(node.url, location)).to.include({ status: 'complete', result: 'moved', fails: 0 })
    const last = steps(location).at(-1) ?? 0
    expect(steps(location)).to.deep.equal(Array.from({ length: last + 1 }, (_, step) => step))
    expect(seen).to.deep.equal([`${last + 1} yes`])
  })

  it('changes the time limit of a loop, and leaves the request that is open to the old one', async () => {
    const [loop, open] = [await post(node.url, 'ever.100'), await post(node.url, 'held')]
    await reaches(loop, 1)
    await world.service.until(() => steps(open).length === 1)
    await reload({ svc: { url, timeout: '20ms', retry: { attempts: 1 } }, other: { url } })
    expect((await ended(node.url, loop)).error).to.include({ code: 'timeout' })
    world.service.letGo()
    expect(await ended(node.url, open)).to.include({ status: 'complete', attempt: 1 })
  })

  it('lowers the concurrency of loops, and raises it again', async () => {
    const loops = [await post(node.url, 'ever.20'), await post(node.url, 'ever.20'), await post(node.url, 'ever.20')]
    for (const loop of loops) await reaches(loop, 1)
    await reload({ svc: { url, concurrency: 1 }, other: { url } })
    await eventually(async () => expect(await held()).to.equal(1))
    world.service.peak = 0
    const before = world.service.requests.length
    await world.service.until((requests) => requests.length > before + 20)
    expect(world.service.peak).to.equal(1)
    await reload({ svc: { url, concurrency: 3 }, other: { url } })
    await eventually(async () => expect(await held()).to.equal(3))
    for (const loop of loops) expect((await show(node.url, loop))?.fails).to.equal(0)
  })

  it('stops the loops of a service that was removed, and goes on with them when it is back', async () => {
    const [loop, open] = [await post(node.url, 'ever.20'), await post(node.url, 'held')]
    await reaches(loop, 2)
    await world.service.until(() => steps(open).length === 1)
    await reload({ other: { url } })
    await eventually(async () => expect(await held(), 'the one whose request is open').to.equal(1))
    const { code } = (await ask('POST', `${node.url}/tasks`, { service: 'svc', action: 'ok' })).json
    expect(code).to.equal('unknown_service')
    expect((await ask('GET', `${node.url}${loop}/explain`)).json.reasons[0].code).to.equal('no_node')
    world.service.letGo()
    expect(await ended(node.url, open)).to.include({ status: 'complete', attempt: 1 })
    const stopped = steps(loop).length
    expect(await show(node.url, loop)).to.include({ status: 'running', step: stopped })
    await reload({ svc: { url }, other: { url } })
    await reaches(loop, stopped + 2)
    expect(steps(loop)).to.deep.equal(Array.from({ length: steps(loop).length }, (_, step) => step))
  })

  it('fails the tasks of a service that was removed, once it has been away for long enough', async () => {
    const [loop, waiting] = [await post(node.url, 'ever.20'), await post(node.url, 'later.600')]
    await eventually(async () => {
      const [{ young } = { young: true }] = await world.sql<{ young: boolean }>(
        `select max(created_at) > now() - $1 * interval '1 millisecond' as young from tasks`,
        [FORGOTTEN],
      )
      expect(young, 'whether a task is younger than that').to.equal(false)
    })
    const [gone] = await world.sql<{ at: Date }>('select now() as at')
    await reload({ other: { url } })
    for (const location of [loop, waiting])
      expect((await ended(node.url, location)).error).to.include({ code: 'unknown_service' })
    const [failed] = await world.sql<{ at: Date }>('select min(finished_at) as at from tasks')
    expect((failed?.at.getTime() ?? 0) - (gone?.at.getTime() ?? 0), 'ms').to.be.within(FORGOTTEN, 10 * FORGOTTEN)
  })

  it('loses no task and repeats no request, however often it comes', async () => {
    const twice = (services: FileOfServices): FileOfServices[] => [services, { ...services, more: { url } }]
    const files = [3, 40, 1].flatMap((concurrency) => twice({ svc: { url, concurrency }, other: { url } }))
    files.push({ other: { url } })
    const posted = Promise.all(Array.from({ length: 200 }, (_, i) => post(node.url, `steps.${i % 5}`)))
    const locations = await posted
    for (let turn = 0; turn < 10; turn++) for (const services of files) await reload(services)
    await reload({ svc: { url }, other: { url } })
    for (const location of locations) expect(await ended(node.url, location)).to.include({ status: 'complete' })
    const keys = world.service.requests.map(({ key }) => key)
    expect(keys).to.have.length(new Set(keys).size)
  })

  it('is refused where there is no file', async () => {
    const other = await world.node()
    const { status, json } = await ask('POST', `${other.url}/services/reload`)
    expect([status, json.code]).to.deep.equal([409, 'no_services_file'])
  })
})
