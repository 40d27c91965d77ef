// A node that stops for longer than its lease, as a paused machine does, and then goes on.
import { expect } from 'chai'
import { Agent } from 'node:http'
import { setTimeout as passed } from 'node:timers/promises'
import { eventually } from '../support/eventually.ts'
import { Fleet, senderOf } from '../support/fleet.ts'
import { postOne } from '../support/load.ts'

/** Longer than the lease. */
const PAUSE = 13_000

const idOf = (location: string): string => location.slice('/tasks/'.length)

/** The other node takes over; the frozen one then neither writes what it had heard nor goes on with its old claims. */
export const frozen = (): Promise<void> =>
  Fleet.during(async (fleet) => {
    const { service } = fleet
    const agent = new Agent({ keepAlive: true })
    const a = await fleet.start('a')
    const b = await fleet.start('b')
    const posted: string[] = []
    for (let i = 0; i < 40; i += 1) {
      const { headers } = await postOne(agent, i % 2 ? a.url : b.url, i % 4 < 2 ? 'held' : 'ever.100')
      posted.push(headers.location ?? '')
    }
    await service.until(() => posted.every((path) => service.of(path).length > 0))
    const ofB = posted.filter((path) => service.of(path).some((seen) => senderOf(seen) === 'b'))
    const heldByB = ofB.filter((path) => service.of(path)[0]?.action === 'held')
    expect(heldByB.length, 'requests that node b waits for').to.be.above(1)

    b.kill('SIGSTOP')
    const frozenAt = performance.now()
    // These answers reach the sockets of a node that cannot read them.
    service.letGo(200, '{"from":"b"}', (seen) => senderOf(seen) === 'b')
    await service.until(() => ofB.every((path) => service.of(path).some((seen) => senderOf(seen) === 'a')), PAUSE)
    expect(performance.now() - frozenAt, 'ms until all were taken over').to.be.below(12_000)
    await passed(PAUSE - (performance.now() - frozenAt))

    const thawedAt = performance.now()
    b.kill('SIGCONT')
    // It learns of each old claim, by a write that had no effect or by asking.
    await eventually(() => {
      const dropped = b.lines.filter(({ msg }) => msg === 'the claim is not ours any more').map(({ task }) => task)
      expect(dropped).to.include.members(ofB.map(idOf))
    }, 30_000)
    await b.logged('the lease had run out; what this node holds is asked about before it goes on')
    const fresh = await workOf(fleet, agent, b.url)
    expect(fresh).to.equal('b')
    expect(
      service.requests.filter((seen) => ofB.includes(seen.location) && senderOf(seen) === 'b' && seen.at > thawedAt),
    ).to.have.length(0)
    for (const { status } of await fleet.sql<{ status: string }>('select status from tasks where id = any($1)', [
      ofB.map(idOf),
    ]))
      expect(status).to.equal('running')

    service.letGo(200, '{"from":"a"}')
    await eventually(async () => {
      const rows = await fleet.sql<{ status: string; result: unknown }>(
        'select status, result from tasks where id = any($1)',
        [heldByB.map(idOf)],
      )
      expect(rows).to.have.length(heldByB.length)
      for (const row of rows) expect(row).to.deep.equal({ status: 'complete', result: { from: 'a' } })
    })
    for (const path of ofB) {
      const own = service.of(path)
      const steps = own.map(({ step }) => step)
      expect(steps, `${path}: steps`).to.deep.equal([...steps].sort((x, y) => x - y))
    }
    agent.destroy()
  })

/** Posts tasks until node b has run one. */
async function workOf({ service }: Fleet, agent: Agent, url: string): Promise<string> {
  for (let tries = 0; tries < 50; tries += 1) {
    const { headers } = await postOne(agent, url, 'ok')
    await service.until(() => service.of(headers.location ?? '').length > 0)
    const sender = service.of(headers.location ?? '').map(senderOf)[0]
    if (sender === 'b') return sender
  }
  return 'never'
}
