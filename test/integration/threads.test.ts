// Threads that die: their tasks start again on another, and only the one that kills every thread fails.
import { type Worker } from 'node:worker_threads'
import { expect } from 'chai'
import { CRASHES } from '../../src/core/crashes.ts'
import { type Crew, type CrewSetup, idOf, openCrew } from '../support/crew.ts'
import { eventually } from '../support/eventually.ts'
import { openWorld, type World } from '../support/world.ts'

/** How long a suspect keeps the next one from beginning, ms: more than a busy machine takes for anything else. */
const TRIAL = 3_000

const ENTRY = new URL('../support/crashing-actors.js', import.meta.url).href

describe('a thread that dies', () => {
  let world: World
  let crew: Crew
  const started: Worker[] = []
  const note = (worker: Worker): unknown => started.push(worker)
  beforeEach(async () => {
    world = await openWorld()
    process.on('worker', note)
  })
  afterEach(async () => {
    await crew[Symbol.asyncDispose]()
    await world.close()
    // Nothing is left behind: a thread that has ended has this id.
    const threads = started.splice(0)
    await eventually(() => expect(threads.map(({ threadId }) => threadId)).to.deep.equal(threads.map(() => -1)))
    process.off('worker', note)
    expect(started).to.deep.equal([])
  })

  const open = async (setup: CrewSetup = {}): Promise<void> => {
    const timings = { quarantine: 200, takeoverDelay: 600_000, ...setup.timings }
    crew = await openCrew(world, { threads: 2, entry: ENTRY, ...setup, timings })
  }
  const rowOf = async (location: string): Promise<Record<string, unknown> | undefined> =>
    (
      await world.sql(`select status, error->>'code' as code, attempt, crashes, step from tasks where id = $1`, [
        idOf(location),
      ])
    )[0]
  const suspects = async (count: number, action: string, crashes = 3, payload = '{}'): Promise<string[]> => {
    const rows = await world.sql<{ id: string }>(
      `insert into tasks (key, service, action, payload, payload_bytes, status, crashes, run_at)
       select gen_random_uuid(), 'svc', $2, $4::json, 2, 'running', $3, now() - interval '1 second'
       from generate_series(1, $1) returning id`,
      [count, action, crashes, payload],
    )
    return rows.map(({ id }) => `/tasks/${id}`)
  }
  const openRequests = (): string[] =>
    world.service.requests.filter(({ endedAt }) => endedAt === undefined).map(({ location }) => location)

  for (const [poison, silence, crashes] of [
    ['throw', 5_000, 0],
    ['exit', 5_000, 0],
    // Ended for its silence, which takes its time each time.
    ['loop', 1_000, 2],
  ] as const)
    it(`takes nobody with it but the task that kills every thread (${poison})`, async () => {
      await open({ timings: { silence } })
      const neighbours = await Promise.all(Array.from({ length: 8 }, () => crew.post('slow.120')))
      const [culprit = ''] = await suspects(1, 'held', crashes, `{"poison":"${poison}"}`)
      await eventually(
        async () => expect(await rowOf(culprit)).to.include({ status: 'failed', code: 'crashed' }),
        40_000,
      )
      for (const location of neighbours)
        await eventually(async () => expect(await rowOf(location)).to.include({ status: 'complete' }), 30_000)
      // The third death made it a suspect, and the last was in the quarantine, alone; neighbours may have been tried with it before.
      const row = await rowOf(culprit)
      expect(row?.crashes).to.be.within(CRASHES.suspect, CRASHES.alone)
      expect(row?.attempt).to.equal(Number(row?.crashes) + 1 - crashes)
    })

  it('leaves its tasks to another as their next try, one crash more', async () => {
    await open({ threads: 1 })
    const neighbour = await crew.post('held')
    await world.service.until((seen) => seen.length === 1)
    const [culprit = ''] = await suspects(1, 'hang', 0, '{"poison":"throw"}')
    await world.service.until(() => world.service.of(neighbour).length === 2)
    const [first, second] = world.service.of(neighbour)
    expect(first?.aborted).to.equal(true)
    expect(second).to.include({ step: 0, key: first?.key })
    // On a busy machine the next thread may die before it has sent anything.
    expect(second?.attempt).to.be.above(1)
    await crew.cancel(culprit)
    // By now it may have happened some more times.
    const row = await rowOf(neighbour)
    expect(row?.crashes).to.be.within(1, CRASHES.suspect + 2)
    expect(row).to.include({ status: 'running', attempt: Number(row?.crashes) + 1 })
    world.service.letGo()
    await eventually(async () => {
      world.service.letGo()
      expect(await rowOf(neighbour)).to.include({ status: 'complete' })
    })
  })

  it('lets the next suspect begin only when the first has ended, or its trial is over', async () => {
    await open({ timings: { quarantine: TRIAL } })
    // With so many crashes each is tried by itself.
    const locations = await suspects(1, 'held', 5)
    await world.service.until((seen) => seen.length === 1)
    // The thread is there by now, and only the first one's trial keeps these from beginning.
    locations.push(...(await suspects(2, 'held', 5)))
    const [first] = openRequests()
    await world.service.until((seen) => seen.length === 2)
    const [one, two] = world.service.requests
    expect((two?.at ?? 0) - (one?.at ?? 0)).to.be.above(TRIAL / 2)
    expect(one?.location).to.equal(first)
    // The second ends at once, so that the third need not wait for its trial.
    world.service.letGo(200, '1', ({ location }) => location === two?.location)
    await world.service.until((seen) => seen.length === 3)
    const [, , three] = world.service.requests
    expect((three?.at ?? 0) - (two?.at ?? 0)).to.be.below(TRIAL)
    world.service.letGo()
    for (const location of locations)
      await eventually(async () => expect(await rowOf(location)).to.include({ status: 'complete' }))
  })

  it('makes suspects of many, and only the one among them that kills every thread fails', async () => {
    await open({ slots: 400, service: { concurrency: 400 } })
    const others = await suspects(100, 'slow.300')
    const [culprit = ''] = await suspects(1, 'held', 3, '{"poison":"throw"}')
    const later = await suspects(50, 'slow.300')
    const begun = performance.now()
    await eventually(async () => expect(await rowOf(culprit)).to.include({ status: 'failed', code: 'crashed' }), 30_000)
    for (const location of [...others, ...later])
      await eventually(async () => expect(await rowOf(location)).to.include({ status: 'complete' }), 30_000)
    // One by one they would take 45 s.
    expect(performance.now() - begun).to.be.below(40_000)
  })

  it('clears a suspect that makes progress', async () => {
    await open()
    const [location = ''] = await suspects(1, 'heldstep')
    await world.service.until(() => world.service.of(location).length === 2)
    expect(await rowOf(location)).to.include({ step: 1, crashes: 0 })
    world.service.letGo()
    await eventually(async () => expect(await rowOf(location)).to.include({ status: 'complete' }))
  })

  it('by a report that was being written: the report counts, and the next step is not lost', async () => {
    await open({ threads: 1 })
    const real = crew.store.checkpoint.add.bind(crew.store.checkpoint)
    let write = (): void => {}
    const gate = new Promise<void>((resolve) => (write = resolve))
    let waits = 0
    crew.store.checkpoint.add = async (entry) => {
      waits += 1
      await gate
      return real(entry)
    }
    const location = await crew.post('steps.1')
    await eventually(() => expect(waits).to.equal(1))
    const [culprit = ''] = await suspects(1, 'hang', 0, '{"poison":"throw"}')
    await eventually(async () => expect(await rowOf(culprit)).to.include({ crashes: 1 }))
    await crew.cancel(culprit)
    write()
    await eventually(async () => expect(await rowOf(location)).to.include({ status: 'complete', step: 1 }))
    expect(world.service.of(location).map(({ step }) => step)).to.deep.equal([0, 1])
  })
})
