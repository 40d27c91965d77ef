// Redis behind Sentinels and in a Cluster: primaries that die or freeze, and a slot that moves.
import { expect } from 'chai'
import { setTimeout as passed } from 'node:timers/promises'
import { DOCUMENTED } from '../../support/documented-rights.ts'
import { eventually } from '../../support/eventually.ts'
import type { TestRedis } from '../../support/redis.ts'
import { type RedisGroup, servesAs, startCluster, startSentinels } from '../../support/redis-groups.ts'
import type { Fault } from '../faults/fault.ts'
import { redisFault } from '../faults/redis.ts'
import type { At, Figures, Row } from '../row.ts'
import { strikeAll } from '../struck.ts'

/** How long a slot is between two primaries, ms. */
const MOVE = 1_000

/** Strikes a group that is started for the run, under load. */
async function inGroup<Group extends RedisGroup>(
  starting: Promise<Group>,
  faultsOf: (group: Group) => readonly Fault[],
  at: At,
): Promise<Figures> {
  const group = await starting
  try {
    const env = { REDIS_URL: group.url, REDIS_PREFIX: 'test:' }
    return await strikeAll({ faults: faultsOf(group), rate: 30, pause: 500, served: true, setup: { env } }, at)
  } finally {
    await group.stop()
  }
}

const primaryKilled = (group: RedisGroup): Fault => redisFault('the primary killed', () => group.failOver())

const isPrimary = (server: TestRedis): Promise<boolean> => servesAs(server, 'master')

/** The primary stands still until another is promoted, and goes on. */
const primaryFrozen = (group: RedisGroup): Fault =>
  redisFault('the primary frozen', async () => {
    const old = await group.primary()
    const others = group.servers().filter((server) => server !== old)
    await old.kill('SIGSTOP')
    await eventually(async () => expect(await Promise.all(others.map(isPrimary))).to.include(true))
    await old.kill('SIGCONT')
    await eventually(async () => expect(await servesAs(old, 'slave')).to.equal(true))
  })

const promise = 'no repeated request, no POST refused; normal within 5 s of the failover'

export const sentinelRow: Row = {
  name: 'sentinel',
  fault: 'three Sentinels, a primary and its replica: the primary killed, or frozen until the other is promoted',
  count: 5,
  fullCount: 1,
  promise,
  run: (at) => inGroup(startSentinels(DOCUMENTED), (group) => [primaryKilled(group), primaryFrozen(group)], at),
}

export const clusterRow: Row = {
  name: 'cluster',
  fault: 'a Cluster of three primaries with a replica each: the primary of the keys killed, their slot moved in 1 s',
  count: 5,
  fullCount: 1,
  promise,
  run: (at) =>
    inGroup(
      startCluster(DOCUMENTED, 'test:{queue}:'),
      (cluster) => [
        primaryKilled(cluster),
        redisFault('the slot moved', async () => {
          const end = await cluster.beginMove()
          await passed(MOVE)
          await end()
        }),
      ],
      at,
    ),
}
