// SIGTERM: a node finishes what is in flight, gives back the rest, and goes.
import { expect } from 'chai'
import { Agent } from 'node:http'
import { eventually } from '../support/eventually.ts'
import { Fleet, senderOf } from '../support/fleet.ts'
import { call, postLoad, postOne, verify } from '../support/load.ts'
import type { NodeProcess } from '../support/node.ts'
import type { Seen } from '../support/service.ts'
import { together } from '../support/together.ts'

/** Tasks that are posted before the signal; `LOAD=N` makes a longer run. */
const LOAD = Number(process.env['LOAD'] ?? 400)
/** Resolves when this process has read every request that was sent before: connections are accepted in their order, one a turn of its loop. */
async function allArrived({ service }: Fleet): Promise<void> {
  for (let times = 0; times < 2; times += 1) await call(new Agent(), 'POST', service.url, '{}')
}

/** Waits until `/readyz` of a node says that it drains. */
const drains = (agent: Agent, node: NodeProcess): Promise<void> =>
  eventually(async () => {
    const { status, body } = await call(agent, 'GET', `${node.url}/readyz`)
    expect(body).to.include('draining')
    expect(status).to.equal(503)
  })

/** Under load: nothing is lost, nothing is asked twice, and the API serves until the end. */
const underLoad = (): Promise<void> =>
  Fleet.during(async (fleet) => {
    const { service } = fleet
    service.pace = 60
    const agent = new Agent()
    const [a, b] = await Promise.all([fleet.start('a'), fleet.start('b')])
    const posting = Promise.all([postLoad([a.url], LOAD / 2, 16), postLoad([a.url, b.url], LOAD / 2, 16)])
    // Keeps the drain going for as long as it takes to look at it.
    const slow = await postOne(agent, b.url, 'held')
    await service.until((requests) => requests.filter((seen) => senderOf(seen) === 'b').length > 200)
    await eventually(() => expect(service.of(slow.headers.location ?? '')).to.have.length(1))
    await posting
    const holder = senderOf(service.of(slow.headers.location ?? '')[0] as Seen)

    const stopping = holder === 'b' ? b : a
    const other = stopping === a ? b : a
    stopping.kill('SIGTERM')
    await stopping.logged('stopping')
    await drains(agent, stopping)
    await allArrived(fleet)
    const drainedFrom = performance.now()
    const live = await call(agent, 'GET', `${stopping.url}/livez`)
    expect([live.status, live.headers.connection]).to.deep.equal([200, 'close'])
    const during = await postLoad([stopping.url], 6)
    expect((await call(agent, 'GET', `${other.url}/readyz`)).status).to.equal(200)
    service.letGo()
    expect(await stopping.exited).to.equal(0)

    const posted = [...(await posting).flat(), ...during]
    await eventually(async () => expect(await fleet.unended()).to.equal(0), 30_000)
    expect((await verify(fleet, posted)).repeats, 'requests repeated').to.equal(0)
    expect(service.of(slow.headers.location ?? '')).to.have.length(1)
    const late = service.requests.filter((seen) => senderOf(seen) === holder && seen.at > drainedFrom)
    expect(late.length, 'requests begun by a node that drains').to.equal(0)
    for (const { location } of during)
      expect(service.of(location).map(senderOf), 'who ran what was posted during the drain').to.not.include(holder)
    const [lost] = await fleet.sql<{ crashes: number }>('select max(crashes) as crashes from tasks')
    expect(lost?.crashes, 'claims left behind').to.equal(0)
  })

/** A request longer than the drain is cut off; the other node repeats it. */
const cutOff = (): Promise<void> =>
  Fleet.during(async (fleet) => {
    const { service } = fleet
    const agent = new Agent()
    const b = await fleet.start('b', { DRAIN_TIMEOUT: '1s' })
    const { headers } = await postOne(agent, b.url, 'heldstep')
    const location = headers.location ?? ''
    await service.until(() => service.of(location).length === 2)
    const a = await fleet.start('a')
    b.kill('SIGTERM')
    const signalled = performance.now()
    expect(await b.exited).to.equal(0)
    await service.until(() => service.of(location).length === 3)
    const [, first, second] = service.of(location) as [Seen, Seen, Seen]
    expect(first.aborted).to.equal(true)
    expect((first.endedAt ?? 0) - signalled, 'ms that it was given').to.be.within(950, 9_000)
    expect(second.at - (first.endedAt ?? 0), 'ms until it was repeated').to.be.below(9_000)
    expect([senderOf(second), second.key, second.body]).to.deep.equal(['a', first.key, first.body])
    expect(second.attempt).to.be.above(first.attempt)
    service.letGo()
    await eventually(async () => expect((await call(agent, 'GET', a.url + location)).body).to.include('"complete"'))
    expect(service.of(location)).to.have.length(3)
  })

/** With nothing under way it still answers, on new connections too, until STOP_DELAY is over. */
const delayed = (): Promise<void> =>
  Fleet.during(async (fleet) => {
    const delay = 1_500
    const agent = new Agent()
    const node = await fleet.start('a', { STOP_DELAY: `${delay}ms` })
    const stopped = { after: Infinity }
    const signalled = performance.now()
    node.kill('SIGTERM')
    void node.exited.then(() => (stopped.after = performance.now() - signalled))
    await drains(agent, node)
    let answered = 0
    // Half of it: a busy machine may take long over one answer.
    for (; performance.now() - signalled < delay / 2; answered++)
      expect((await postOne(agent, node.url, 'ok')).status).to.equal(302)
    expect(answered).to.be.above(0)
    expect(await node.exited).to.equal(0)
    expect(stopped.after, 'ms until it was gone').to.be.at.least(delay - 20)
  })

/** A second signal does not wait. */
const twice = (): Promise<void> =>
  Fleet.during(async (fleet) => {
    const agent = new Agent()
    const node = await fleet.start('a', { DRAIN_TIMEOUT: '1m' })
    const { headers } = await postOne(agent, node.url, 'hang')
    await fleet.service.until(() => fleet.service.of(headers.location ?? '').length === 1)
    node.kill('SIGTERM')
    await drains(agent, node)
    const again = performance.now()
    node.kill('SIGINT')
    expect(await node.exited).to.equal(1)
    expect(performance.now() - again).to.be.below(5_000)
  })

describe('a node that gets SIGTERM', () => {
  together({ 'under load loses nothing and repeats nothing': underLoad }, 90_000)
  together(
    {
      'cuts off a request longer than DRAIN_TIMEOUT, which another node repeats': cutOff,
      'exits at once at a second signal': twice,
      'answers on until STOP_DELAY is over, though nothing is under way': delayed,
    },
    90_000,
  )
})
