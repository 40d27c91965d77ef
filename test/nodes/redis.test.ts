// Nodes whose Redis forgets everything, is never there, or dies and comes back.
import { expect } from 'chai'
import { Redis } from 'ioredis'
import { Agent } from 'node:http'
import { eventually } from '../support/eventually.ts'
import { Fleet, senderOf } from '../support/fleet.ts'
import { type Figures, call, postLoad, postOne, verify } from '../support/load.ts'
import type { NodeProcess } from '../support/node.ts'
import { freePort } from '../support/free-port.ts'
import { startRedis } from '../support/redis.ts'
import { TcpProxy } from '../support/tcp-proxy.ts'
import { together } from '../support/together.ts'

const LOAD = 1_200
/** More tasks of one service than a node has in hand. */
const BURST = 150
const agent = (): Agent => new Agent({ keepAlive: true })

/** Waits for the end of all tasks, then checks them. */
async function settled(fleet: Fleet, posted: Awaited<ReturnType<typeof postLoad>>): Promise<Figures> {
  await eventually(async () => expect(await fleet.unended()).to.equal(0))
  return verify(fleet, posted)
}

/** What `/readyz` of a node says in a word; its status is 200 all the while. */
async function readiness(node: NodeProcess): Promise<unknown> {
  const { status, body } = await call(agent(), 'GET', `${node.url}/readyz`)
  expect(status).to.equal(200)
  return (JSON.parse(body) as { status: unknown }).status
}

/** FLUSHALL, again and again while tasks are posted. */
async function flushed(): Promise<void> {
  const redis = await startRedis()
  const client = new Redis(redis.url)
  try {
    await Fleet.during(
      async (fleet) => {
        fleet.service.pace = 20
        const nodes = await Promise.all([fleet.start('a'), fleet.start('b')])
        const posting = postLoad(
          nodes.map(({ url }) => url),
          LOAD,
        )
        let flushes = 0
        let over = false
        void posting.finally(() => (over = true))
        while (!over || flushes < 3) {
          await client.flushall()
          flushes += 1
        }
        expect((await settled(fleet, await posting)).repeats).to.equal(0)
      },
      { redisUrl: redis.url },
    )
  } finally {
    client.disconnect()
    await redis.stop()
  }
}

/** No Redis at REDIS_URL, from the start. */
async function neverThere(): Promise<void> {
  const redisUrl = `redis://127.0.0.1:${await freePort()}`
  await Fleet.during(
    async (fleet) => {
      const { service } = fleet
      const [a, b] = await Promise.all([fleet.start('a'), fleet.start('b')])
      expect(await readiness(a)).to.equal('degraded')
      const times: number[] = []
      for (let turn = 0; turn < 11; turn += 1) {
        const { status, headers, took } = await postOne(agent(), turn % 2 ? a.url : b.url, 'ok')
        const postedAt = performance.now()
        expect(status).to.equal(302)
        times.push(took)
        await service.until(() => service.of(headers.location ?? '').length > 0)
        expect((service.of(headers.location ?? '')[0]?.at ?? Infinity) - postedAt, 'ms to begin').to.be.below(2_000)
      }
      // The median: the machine may be busy, a POST that waits for Redis would be slow every time.
      expect(times.sort((x, y) => x - y)[5], 'ms for a POST').to.be.below(200)
    },
    { redisUrl },
  )
}

/** Redis dies under load and comes back empty. */
async function killed(): Promise<void> {
  const first = await startRedis()
  const proxy = new TcpProxy()
  await proxy.listen(first.port)
  const started = [first]
  try {
    await Fleet.during(
      async (fleet) => {
        fleet.service.pace = 20
        const nodes = await Promise.all([fleet.start('a'), fleet.start('b')])
        const urls = nodes.map(({ url }) => url)
        const posting = postLoad(urls, LOAD)
        await fleet.service.until((requests) => requests.length > 300)
        await first.kill('SIGKILL')
        await proxy.close()
        const during = [...(await posting), ...(await postLoad(urls, 300))]
        expect((await settled(fleet, during)).repeats).to.equal(0)

        const second = await startRedis()
        started.push(second)
        await proxy.listen(second.port)
        for (const node of nodes) await eventually(async () => expect(await readiness(node)).to.equal('ready'), 60_000)
        await bothWork(fleet, nodes[0])
      },
      { redisUrl: `redis://127.0.0.1:${proxy.port}` },
    )
  } finally {
    await proxy.close()
    for (const redis of started) await redis.stop()
  }
}

/** Lists are served again: what is posted to one node is begun at once, and by both. */
async function bothWork({ service }: Fleet, node: NodeProcess): Promise<void> {
  const senders = new Set<string>()
  for (let tries = 0; senders.size < 2; tries += 1) {
    expect(tries, 'bursts until both nodes had tasks').to.be.below(20)
    // More requests at once than the node opens by itself.
    const posted = await Promise.all(Array.from({ length: BURST }, () => postOne(agent(), node.url, 'slow.200')))
    for (const { headers } of posted) {
      await service.until(() => service.of(headers.location ?? '').length > 0, 900)
      for (const seen of service.of(headers.location ?? '')) senders.add(senderOf(seen))
    }
  }
}

describe('nodes without their Redis', () => {
  it('accept a task as fast as ever when it is never there, and begin it within 2 s', neverThere)

  together(
    {
      'end every task when it forgets everything again and again': flushed,
      'end every task when it dies under load, and serve its lists again when it is back': killed,
    },
    180_000,
  )
})
