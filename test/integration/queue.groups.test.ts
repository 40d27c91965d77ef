// The queue at a primary of Sentinels and in a Cluster, with the users of the documents: where it goes, what it says, and what it lacks.
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { expect } from 'chai'
import { Redis } from 'ioredis'
import type { Config } from '../../src/config/config.ts'
import type { Finding } from '../../src/doctor/finding.ts'
import { redis as doctorOf } from '../../src/doctor/redis.ts'
import { DOCUMENTED } from '../support/documented-rights.ts'
import { eventually } from '../support/eventually.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { type RedisCluster, type RedisGroup, startCluster, startSentinels } from '../support/redis-groups.ts'
import { type WatchedQueue, watchedQueue } from '../support/watched-queue.ts'
import { expectFinding, troubles } from './doctor/cases.ts'

const QUICK = { maxPause: 200, popWait: 50 }
const SECRETS = /p@ss|p%40ss|s@cret|s%40cret/
let watched: WatchedQueue[] = []

async function open(url: string): Promise<WatchedQueue> {
  const one = watchedQueue(url, QUICK)
  watched.push(one)
  one.queue.listen(`node-${watched.length}`, () => {})
  await one.queue.start()
  return one
}
const doctor = (redisUrl: string): Promise<Finding[]> => doctorOf({ redisUrl, redisPrefix: 'test:' } as Config)

/** Ids and notices get from one queue to another. */
async function worksBetween(a: WatchedQueue, b: WatchedQueue): Promise<void> {
  await eventually(() =>
    expect([a.queue.healthy, a.queue.limited, b.queue.healthy, b.queue.limited]).to.deep.equal([
      true,
      false,
      true,
      false,
    ]),
  )
  await eventually(async () => {
    await a.queue.push('billing', '7')
    expect(await b.queue.pop(['shipping', 'billing'])).to.deep.equal({ service: 'billing', id: '7' })
  })
  const heard = new Promise((resolve) => b.queue.listen('hearer', resolve))
  await eventually(async () => {
    a.queue.notify('hearer', '8')
    expect(await Promise.race([heard, new Promise((next) => setTimeout(next, 20))])).to.equal('8')
  })
}

const noSecretsIn = (...said: unknown[]): Chai.Assertion =>
  expect(JSON.stringify([watched.map(({ lines }) => lines), ...said])).not.to.match(SECRETS)

afterEach(async () => {
  await Promise.all(watched.map(({ queue }) => queue.stop()))
  watched = []
})

describe('the queue behind Sentinels', function () {
  this.timeout(60_000)
  let group: RedisGroup
  before(async () => (group = await startSentinels(DOCUMENTED)))
  after(() => group?.stop())
  const sentinelUser = (...rights: readonly string[]): Promise<unknown> =>
    Promise.all(
      group.asked.map((one) => group.at(one, (client) => client.call('ACL', ['SETUSER', 'task_api', ...rights]))),
    )

  it('needs no right but those of the documents, and the doctor finds no trouble', async () => {
    const [a, b] = [await open(group.url), await open(group.url)]
    expect([a.lines, b.lines]).to.deep.equal([[], []])
    await worksBetween(a, b)
    const found = await doctor(group.url)
    expect(troubles(found).filter((check) => check !== 'redis.connection')).to.deep.equal([])
    expectFinding(found, { check: 'redis.places', state: 'ok', what: /^3 of 3 answer/ })
  })

  it('goes to the new primary where the old one lives and has become a replica', async () => {
    const [a, b] = [await open(group.url), await open(group.url)]
    const old = await group.primary()
    await group.at(group.asked[0] as TestRedis, (client) => client.call('SENTINEL', 'FAILOVER', 'mymaster'))
    const next = group.servers().find((server) => server !== old) as TestRedis
    await eventually(async () => expect(await group.at(next, (client) => client.info())).to.include('role:master'))
    // As Sentinels do 8 s later.
    await group.at(old, (client) => client.call('REPLICAOF', '127.0.0.1', next.port))
    await worksBetween(a, b)
    expect(await group.at(old, (client) => client.client('LIST'))).not.to.match(/name=task_api:(commands|pop)/)
  })

  it('does without a Sentinel that is silent, of which the doctor warns', async () => {
    const [silent] = group.asked as [TestRedis]
    await silent.kill('SIGSTOP')
    try {
      const [a, b] = [await open(group.url), await open(group.url)]
      expect([a.lines, b.lines]).to.deep.equal([[], []])
      await worksBetween(a, b)
      const what = new RegExp(`^127.0.0.1:${silent.port}: no answer`)
      expectFinding(await doctor(group.url), { check: 'redis.places', state: 'warning', what, mend: /Start it/ })
    } finally {
      await silent.kill('SIGCONT')
    }
  })

  it('is down, without a password in what it says, where the Sentinels refuse it', async () => {
    const cases: [url: string, reason: RegExp, mend: RegExp][] = [
      [group.url.replace('/mymaster', '/other'), /knows no primary other/, /operations.md#redis/],
      [group.url.replace('task_api&', 'nobody&'), /WRONGPASS/, /user and password/],
      [group.url.replace(/\?.*/, ''), /NOAUTH/, /user and password/],
      [group.url.replace('//task_api', '//nobody'), /WRONGPASS/, /user and password/],
    ]
    for (const [url, reason, mend] of cases) {
      const one = await open(url)
      expect(one.queue.healthy).to.equal(false)
      expect(one.lines[0]?.reason).to.match(reason)
      expect(await one.queue.push('billing', '1')).to.equal(false)
      const found = await doctor(url)
      expectFinding(found, { check: 'redis.connection', state: 'fault', what: reason, mend })
      noSecretsIn(found)
    }
  })

  it('is down where its user of the Sentinels lacks the one right that it needs', async () => {
    await sentinelUser('-sentinel|get-master-addr-by-name')
    try {
      const one = await open(group.url)
      expect(one.lines[0]?.reason).to.match(/NOPERM.*sentinel/)
      expectFinding(await doctor(group.url), {
        check: 'redis.connection',
        state: 'fault',
        what: /NOPERM/,
        mend: /ACL line/,
      })
      await sentinelUser(...DOCUMENTED.sentinel, '-client|setname')
      await one.becomes(true)
    } finally {
      await sentinelUser(...DOCUMENTED.sentinel)
    }
  })
})

describe('the queue in a Cluster', function () {
  this.timeout(60_000)
  let cluster: RedisCluster
  before(async () => (cluster = await startCluster(DOCUMENTED, 'test:{queue}:')))
  after(() => cluster?.stop())

  it('finds the owner of its keys through any node, with no right but those of the documents', async () => {
    const login = /^.*@/.exec(cluster.url)?.[0] ?? ''
    for (const { port } of cluster.asked) {
      const [a, b] = [await open(`${login}127.0.0.1:${port}`), await open(cluster.url)]
      expect([a.lines, b.lines]).to.deep.equal([[], []])
      await worksBetween(a, b)
    }
    const found = await doctor(cluster.url)
    expect(troubles(found).filter((check) => check !== 'redis.connection')).to.deep.equal([])
    expectFinding(found, { check: 'redis.places', state: 'ok', what: /^6 of 6 answer/ })
  })

  it('is down while the slot of its keys is stuck, says so, and goes to where the slot has moved', async () => {
    const [a, b] = [await open(cluster.url), await open(cluster.url)]
    const from = await cluster.primary()
    await a.queue.push('billing', '1')
    const end = await cluster.beginMove()
    await Promise.all([a.becomes(false), b.becomes(false)])
    expect(a.lines[0]?.reason).to.match(/ASK .*is being moved/)
    expect(await a.queue.push('billing', '2')).to.equal(false)
    await end()
    expect((await cluster.primary()).port).not.to.equal(from.port)
    await worksBetween(a, b)
    noSecretsIn()
  })

  it('says how REDIS_URL is written for a Cluster where it names a node of one as one Redis', async () => {
    const { port: owner } = await cluster.primary()
    const { port = 0 } = cluster.asked.find((one) => one.port !== owner) ?? {}
    const found = await doctor(cluster.url.replace('+cluster', '').replace(/@.*/, `@127.0.0.1:${port}`))
    const said = { what: /LPUSH, .*MOVED .*REDIS_URL must be redis\+cluster:/, mend: /operations.md#redis/ }
    expectFinding(found, { check: 'redis.rights', state: 'fault', ...said })
  })
})

/** A server that says to everybody that the primary is at `named`; its port, and its end. */
async function fakeSentinel(
  named: () => readonly [host: string, port: string],
): Promise<{ url: string; stop: () => void }> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.on('data', (asked) => {
      const words = named().map((word) => `$${word.length}\r\n${word}\r\n`)
      socket.write(asked.toString().includes('GET-MASTER-ADDR') ? `*2\r\n${words.join('')}` : '+OK\r\n')
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `redis+sentinel://127.0.0.1:${(server.address() as AddressInfo).port}/mymaster`
  return { url, stop: () => void server.close() }
}

async function clientsOf({ url }: TestRedis, ...words: string[]): Promise<string> {
  const client = new Redis(url)
  return String(await client.call('CLIENT', words).finally(() => client.disconnect()))
}
const namesAt = async (server: TestRedis): Promise<string[]> =>
  [...(await clientsOf(server, 'LIST')).matchAll(/name=(task_api:\w+)/g)].map(([, name]) => name ?? '').sort()

describe('the queue by a Sentinel that changes its mind', () => {
  it('has all connections where the one for commands is', async () => {
    const servers = [await startRedis(), await startRedis()] as const
    let primary: TestRedis = servers[0]
    const sentinel = await fakeSentinel(() => ['127.0.0.1', String(primary.port)])
    try {
      const one = await open(sentinel.url)
      const all = ['task_api:cancels', 'task_api:commands', 'task_api:pop']
      await eventually(async () => expect(await namesAt(servers[0])).to.deep.equal(all))
      primary = servers[1]
      const id = /^id=(\d+) .*name=task_api:commands /m.exec(await clientsOf(servers[0], 'LIST'))?.[1] ?? ''
      await clientsOf(servers[0], 'KILL', 'ID', id)
      await eventually(async () => expect(await namesAt(servers[1])).to.deep.equal(all))
      expect(await namesAt(servers[0])).to.deep.equal([])
      expect(one.queue.healthy).to.equal(true)
    } finally {
      await watched[0]?.queue.stop()
      sentinel.stop()
      for (const server of servers) await server.stop()
    }
  })

  it('is down where it names what is no address, and goes on asking', async () => {
    const odd = [
      ['', ''],
      ['a b', '1'],
      ['x@y', '1'],
      ['127.0.0.1', '99999'],
      ['127.0.0.1', '/'],
      ['[', ']'],
    ] as const
    let asked = 0
    const sentinel = await fakeSentinel(() => odd[asked++ % odd.length] ?? ['', ''])
    try {
      const one = await open(sentinel.url)
      await eventually(() => expect(asked).to.be.above(6 * odd.length))
      expect(one.queue.healthy).to.equal(false)
      expect(one.lines[0]?.reason).to.match(/an address was named that cannot be read/)
    } finally {
      await watched[0]?.queue.stop()
      sentinel.stop()
    }
  })
})
