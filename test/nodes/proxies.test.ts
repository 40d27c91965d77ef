// A rolling restart behind a load balancer: callers who POST at a steady pace hear nothing of it.
import { expect } from 'chai'
import { once } from 'node:events'
import { Agent, type IncomingMessage, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Balancer, ownBalancer, programOf, type RealName, realBalancer } from '../support/balancers.ts'
import { eventually } from '../support/eventually.ts'
import { Fleet } from '../support/fleet.ts'
import type { NodeProcess } from '../support/node.ts'

/** Between two POSTs, ms. */
const PACE = 50

/** A POST as the page's configurations let it through: what came instead of 302 is told as text. */
async function post(agent: Agent, balancer: Balancer): Promise<string> {
  try {
    const headers = { 'content-type': 'application/json', authorization: 'Bearer WRITER-KEY' }
    const outgoing = request(`${balancer.url}/tasks`, { method: 'POST', agent, headers })
    outgoing.end('{"service":"svc","action":"ok","payload":{}}')
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
    response.resume()
    await once(response, 'end')
    return String(response.statusCode)
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code ?? error)
  }
}

interface Rolled {
  readonly accepted: number
  /** What came in place of a 302. */
  readonly others: readonly string[]
  readonly rows: number
}

/** Restarts both nodes one after the other while somebody POSTs. */
const roll = (open: (urls: readonly string[]) => Promise<Balancer>, delay: string): Promise<Rolled> =>
  Fleet.during(async (fleet) => {
    const env = { STOP_DELAY: delay }
    const nodes = await Promise.all([fleet.start('a', env), fleet.start('b', env)])
    await using balancer = await open(nodes.map(({ url }) => url))
    const agent = new Agent()
    await eventually(async () => expect(await post(agent, balancer)).to.equal('302'))
    const posts: Promise<string>[] = []
    let rolling = true
    const posting = (async () => {
      for (; rolling; await sleep(PACE)) posts.push(post(agent, balancer))
    })()
    for (const node of nodes) await restart(fleet, node, env)
    rolling = false
    await posting
    const answers = await Promise.all(posts)
    const [row] = await fleet.sql<{ count: number }>('select count(*)::integer as count from tasks')
    // Those before the steady ones are in the table as well.
    const accepted = answers.filter((answer) => answer === '302').length
    return { accepted, others: answers.filter((answer) => answer !== '302'), rows: row?.count ?? 0 }
  })

async function restart(fleet: Fleet, node: NodeProcess, env: Readonly<Record<string, string>>): Promise<void> {
  const { port } = new URL(node.url)
  node.kill('SIGTERM')
  expect(await node.exited).to.equal(0)
  await fleet.start('again', { ...env, PORT: port })
}

// A real one that does so takes the place of ours.
const hasHaproxy = (await programOf('haproxy')) !== undefined

describe('a rolling restart behind a load balancer', () => {
  if (!hasHaproxy)
    it('costs no POST where it asks /readyz and STOP_DELAY is longer than it needs to hear', async () => {
      const { accepted, others, rows } = await roll((urls) => ownBalancer(urls, 100), '2s')
      expect(others).to.deep.equal([])
      expect(rows).to.be.within(accepted, accepted + 1)
      expect(accepted).to.be.above(20)
    })

  // nginx asks no /readyz: a POST that comes at the very moment at which a port closes is lost to its caller (docs/proxies.md).
  const real: Readonly<Record<RealName, { delay: string; lost: number }>> = {
    haproxy: { delay: '4s', lost: 0 },
    nginx: { delay: '0s', lost: 0.02 },
  }
  for (const [name, { delay, lost }] of Object.entries(real) as [RealName, (typeof real)[RealName]][])
    it(`costs no POST behind ${name} with the configuration of docs/proxies.md`, async function () {
      const program = await programOf(name)
      if (program === undefined) {
        console.log(`      ${name} is not installed here: its configuration in docs/proxies.md is NOT tried`)
        return this.skip()
      }
      const { accepted, others, rows } = await roll((urls) => realBalancer(name, program, urls), delay)
      expect(others.length, others.join(' ')).to.be.at.most(Math.ceil(accepted * lost))
      expect(rows, 'rows: none for a POST that was sent twice').to.be.within(accepted, accepted + 1 + others.length)
      expect(accepted).to.be.above(20)
    })
})
