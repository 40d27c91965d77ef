// When a task begins that has a time of its own, with the times of a node that runs for real.
import { expect } from 'chai'
import { TIMINGS } from '../../../src/core/timings.ts'
import { openWorld, type World } from '../../support/world.ts'
import { ask } from './asks.ts'

describe('a task with a time of its own', () => {
  let world: World
  beforeEach(async () => {
    world = await openWorld()
  })
  afterEach(() => world.close())

  /** Submits a task that is due so many ms from now; its location, and its time, ms since 1970. */
  const submit = async (url: string, ms: number, more: object = {}): Promise<[string, number]> => {
    const at = Date.now() + ms
    const runAt = new Date(at).toISOString()
    const { location } = await ask('POST', `${url}/tasks`, { service: 'svc', action: 'ok', runAt, ...more })
    return [location, at]
  }
  /** The same by SQL, in a transaction of the test's own. */
  const submitBySql = async (ms: number, more = ''): Promise<[string, number]> => {
    const at = Date.now() + ms
    const [row] = await world.sql<{ id: string }>(
      `select task_api.submit(service => 'svc', action => 'ok', runat => to_timestamp($1::float8 / 1000) ${more}) as id`,
      [at],
    )
    return [`/tasks/${row?.id}`, at]
  }
  /** How many ms after their times the last requests of these tasks came. */
  const lateness = async (tasks: readonly (readonly [string, number])[]): Promise<number[]> => {
    const last = (location: string): number => world.service.of(location).at(-1)?.at ?? -Infinity
    const over = ([location, at]: readonly [string, number]): number => performance.timeOrigin + last(location) - at
    // A request long before its time is an earlier one.
    await world.service.until(() => tasks.every((task) => over(task) > -500), 30_000)
    return tasks.map(over)
  }
  const expectInTime = (late: readonly number[]): void => {
    // Clocks are read in whole milliseconds.
    expect(Math.min(...late), 'ms after the time, at least').to.be.at.least(-2)
    expect(Math.max(...late), 'ms after the time, at most').to.be.below(1_000)
  }
  const PRIORITIES = ['high', 'normal', 'low'] as const

  it('begins within a second of it, whoever created it, and however many are due in that second', async () => {
    const node = await world.node({ timings: TIMINGS })
    // All slots of the other node are taken.
    const other = await world.node({ slots: 1, services: { svc: {}, mine: {} }, timings: TIMINGS })
    await ask('POST', `${other.url}/tasks`, { service: 'mine', action: 'held' })
    await world.service.until((seen) => seen.length === 1)
    const tasks: [string, number][] = []
    for (let i = 0; i < 24; i += 1)
      tasks.push(await submit(node.url, 2_500 + 40 * i - tasks.length, { priority: PRIORITIES[i % 3] }))
    tasks.push(
      await submit(other.url, 2_500),
      await submitBySql(2_700),
      await submitBySql(2_600, `, priority => 'high'`),
    )
    // A step that is repeated after a wait, and a wait that the caller has changed.
    const before = Date.now()
    const { location } = await ask('POST', `${node.url}/tasks`, { service: 'svc', action: 'wait.2' })
    const [changed] = await submit(node.url, 3_600_000)
    const at = Date.now() + 2_400
    await ask('PATCH', `${node.url}${changed}`, { runAt: new Date(at).toISOString() })
    await world.service.until(() => world.service.of(location).length === 1)
    expectInTime(await lateness([...tasks, [changed, at]]))
    await world.service.until(() => world.service.of(location).length === 2, 30_000)
    const waited = performance.timeOrigin + (world.service.of(location)[1]?.at ?? 0) - before
    expect(waited).to.be.within(2_000, 3_500)
    world.service.letGo()
  })

  it('begins within a second of it after a restart of the node', async () => {
    const first = await world.node({ timings: TIMINGS })
    const tasks = [await submit(first.url, 2_500), await submit(first.url, 3_000), await submit(first.url, 1)]
    await world.service.until((seen) => seen.length === 1)
    await first.stop()
    await world.node({ timings: TIMINGS })
    expectInTime((await lateness(tasks)).slice(0, 2))
  })

  // One full pass, at the start, and none in the time of the test.
  const RARE = { ...TIMINGS, pass: 120_000 }

  it('needs no full pass: a claim looks when the next is due, of whatever level', async () => {
    const tasks: [string, number][] = []
    for (let i = 0; i < 12; i += 1)
      tasks.push(await submitBySql(2_500 + 50 * i, `, priority => '${PRIORITIES[i % 3]}'`))
    await world.node({ timings: RARE })
    expectInTime(await lateness(tasks))
  })

  it('needs none where more are due at once than there are slots', async () => {
    const tasks: [string, number][] = []
    for (let i = 0; i < 12; i += 1) tasks.push(await submitBySql(1_500))
    await world.node({ timings: RARE, services: { svc: { concurrency: 3 } } })
    expectInTime(await lateness(tasks))
  })

  it('needs none where this node has created it', async () => {
    const node = await world.node({ timings: RARE })
    const { url } = node
    const tasks = [await submit(url, 400), await submit(url, 200), await submit(url, 600, { priority: 'high' })]
    await ask('POST', `${url}/tasks/batch`, [{ service: 'svc', action: 'ok', delay: '300ms' }])
    expectInTime(await lateness(tasks))
    await world.service.until((seen) => seen.length === 4)
    const [first] = tasks[0] ?? ['']
    const at = Date.now() + 500
    const again = await ask('POST', `${url}${first}/retry`, { delay: '500ms' })
    expectInTime(await lateness([[again.location, at]]))
  })

  it('begins no node to spin, though its time is a year away', async () => {
    const warnings: string[] = []
    const warn = ({ name }: Error): void => void warnings.push(name)
    process.on('warning', warn)
    const node = await world.node({ timings: TIMINGS })
    const { status } = await ask('POST', `${node.url}/tasks`, { service: 'svc', action: 'ok', delay: '366d' })
    expect(status).to.equal(302)
    await lateness([await submit(node.url, 1_500)])
    process.off('warning', warn)
    expect(warnings).to.not.include('TimeoutOverflowWarning')
  })
})
