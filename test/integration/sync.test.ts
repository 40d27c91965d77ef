// Sync: what a node believes it holds against what Postgres says, judged only where it was settled before the question.
import { expect } from 'chai'
import { spy, stub } from 'sinon'
import { type Crew, holdAnswers, idOf, listenTo, openCrew } from '../support/crew.ts'
import { eventually } from '../support/eventually.ts'
import { openWorld, type World } from '../support/world.ts'

describe('a sync', () => {
  let world: World
  let crew: Crew
  before(async () => {
    world = await openWorld()
    // Nothing but the sync may find out: no take-over, and no full pass of what is due for less than a minute.
    crew = await openCrew(world, { timings: { beat: 60, takeoverDelay: 600_000 } })
  })
  after(async () => {
    await crew[Symbol.asyncDispose]()
    await world.close()
  })

  const running = async (action = 'held'): Promise<string> => {
    const location = await crew.post(action)
    await world.service.until((seen) => seen.some((one) => one.location === location))
    return location
  }
  const rowOf = async (location: string): Promise<Record<string, unknown> | undefined> =>
    (await world.sql('select status, node, token, attempt, crashes from tasks where id = $1', [idOf(location)]))[0]
  /** Resolves when so many more syncs have asked and been answered. */
  const syncs = async (count: number): Promise<void> => {
    const asked = listenTo(crew.store, 'holdings')
    await eventually(() => expect(asked.callCount).to.be.at.least(count + 1))
    asked.restore()
  }

  it('aborts the actor of a row that was deleted behind its back', async () => {
    const location = await running()
    await world.sql('delete from tasks where id = $1', [idOf(location)])
    await world.service.until(() => world.service.of(location)[0]?.aborted === true, 2_000)
    expect(world.service.of(location)).to.have.length(1)
  })

  it('aborts the actor of a row that another claim has taken', async () => {
    const location = await running()
    await world.sql('update tasks set token = 5, node = gen_random_uuid() where id = $1', [idOf(location)])
    await world.service.until(() => world.service.of(location)[0]?.aborted === true, 2_000)
    expect(await rowOf(location)).to.include({ status: 'running', token: '5' })
  })

  it('leaves the actors of its own rows alone', async () => {
    const location = await running()
    const before = await rowOf(location)
    await syncs(5)
    expect(await rowOf(location)).to.deep.equal(before)
    expect(world.service.of(location).map(({ aborted }) => aborted)).to.deep.equal([false])
    world.service.letGo()
    await eventually(async () => expect(await rowOf(location)).to.include({ status: 'complete', attempt: 1 }))
  })

  it('releases a row that names this node and has no actor, when it has seen it twice', async () => {
    const released = spy(crew.store.release, 'add')
    const asked = listenTo(crew.store, 'holdings')
    const [row] = await world.sql<{ id: string }>(
      `insert into tasks (key, service, action, payload, payload_bytes, status, node, token)
       values (gen_random_uuid(), 'svc', 'ok', '{}', 2, 'running', $1, 99) returning id`,
      [crew.supervisor.node],
    )
    const before = asked.callCount
    let syncsBefore = 0
    await eventually(() => {
      expect(released.calledWithMatch({ id: row?.id ?? '', token: 99 })).to.equal(true)
      syncsBefore = asked.getCalls().filter((call) => call.calledBefore(released.lastCall)).length - before
    })
    released.restore()
    asked.restore()
    // The one under way while the row came may have seen it.
    expect(syncsBefore).to.be.at.least(1)
    await eventually(async () =>
      expect(await rowOf(`/tasks/${row?.id}`)).to.include({ status: 'complete', crashes: 0 }),
    )
  })

  it('does not release at first sight', async () => {
    const node = crew.supervisor.node
    const released = spy(crew.store.release, 'add')
    const [row] = await world.sql<{ id: string }>(
      `insert into tasks (key, service, action, payload, payload_bytes, status, token)
       values (gen_random_uuid(), 'unknown', 'ok', '{}', 2, 'running', 98) returning id`,
    )
    const real = crew.store.holdings.bind(crew.store)
    let shown = 0
    // The row is seen by one sync and not by the next, again and again.
    const stubbed = stub(crew.store, 'holdings').callsFake(async (asked) => {
      shown += 1
      const held = await real(asked)
      return shown % 2 === 0 ? [...held, { id: row?.id ?? '', token: 98 }] : held
    })
    await eventually(() => expect(shown).to.be.at.least(8))
    stubbed.restore()
    expect(released.called).to.equal(false)
    released.restore()
    expect(crew.supervisor.node).to.equal(node)
  })

  it('does not release a claim that is in flight', async () => {
    const released = spy(crew.store.release, 'add')
    const held = holdAnswers(crew.store, 'claim', (rows) => Array.isArray(rows) && rows.length > 0)
    const location = await crew.post('ok')
    await held.came
    const before = await rowOf(location)
    expect(before).to.include({ status: 'running', node: crew.supervisor.node })
    await syncs(6)
    expect(await rowOf(location)).to.deep.equal(before)
    expect(released.called).to.equal(false)
    released.restore()
    held.open()
    await eventually(async () => expect(await rowOf(location)).to.include({ status: 'complete', attempt: 1 }))
    expect(world.service.of(location)).to.have.length(1)
  })

  it('does not release a row whose report waits to be written', async () => {
    const released = spy(crew.store.release, 'add')
    const real = crew.store.settle.add.bind(crew.store.settle)
    let write = (): void => {}
    const gate = new Promise<void>((resolve) => (write = resolve))
    const settle = stub(crew.store.settle, 'add').callsFake(async (entry) => {
      await gate
      return real(entry)
    })
    const location = await running('ok')
    await eventually(() => expect(settle.called).to.equal(true))
    await syncs(6)
    expect(await rowOf(location)).to.include({ status: 'running', node: crew.supervisor.node })
    expect(released.called).to.equal(false)
    released.restore()
    settle.restore()
    write()
    await eventually(async () => expect(await rowOf(location)).to.include({ status: 'complete', attempt: 1 }))
    expect(world.service.of(location)).to.have.length(1)
  })

  it('does not judge by an answer that is older than the claim', async () => {
    const held = holdAnswers(crew.store, 'holdings')
    await held.came
    const location = await running()
    held.open()
    await syncs(4)
    expect(world.service.of(location).map(({ aborted }) => aborted)).to.deep.equal([false])
    world.service.letGo()
    await eventually(async () => expect(await rowOf(location)).to.include({ status: 'complete', attempt: 1 }))
  })

  it('does not judge by an answer that is older than a write which ended since', async () => {
    const location = await running('heldstep')
    await eventually(() => expect(world.service.of(location)).to.have.length(2))
    const held = holdAnswers(crew.store, 'holdings')
    await held.came
    // The old answer names the claim; meanwhile it parks and is claimed again under a new token.
    world.service.letGo(503, '')
    await eventually(() => expect(world.service.of(location)).to.have.length(3))
    held.open()
    await syncs(4)
    expect(world.service.of(location).at(-1)?.aborted).to.equal(false)
    world.service.letGo()
    await eventually(async () => expect(await rowOf(location)).to.include({ status: 'complete' }))
    expect(world.service.of(location)).to.have.length(3)
  })
})
