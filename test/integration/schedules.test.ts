// What a node asks of Postgres for the times of schedules, and what it does when an answer is lost, a row is locked, or a zone is not known.
import { expect } from 'chai'
import { spy, stub } from 'sinon'
import type { Store } from '../../src/store/store.ts'
import { StoreError } from '../../src/store/trouble.ts'
import { makeLog } from '../../src/telemetry/log.ts'
import { openCrew } from '../support/crew.ts'
import { eventually } from '../support/eventually.ts'
import { openWorld, type World } from '../support/world.ts'

const NEW_YEAR = '0 0 1 1 *'

describe('a node that looks for the times of schedules', () => {
  let world: World
  beforeEach(async () => {
    world = await openWorld()
  })
  afterEach(() => world.close())

  /** Makes a schedule whose time has come. */
  const due = (name: string, timezone = 'UTC'): Promise<unknown> =>
    world.sql(
      `insert into schedules (name, cron, timezone, service, action, payload, payload_bytes, options, overlap, missed, paused, next_at)
       values ($1, $2, $3, 'svc', 'ok', '{}', 2, '{}', 'allow', 'one', false, now())`,
      [name, NEW_YEAR, timezone],
    )
  const tasks = async (name: string): Promise<number> =>
    (await world.sql('select from tasks where schedule = $1', [name])).length

  it('asks once in three seconds while there is none, and at once when one was changed here', async () => {
    let looks = spy()
    await using crew = await openCrew(world, {
      prepare: ({ schedules }) => void (looks = spy(schedules, 'due')),
    })
    await eventually(() => expect(looks.callCount).to.equal(1))
    const begun = performance.now()
    await eventually(() => expect(looks.callCount).to.equal(3))
    expect(performance.now() - begun).to.be.above(5_000)
    const before = looks.callCount
    const woken = performance.now()
    crew.supervisor.scheduled()
    await eventually(() => expect(looks.callCount).to.be.above(before))
    expect(performance.now() - woken).to.be.below(1_000)
  })

  it('asks at the next time, and hardly before', async () => {
    let looks = spy()
    await using crew = await openCrew(world, { prepare: ({ schedules }) => void (looks = spy(schedules, 'due')) })
    await due('soon')
    await world.sql(`update schedules set next_at = now() + interval '1500 ms'`)
    const before = looks.callCount
    crew.supervisor.scheduled()
    await eventually(async () => expect(await tasks('soon')).to.equal(1))
    const [row] = await world.sql<{ late: number }>(
      `select extract(epoch from created_at - (select last_at from schedules))::double precision as late from tasks`,
    )
    expect(row?.late).to.be.within(0, 2)
    // When it was told, at the time, and once more for what is next; looks of its own may come between.
    expect(looks.callCount - before).to.be.within(2, 8)
  })

  it('makes one task where the answer is lost', async () => {
    await due('lost')
    const lose = ({ schedules }: Store): void => {
      const { fire } = schedules
      stub(schedules, 'fire')
        .callsFake(fire)
        .onFirstCall()
        .callsFake(async (firings, services) => {
          await fire(firings, services)
          throw new StoreError('unknown', new Error('the answer is lost'))
        })
    }
    await using _crew = await openCrew(world, { prepare: lose })
    await eventually(async () => expect(await tasks('lost')).to.equal(1))
    await due('next')
    await eventually(async () => expect(await tasks('next')).to.equal(1))
    expect(await tasks('lost')).to.equal(1)
    await world.service.until((seen) => seen.length === 2)
  })

  it('asks a few times a second while somebody holds what is due, and makes its task afterwards', async () => {
    await Promise.all([due('locked'), due('free')])
    await world.sql('begin')
    await world.sql(`select from schedules where name = 'locked' for update`)
    let looks = spy()
    await using _crew = await openCrew(world, { prepare: ({ schedules }) => void (looks = spy(schedules, 'due')) })
    await eventually(() => expect(looks.callCount).to.be.above(2))
    expect(await tasks('free')).to.equal(1)
    const [before, begun] = [looks.callCount, performance.now()]
    await eventually(() => expect(looks.callCount).to.equal(before + 4))
    expect(performance.now() - begun).to.be.above(900)
    expect(await tasks('locked')).to.equal(0)
    await world.sql('rollback')
    await eventually(async () => expect(await tasks('locked')).to.equal(1))
  })

  it('leaves a schedule alone whose zone it does not know, says so, and makes the tasks of others', async () => {
    await Promise.all([due('martian', 'Mars/Olympus'), due('free')])
    const lines: { event: string; schedule?: string }[] = []
    const log = makeLog('warn', { node: 'n' }, (line) => lines.push(JSON.parse(line) as (typeof lines)[number]))
    await using _crew = await openCrew(world, { log })
    await eventually(async () => expect(await tasks('free')).to.equal(1))
    await eventually(() =>
      expect(lines.map(({ event, schedule }) => `${event} ${schedule}`)).to.include('schedule_unreadable martian'),
    )
    expect(await tasks('martian')).to.equal(0)
  })
})
