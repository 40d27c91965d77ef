// The pace of claims: passes keep their rhythm beside lists that bring what there is, and nothing pauses where lists do not.
import { expect } from 'chai'
import type { ClaimQuery } from '../../src/store/claims.ts'
import { type Crew, listenTo, openCrew } from '../support/crew.ts'
import { eventually } from '../support/eventually.ts'
import { openWorld, type World } from '../support/world.ts'

const SLOTS = 10
const timings = { pass: 300, grace: 50 }

// The slots are those of a service, beside another one that has nothing to do. With a pause behind each pass 600 rows would take six minutes.
const LIMITED = {
  slots: 100,
  service: { concurrency: SLOTS },
  idle: ['idle'],
  timings: { pass: 3_000 },
}

describe('the pace of claims', () => {
  let world: World
  before(async () => {
    world = await openWorld()
  })
  afterEach(() => world.sql('delete from tasks'))
  after(() => world.close())

  /** Rows that have been due for ten seconds; their ids. */
  const insert = async (count: number, action: string): Promise<string[]> => {
    const rows = await world.sql<{ id: string }>(
      `insert into tasks (key, service, action, payload, payload_bytes, run_at)
       select gen_random_uuid(), 'svc', $2, '{}', 2, now() - interval '10 seconds' from generate_series(1, $1) returning id`,
      [count, action],
    )
    return rows.map(({ id }) => id)
  }
  const announce = async ({ queue }: Crew, ids: readonly string[]): Promise<void> => {
    await Promise.all(ids.map((id) => queue.push('svc', id)))
  }
  const open = (action: string): Promise<number> =>
    world
      .sql<{ n: number }>(`select count(*)::int as n from tasks where action = $1 and status <> 'complete'`, [action])
      .then(([row]) => row?.n ?? NaN)
  const ended = (action: string): Promise<unknown> =>
    eventually(async () => expect(await open(action)).to.equal(0), 50_000)

  it('is that of the rhythm, for passes, while ids fill the slots', async () => {
    const ids = await insert(2_000, 'slow.5')
    await using crew = await openCrew(world, { slots: SLOTS, timings })
    const claims = listenTo(crew.store, 'claim')
    const passes = (): number => claims.args.filter(([, asked]) => (asked as ClaimQuery).grace > 0).length
    const begun = performance.now()
    claims.resetHistory()
    await announce(crew, ids)
    await eventually(async () => expect(await open('slow.5')).to.be.below(400), 50_000)
    const rhythms = (performance.now() - begun) / timings.pass
    expect(rhythms).to.be.above(1.5)
    expect(passes()).to.be.within(0, 1.2 * rhythms + 2)
  })

  it('leaves nothing behind the mark: a pass finds what claims have passed over', async () => {
    await using crew = await openCrew(world, { timings: { pass: 100 } })
    await crew.post('ok')
    await ended('ok')
    // The next claim from the mark begins after the row that is inserted now, and no id announces that row.
    await insert(1, 'ok')
    await ended('ok')
  })

  it('has no pause for rows whose ids were lost', async () => {
    await insert(600, 'ok')
    await using crew = await openCrew(world, LIMITED)
    await ended('ok')
    expect(crew.queue.healthy).to.equal(true)
  })

  it('has no pause for rows whose list is lost in the midst of it', async () => {
    const ids = await insert(1_000, 'slow.5')
    await using crew = await openCrew(world, LIMITED)
    await announce(crew, ids)
    await world.service.until((seen) => seen.length > 20)
    const lost = await crew.queue.take('svc', 1_000)
    expect(lost).to.be.above(500)
    await ended('slow.5')
  })

  it('has no pause for them while the list is full of ids that nobody needs', async () => {
    await insert(600, 'ok')
    await using crew = await openCrew(world, LIMITED)
    const stale = Array.from({ length: 50_000 }, (_, i) => String(1_000_000_000 + i))
    await announce(crew, stale)
    await ended('ok')
    expect(await crew.queue.take('svc', stale.length), 'stale ids left').to.be.above(0)
  })
})
