// The bounds of a task and of a node: deadlines, slots and concurrency.
import { expect } from 'chai'
import type { RunningNode } from '../../src/main.ts'
import { openCrew } from '../support/crew.ts'
import { eventually } from '../support/eventually.ts'
import { together } from '../support/together.ts'
import { ended, openWorld, post, type World } from '../support/world.ts'

describe('the deadline of a task', () => {
  let world: World
  let node: RunningNode
  before(async () => {
    world = await openWorld()
    node = await world.node({
      // Long enough for a first request on a busy machine; a wait of less than a second is none that parks.
      services: {
        svc: { deadline: 900 },
        longer: { deadline: 3_000 },
        timed: { timeout: 400, deadline: 900 },
      },
    })
  })
  after(() => world.close())

  const cases = {
    'ends it in the backlog, without a request': async () => {
      const [row] = await world.sql<{ id: string }>(
        `insert into tasks (key, service, action, payload, payload_bytes, created_at)
         values (gen_random_uuid(), 'svc', 'ok', '{}', 2, now() - interval '1 second') returning id`,
      )
      const task = await ended(node.url, `/tasks/${row?.id}`)
      expect(task.error).to.have.property('code', 'deadline_exceeded')
      expect(world.service.of(task.location)).to.have.length(0)
    },
    'ends it during a request, which is cut off': async () => {
      const location = await post(node.url, 'hang', undefined, 'longer')
      const task = await ended(node.url, location)
      expect(task.error).to.have.property('code', 'deadline_exceeded')
      const [seen, ...others] = world.service.of(location)
      expect(others).to.have.length(0)
      expect(seen?.aborted).to.equal(true)
      expect((seen?.endedAt ?? 0) - (seen?.at ?? 0)).to.be.within(500, 20_000)
    },
    'ends it during a short wait, when that is over': async () => {
      // A machine can be so busy that the time is over before the first answer: then once more.
      const { task, begun } = await eventually(async () => {
        const at = performance.now()
        const one = await ended(node.url, await post(node.url, 'wait.60'))
        expect(one).to.include({ step: 1, fails: 0 })
        return { task: one, begun: at }
      })
      expect(task.error).to.have.property('code', 'deadline_exceeded')
      expect(performance.now() - begun).to.be.within(890, 15_000)
      expect(world.service.of(task.location)).to.have.length(1)
    },
    'ends it while it is parked': async () => {
      const begun = performance.now()
      const task = await ended(node.url, await post(node.url, 'later.60', undefined, 'longer'))
      expect(task.error).to.have.property('code', 'deadline_exceeded')
      expect(performance.now() - begun).to.be.within(2_990, 20_000)
      expect(world.service.of(task.location)).to.have.length(1)
    },
    'bounds the time of the last request, whose own limit is retried before': async () => {
      const task = await ended(node.url, await post(node.url, 'hang', undefined, 'timed'))
      expect(task.error).to.have.property('code', 'deadline_exceeded')
    },
  }
  together(cases, 60_000)
})

describe('the slots of a node', () => {
  let world: World
  beforeEach(async () => {
    world = await openWorld()
  })
  afterEach(() => world.close())

  it('bound the requests that are open, and nine tenths of them are used by one service', async () => {
    const node = await world.node({ slots: 5 })
    const locations = await Promise.all(Array.from({ length: 30 }, () => post(node.url, 'slow.60')))
    await Promise.all(locations.map((location) => ended(node.url, location)))
    expect(world.service.peak).to.equal(4)
  })

  it("bound them by each service's concurrency too, over all threads, pops, passes and waits", async () => {
    const retry = { attempts: 3, backoff: 10, maxBackoff: 10 }
    const crew = await openCrew(world, { threads: 2, service: { concurrency: 3, retry } })
    const actions = ['slow.40', 'slow.40', 'steps.2', 'flaky.1']
    await Promise.all(Array.from({ length: 40 }, (_, i) => crew.post(actions[i % 4] ?? '')))
    await eventually(async () => {
      expect(await world.sql(`select from tasks where status <> 'complete'`)).to.have.length(0)
    })
    await crew[Symbol.asyncDispose]()
    expect(world.service.peak).to.equal(3)
  })

  it('are not blocked by tasks that wait', async () => {
    const node = await world.node({ slots: 2 })
    const waiting = await Promise.all(Array.from({ length: 30 }, () => post(node.url, 'wait.3600')))
    await world.service.until((seen) => seen.length === 30)
    await ended(node.url, await post(node.url, 'ok'))
    expect(waiting.flatMap((location) => world.service.of(location))).to.have.length(30)
  })
})
