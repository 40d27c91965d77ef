// Direct hand-over: where nobody waits and a slot is free a task is inserted claimed, and is as safe as one that was popped.
import { expect } from 'chai'
import { setImmediate as tick } from 'node:timers/promises'
import { spy, stub } from 'sinon'
import { type Crew, holdAnswers, idOf, listenTo, openCrew } from '../support/crew.ts'
import { eventually } from '../support/eventually.ts'
import { openWorld, type World } from '../support/world.ts'

describe('a direct hand-over', () => {
  let world: World
  let crew: Crew
  let first: string
  beforeEach(async () => {
    world = await openWorld()
    // Only what is asked for finds out: no take-over, and no full pass but the first.
    crew = await openCrew(world, {
      direct: true,
      slots: 3,
      timings: { beat: 60, takeoverDelay: 600_000, grace: 60_000, pass: 600_000 },
    })
    // The list is found empty behind its first task.
    first = await crew.post('ok')
    await status(first, 'complete')
    // Not where a full pass held the other slot just then: an id that leads to nothing makes the node look again.
    await drained(1_000).catch(async () => {
      await crew.queue.push('svc', idOf(first))
      await drained(5_000)
    })
  })
  afterEach(async () => {
    await crew[Symbol.asyncDispose]()
    await world.close()
  })

  const rowOf = async (location: string): Promise<Record<string, unknown> | undefined> =>
    (await world.sql('select status, node, token, attempt from tasks where id = $1', [idOf(location)]))[0]
  const status = async (location: string, expected: string): Promise<void> => {
    await eventually(async () => expect(await rowOf(location)).to.include({ status: expected }))
  }

  /** The node has found its list empty. */
  const drained = async (ms: number): Promise<void> => {
    await eventually(() => {
      // Both slots: that of the first task may just come free.
      const slots = [crew.supervisor.reserve('svc'), crew.supervisor.reserve('svc')]
      for (const slot of slots) slot?.finish(undefined)
      expect(slots).not.to.include(undefined)
    }, ms)
  }

  it('starts a task without a claim, and without its id in a list', async () => {
    const pushed = spy(crew.queue, 'push')
    const claims = listenTo(crew.store, 'claim')
    const location = await crew.post('held')
    await world.service.until(() => world.service.of(location).length === 1)
    expect(await rowOf(location)).to.include({ status: 'running', node: crew.supervisor.node, attempt: 1 })
    world.service.letGo()
    await status(location, 'complete')
    expect([pushed.callCount, claims.callCount]).to.deep.equal([0, 0])
    expect(world.service.of(location)).to.have.length(1)
  })

  it('is not made where all slots are taken: the task waits in its list', async () => {
    const pushed = spy(crew.queue, 'push')
    const locations = [await crew.post('held'), await crew.post('held')]
    await world.service.until((seen) => seen.length === 3)
    const third = await crew.post('ok')
    // A pop that had begun before may bring it back once more.
    expect(new Set(pushed.args.map(([, id]) => id))).to.deep.equal(new Set([idOf(third)]))
    expect(await rowOf(third)).to.include({ status: 'pending', node: null, token: '0', attempt: 0 })
    world.service.letGo()
    for (const location of [...locations, third]) await status(location, 'complete')
  })

  it('is not made where the list has not been looked at: what waits there is not overtaken', async () => {
    const pushed = spy(crew.queue, 'push')
    const locations = [await crew.post('held'), await crew.post('held')]
    await world.service.until((seen) => seen.length === 3)
    const waiting = await crew.post('held')
    const real = crew.queue.pop.bind(crew.queue)
    let open = (): void => {}
    const gate = new Promise<void>((resolve) => (open = resolve))
    const asked = new Promise<void>((came) => {
      stub(crew.queue, 'pop').callsFake(async (...given) => {
        came()
        await gate
        return real(...given)
      })
    })
    world.service.letGo()
    // Slots are free, and the answer of the list is on its way.
    await asked
    const slot = crew.supervisor.reserve('svc')
    slot?.finish(undefined)
    // A pop that had begun before may have brought the one that waits: then nobody is overtaken.
    if (slot !== undefined) expect(await rowOf(waiting)).to.include({ status: 'running' })
    open()
    await world.service.until(() => world.service.of(waiting).length === 1)
    world.service.letGo()
    for (const location of [...locations, waiting]) await status(location, 'complete')
    expect(pushed.args.map(([, id]) => id)).to.include(idOf(waiting))
  })

  it('is not made while rows of a lost insert are looked for: the next one may have to wait', () => {
    const looking = stub(crew.store, 'looking').get(() => true)
    expect(crew.supervisor.reserve('svc')).to.equal(undefined)
    looking.restore()
    const slot = crew.supervisor.reserve('svc')
    expect(slot).not.to.equal(undefined)
    slot?.finish(undefined)
  })

  it('is made beside a full pass that is under way, which keeps half of the slots', async () => {
    await using other = await openCrew(world, { direct: true, slots: 3, timings: { grace: 60_000 } })
    await eventually(() => {
      const slot = other.supervisor.reserve('svc')
      slot?.finish(undefined)
      expect(slot).not.to.equal(undefined)
    })
    const pass = holdAnswers(other.store, 'claim')
    await pass.came
    const slots = [other.supervisor.reserve('svc'), other.supervisor.reserve('svc')]
    expect(slots.map((slot) => slot !== undefined)).to.deep.equal([true, false])
    slots[0]?.finish(undefined)
    pass.open()
  })

  for (const [slots, most] of [
    [400, 200],
    [800, 400],
  ] as const)
    it(`leaves what is beyond ${most} tasks in hand of ${slots} slots to the lists, those on their way counted`, async () => {
      await using many = await openCrew(world, { direct: true, slots, service: { concurrency: slots } })
      await status(await many.post('ok'), 'complete')
      await eventually(() => {
        const asked = Array.from({ length: most + 100 }, () => many.supervisor.reserve('svc'))
        const given = asked.filter((slot) => slot !== undefined)
        for (const slot of given) slot.finish(undefined)
        // A full pass may be under way as well.
        expect(given.length).to.be.within(most - 5, most)
      })
    })

  it('is not made where the lease has run out in Postgres', async () => {
    const beats = holdAnswers(crew.store, 'beat')
    await beats.came
    await world.sql(`update nodes set lease_until = now() - interval '1 second'`)
    const pushed = spy(crew.queue, 'push')
    const location = await crew.post('ok')
    expect(await rowOf(location)).to.include({ status: 'pending', node: null, token: '0', attempt: 0 })
    expect(pushed.args).to.deep.equal([['svc', idOf(location)]])
    beats.open()
  })

  it('is left alone by syncs while its insert is under way, and its task runs once', async () => {
    const held = holdAnswers(crew.store, 'insert')
    const posting = crew.post('ok')
    await held.came
    const asked = listenTo(crew.store, 'holdings')
    await eventually(() => expect(asked.callCount).to.be.at.least(4))
    const [row] = await world.sql('select node from tasks where id <> $1', [idOf(first)])
    expect(row).to.deep.equal({ node: crew.supervisor.node })
    held.open()
    const location = await posting
    await status(location, 'complete')
    expect(world.service.of(location)).to.have.length(1)
    expect(await rowOf(location)).to.include({ attempt: 1 })
  })

  it('begins nothing when the task was deleted while its insert was under way', async () => {
    const held = holdAnswers(crew.store, 'insert')
    const posting = crew.post('ok')
    await held.came
    const [row] = await world.sql<{ id: string }>('select id from tasks where id <> $1', [idOf(first)])
    expect(await crew.cancel(`/tasks/${row?.id}`)).to.equal(true)
    // The cancel notice has come by then.
    await tick()
    held.open()
    const location = await posting
    await status(await crew.post('ok'), 'complete')
    expect(world.service.of(location)).to.have.length(0)
  })

  it('gives its slot back when the insert fails', async () => {
    const inserting = spy(crew.store, 'insert')
    for (let i = 0; i < 4; i += 1)
      await crew.post('ok', '{broken').then(
        () => expect.fail('Postgres took what is no JSON'),
        (error: unknown) => expect(String(error)).to.match(/json/),
      )
    expect(inserting.args.map(([, taker]) => taker?.node)).to.deep.equal(Array(4).fill(crew.supervisor.node))
    await status(await crew.post('ok'), 'complete')
  })

  it('leaves its end to be written with others while its service has slots free, and else at once', async () => {
    // Two of three slots are for one service.
    await using few = await openCrew(world, { slots: 3 })
    const settling = spy(few.store.settle, 'add')
    const urgent = (): unknown[] => settling.args.map(([, asked]) => asked)
    for (let i = 0; i < 2; i += 1) await few.post('held')
    // The first task of all, and these.
    await world.service.until((seen) => seen.length === 3)
    world.service.letGo()
    await eventually(() => expect(urgent()).to.have.length(2))
    expect(urgent()[0]).to.equal(true)
    await Promise.all(settling.returnValues)
    // A claim that is under way keeps slots for itself.
    await eventually(async () => {
      settling.resetHistory()
      await status(await few.post('ok'), 'complete')
      expect(urgent()).to.deep.equal([false])
    })
  })
})
