// A thread that really runs out of memory: it dies alone, and takes nobody with it but the task that filled it.
import { expect } from 'chai'
import { type Crew, idOf, openCrew } from '../support/crew.ts'
import { makeLog } from '../../src/telemetry/log.ts'
import { eventually } from '../support/eventually.ts'
import { openWorld, type World } from '../support/world.ts'

const ENTRY = new URL('../support/crashing-actors.js', import.meta.url).href

interface Line {
  readonly msg: string
  readonly err?: { readonly code?: string }
}

describe('a thread that runs out of memory', () => {
  let world: World
  let crew: Crew
  const lines: Line[] = []
  before(async () => {
    world = await openWorld()
    crew = await openCrew(world, {
      threads: 2,
      entry: ENTRY,
      heap: 32,
      log: makeLog('info', { node: 'n' }, (line) => lines.push(JSON.parse(line) as Line)),
      // The collector works hard before it gives up, and the thread is silent meanwhile.
      timings: { quarantine: 200, takeoverDelay: 600_000, silence: 30_000 },
    })
  })
  after(async () => {
    await crew[Symbol.asyncDispose]()
    await world.close()
  })

  const rowOf = async (location: string): Promise<Record<string, unknown> | undefined> =>
    (
      await world.sql(`select status, error->>'code' as code, error->>'detail' as detail from tasks where id = $1`, [
        idOf(location),
      ])
    )[0]

  it('ends only its own tasks: the neighbours start again and end well, and only the poison fails', async () => {
    const neighbours = await Promise.all(Array.from({ length: 8 }, () => crew.post('held')))
    await world.service.until((seen) => seen.length === 8)
    const poison = await crew.post('hang', '{"poison":"oom"}')

    await eventually(
      async () =>
        expect(await rowOf(poison)).to.deep.equal({
          status: 'failed',
          code: 'crashed',
          detail: 'The task killed its thread when it was run alone.',
        }),
      60_000,
    )
    const deaths = lines.filter(({ err }) => err !== undefined)
    expect(deaths.map(({ err }) => err?.code)).to.deep.equal(deaths.map(() => 'ERR_WORKER_OUT_OF_MEMORY'))
    expect(deaths.length).to.be.at.least(4)
    expect(world.service.requests.filter(({ attempt }) => attempt > 1).map(({ action }) => action)).to.include('held')
    await eventually(async () => {
      world.service.letGo()
      for (const location of neighbours) expect(await rowOf(location)).to.include({ status: 'complete' })
    }, 60_000)
    const after = await crew.post('ok')
    await eventually(async () => expect(await rowOf(after)).to.include({ status: 'complete' }))
  })
})
