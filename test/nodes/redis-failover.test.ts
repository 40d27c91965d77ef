// Nodes whose Redis is behind Sentinels or in a Cluster: the primary dies under load, and the slot of the keys moves under load.
import { expect } from 'chai'
import { Agent } from 'node:http'
import { DOCUMENTED } from '../support/documented-rights.ts'
import { eventually } from '../support/eventually.ts'
import { Fleet } from '../support/fleet.ts'
import { call, type Posted, postLoad, verify } from '../support/load.ts'
import type { NodeProcess } from '../support/node.ts'
import { type RedisCluster, type RedisGroup, startCluster, startSentinels } from '../support/redis-groups.ts'
import { together } from '../support/together.ts'

const LOAD = 400
const agent = (): Agent => new Agent({ keepAlive: true })

/** What `/readyz` of a node says in a word; its status is 200 all the while. */
async function readiness({ url }: NodeProcess): Promise<unknown> {
  const { status, body } = await call(agent(), 'GET', `${url}/readyz`)
  expect(status).to.equal(200)
  return (JSON.parse(body) as { status: unknown }).status
}
const become = (nodes: readonly NodeProcess[], status: string): Promise<unknown> =>
  Promise.all(nodes.map((node) => eventually(async () => expect(await readiness(node)).to.equal(status))))

/** Two nodes under load while `trouble` goes on: all tasks end, none is repeated, and at the end both are ready. */
async function underLoad(
  group: RedisGroup,
  trouble: (nodes: readonly NodeProcess[], load: () => Promise<void>) => Promise<void>,
): Promise<void> {
  await Fleet.during(
    async (fleet) => {
      fleet.service.pace = 20
      const nodes = await Promise.all([fleet.start('a'), fleet.start('b')])
      await become(nodes, 'ready')
      const urls = nodes.map(({ url }) => url)
      const posted: Posted[] = []
      const load = async (): Promise<void> => void posted.push(...(await postLoad(urls, LOAD)))
      await trouble(nodes, load)
      await become(nodes, 'ready')
      await load()
      await eventually(async () => expect(await fleet.unended()).to.equal(0))
      expect((await verify(fleet, posted)).repeats).to.equal(0)
      const said = JSON.stringify(nodes.map(({ lines, stderr }) => [lines, stderr]))
      expect(said).not.to.match(/p@ss|p%40ss|s@cret|s%40cret/)
    },
    { redisUrl: group.url },
  )
}

const failover = (group: RedisGroup): Promise<void> =>
  underLoad(group, async (nodes, load) => {
    const old = await group.primary()
    const loading = load()
    await old.kill('SIGKILL')
    await Promise.all([become(nodes, 'degraded'), loading, load()])
    expect((await eventually(() => group.primary())).port).not.to.equal(old.port)
  })

const slotMoves = (cluster: RedisCluster): Promise<void> =>
  underLoad(cluster, async (nodes, load) => {
    const from = await cluster.primary()
    const loading = load()
    const end = await cluster.beginMove()
    await Promise.all([become(nodes, 'degraded'), loading])
    await Promise.all([end(), load()])
    expect((await cluster.primary()).port).not.to.equal(from.port)
  })

/** Runs cases one after the other on a group, and ends it. */
async function during<Group extends RedisGroup>(
  starting: Promise<Group>,
  ...cases: ((group: Group) => Promise<void>)[]
): Promise<void> {
  const group = await starting
  try {
    for (const run of cases) await run(group)
  } finally {
    await group.stop()
  }
}

describe('nodes with several Redis end every task and follow the keys', () => {
  together(
    {
      'when the primary of Sentinels dies under load': () => during(startSentinels(DOCUMENTED), failover),
      'when the slot of a Cluster moves under load, and then its primary dies': () =>
        during(startCluster(DOCUMENTED, 'test:{queue}:'), slotMoves, failover),
    },
    180_000,
  )
})
