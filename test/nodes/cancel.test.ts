// DELETE, or a cancellation that keeps the task, on one node, while another runs the task.
import { expect } from 'chai'
import { Agent } from 'node:http'
import { setTimeout as passed } from 'node:timers/promises'
import { eventually } from '../support/eventually.ts'
import { Fleet, senderOf } from '../support/fleet.ts'
import { call, postOne } from '../support/load.ts'
import type { NodeProcess } from '../support/node.ts'
import type { Seen } from '../support/service.ts'
import { together } from '../support/together.ts'

/** Posts tasks of an action to a node, one after another, until node b runs one; its location. */
async function runByB({ service }: Fleet, agent: Agent, url: string, action: string): Promise<string> {
  for (let tries = 0; tries < 50; tries += 1) {
    const { headers } = await postOne(agent, url, action)
    const location = headers.location ?? ''
    await service.until(() => service.of(location).length > 0)
    if (service.of(location).some((seen) => senderOf(seen) === 'b')) return location
  }
  throw new Error('node b took none of 50 tasks')
}

/** How a task is ended: the method, what follows its location, the answer, and what a GET answers then. */
interface Way {
  readonly method: string
  readonly path: string
  readonly answer: number
  readonly read: number
}
const DELETE: Way = { method: 'DELETE', path: '', answer: 204, read: 404 }
const CANCEL: Way = { method: 'POST', path: '/cancel', answer: 200, read: 200 }

/** Ends on node a what node b runs, in each way at once; all must be over within `ms`. */
async function cancelAcross(fleet: Fleet, ms: number): Promise<void> {
  const nodes = [await fleet.start('a'), await fleet.start('b')] as const
  await Promise.all([DELETE, CANCEL].map((way) => endAcross(fleet, nodes, ms, way)))
}

async function endAcross(
  fleet: Fleet,
  [a, b]: readonly [NodeProcess, NodeProcess],
  ms: number,
  way: Way,
): Promise<void> {
  const { service } = fleet
  const agent = new Agent({ keepAlive: true })
  const hanging = await runByB(fleet, agent, b.url, 'hang')
  const looping = await runByB(fleet, agent, b.url, 'ever.20')

  const answers = await Promise.all([hanging, looping].map((path) => call(agent, way.method, a.url + path + way.path)))
  const deletedAt = performance.now()
  expect(answers.map(({ status }) => status)).to.deep.equal([way.answer, way.answer])
  const [hung] = service.of(hanging) as [Seen]
  await eventually(() => expect(hung.aborted, 'the socket of the request in flight is closed').to.equal(true), ms)
  expect((hung.endedAt ?? Infinity) - deletedAt).to.be.below(ms)

  // That nothing begins any more has no event; the loop would ask 50 times a second.
  await passed(ms + 1_000 - (performance.now() - deletedAt))
  const late = [...service.of(hanging), ...service.of(looping)].filter(({ at }) => at > deletedAt + ms)
  expect(late.length, 'requests begun after the time').to.equal(0)
  expect(service.of(hanging).length).to.equal(1)
  for (const url of [a.url, b.url])
    for (const path of [hanging, looping]) expect((await call(agent, 'GET', url + path)).status).to.equal(way.read)
  const again = await call(agent, way.method, b.url + hanging + way.path)
  expect(again.status).to.equal(way === DELETE ? 404 : 409)
  agent.destroy()
}

describe('DELETE, and a cancellation, on a node that does not run the task', () => {
  together(
    {
      'ends it within a second': () => Fleet.during((fleet) => cancelAcross(fleet, 1_000)),
      'ends it within three seconds without Redis': () =>
        Fleet.during((fleet) => cancelAcross(fleet, 3_000), { redisUrl: null }),
    },
    60_000,
  )
})
