// What happens to the tasks of a node that is killed with SIGKILL.
import { expect } from 'chai'
import { Agent } from 'node:http'
import { eventually } from '../support/eventually.ts'
import { Fleet, senderOf } from '../support/fleet.ts'
import { postLoad, postOne, verify } from '../support/load.ts'

/** The promise of docs/protocol.md for a task in flight, ms. */
const TAKEN_UP = 12_000

/** Another node begins the tasks of a killed one again, each with the step that it had come to. */
export const takenUp = (): Promise<void> =>
  Fleet.during(async (fleet) => {
    const { service } = fleet
    const agent = new Agent({ keepAlive: true })
    const a = await fleet.start('a')
    const b = await fleet.start('b')
    const actions = ['hang', 'ever.100', 'heldstep', 'held']
    const locations: string[] = []
    for (let i = 0; i < 40; i += 1) {
      const { headers } = await postOne(agent, i % 2 ? a.url : b.url, actions[i % 4] ?? '')
      locations.push(headers.location ?? '')
    }
    await service.until(() => locations.every((path) => service.of(path).length > 0))
    await eventually(() => expect(service.requests.some(({ step }) => step > 3)).to.equal(true))
    // Those that hold their second step have come to it.
    const held = locations.filter((_, i) => actions[i % 4] === 'heldstep')
    await service.until(() => held.every((path) => service.of(path).length > 1))
    const ofB = locations.filter((path) => service.of(path).some((seen) => senderOf(seen) === 'b'))
    expect(ofB.length, 'tasks that node b runs').to.be.above(3)

    b.kill('SIGKILL')
    expect(await b.exited).to.equal('SIGKILL')
    const killedAt = performance.now()
    const before = new Map(ofB.map((path) => [path, service.of(path)]))
    await service.until(() => ofB.every((path) => service.of(path).length > (before.get(path)?.length ?? 0)), 60_000)

    let slowest = 0
    for (const path of ofB) {
      const own = before.get(path) ?? []
      const [next] = service.of(path).slice(own.length)
      const last = own.at(-1)
      if (!next || !last) throw new Error(`${path} was not asked`)
      slowest = Math.max(slowest, next.at - killedAt)
      expect(senderOf(next)).to.equal('a')
      // The answer of the last step may or may not have been recorded; every earlier one was.
      expect(next.step - last.step, `${path}: from step to step`).to.be.within(0, last.action === 'ever.100' ? 1 : 0)
      if (next.step === last.step) {
        expect(next.key).to.equal(last.key)
        expect(next.attempt).to.be.above(last.attempt)
      }
      expect(next.body.toString()).to.equal(JSON.stringify({ at: next.step }))
    }
    expect(slowest, 'ms until the last was begun again').to.be.below(TAKEN_UP)
    const steps = service
      .of(ofB.find((path) => before.get(path)?.[0]?.action === 'ever.100') ?? '')
      .map(({ step }) => step)
    expect(steps).to.deep.equal([...steps].sort((x, y) => x - y))
    agent.destroy()
  })

/** More than twice what both nodes have in hand at once; `CROWD=N` makes a longer run. */
export const CROWD = Number(process.env['CROWD'] ?? 1_000)
const CROWD_ENDS = 15_000

/** A crowd of tasks on two nodes, one of which dies while they are posted. */
export const crowd = (): Promise<void> =>
  Fleet.during(async (fleet) => {
    const { service } = fleet
    const a = await fleet.start('a')
    const b = await fleet.start('b')
    const begun = performance.now()
    const posting = postLoad([a.url], CROWD, 64)
    await service.until((requests) => requests.length > CROWD, 60_000)
    b.kill('SIGKILL')
    const killedAt = performance.now()
    const inFlight = await fleet.sql('select from tasks t join nodes n on t.node = n.id')
    const posted = await posting
    await eventually(async () => expect(await fleet.unended()).to.equal(0), 60_000)
    const endedAt = performance.now()

    const { requests, repeats } = await verify(fleet, posted)
    const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`
    console.log(
      `      ${CROWD} tasks, ${requests} requests in ${seconds(endedAt - begun)}, the last ${seconds(endedAt - killedAt)} after the kill; ${inFlight.length} held at the kill, ${repeats} requests repeated`,
    )
    expect(endedAt - Math.max(killedAt, 0), 'ms from the kill to the end').to.be.below(CROWD_ENDS)
    // Those of the dead node, which were held when it died.
    expect(repeats).to.be.at.most(inFlight.length)
  })
