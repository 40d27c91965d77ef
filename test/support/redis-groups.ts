// Real groups of Redis on loopback: a primary with a replica and three Sentinels, and a Cluster of three primaries with a replica each.
import { expect } from 'chai'
import { Redis } from 'ioredis'
import { eventually } from './eventually.ts'
import { freePort } from './free-port.ts'
import { startRedis, type TestRedis } from './redis.ts'

/** The passwords of the users of nodes, of the Sentinels' user of Redis, and of the nodes' user of Sentinels. */
export const PASSWORDS = { redis: 'p@ss/of%redis', admin: 'admin', sentinel: 's@cret+of/sentinel' }
const encoded = encodeURIComponent

/** The rights of docs/operations.md, as words behind the name of the user. */
export interface Rights {
  readonly redis: readonly string[]
  readonly sentinel: readonly string[]
}

export interface RedisGroup {
  /** What REDIS_URL is. */
  readonly url: string
  /** Those that REDIS_URL names. */
  readonly asked: readonly TestRedis[]
  /** Those that hold keys. */
  servers(): readonly TestRedis[]
  /** The server that has the keys now. Throws while none is known. */
  primary(): Promise<TestRedis>
  /** Runs commands at a server, as its administrator. */
  at<T>(server: TestRedis, commands: (client: Redis) => Promise<T>): Promise<T>
  /** Kills the primary, waits until another one is, and starts the old one again as a replica. */
  failOver(): Promise<void>
  stop(): Promise<void>
}

/** Runs commands at a server. */
async function at<T>(
  { port }: TestRedis,
  commands: (client: Redis) => Promise<T>,
  password = PASSWORDS.admin,
): Promise<T> {
  const client = new Redis({ port, host: '127.0.0.1', password, maxRetriesPerRequest: 1, retryStrategy: () => 50 })
  client.on('error', () => undefined)
  try {
    return await commands(client)
  } finally {
    client.disconnect()
  }
}

const users = ({ redis }: Rights): string[] => {
  const own = `--requirepass ${PASSWORDS.admin} --masterauth ${PASSWORDS.admin} --repl-diskless-sync-delay 0`
  return [...own.split(' '), '--user', 'task_api', 'on', `>${PASSWORDS.redis}`, '~test:*', '&test:*', ...redis]
}

const inSync = (server: TestRedis): Promise<unknown> =>
  eventually(async () => expect(await at(server, (client) => client.info())).to.include('master_link_status:up'))

/** Whether a server says that it is a `master`, or a `slave`. */
export const servesAs = async (server: TestRedis, role: string): Promise<boolean> =>
  (await at(server, (client) => client.info('replication')).catch(() => '')).includes(`role:${role}`)

/** A primary, a replica, and three Sentinels that have a password of their own. */
export async function startSentinels(rights: Rights): Promise<RedisGroup> {
  const servers = [await startRedis({ args: users(rights) })]
  const [first] = servers as [TestRedis]
  const follow = (port: number): string[] => [...users(rights), '--replicaof', `127.0.0.1 ${port}`]
  servers.push(await startRedis({ args: follow(first.port) }))
  await inSync(servers[1] as TestRedis)
  const sentinel = `
sentinel monitor mymaster 127.0.0.1 ${first.port} 2
sentinel auth-pass mymaster ${PASSWORDS.admin}
sentinel down-after-milliseconds mymaster 1500
sentinel failover-timeout mymaster 3000
requirepass ${PASSWORDS.admin}
user task_api on >${PASSWORDS.sentinel} ${rights.sentinel.join(' ')}
`
  const asked = await Promise.all([1, 2, 3].map(() => startRedis({ sentinel })))
  const known = /slaves=1,sentinels=3/
  for (const one of asked)
    await eventually(async () => expect(await at(one, (client) => client.info('sentinel'))).to.match(known))
  const hosts = asked.map(({ port }) => `127.0.0.1:${port}`).join(',')
  const primaryBy = async (one: TestRedis): Promise<string> =>
    String(await at(one, (client) => client.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', 'mymaster')))
  const group: RedisGroup = {
    url:
      `redis+sentinel://task_api:${encoded(PASSWORDS.redis)}@${hosts}/mymaster` +
      `?sentinelUsername=task_api&sentinelPassword=${encoded(PASSWORDS.sentinel)}`,
    asked,
    servers: () => servers,
    at,
    async primary() {
      // A primary that was only slow lives on for 8 s after its failover: what Sentinels say counts.
      const named = await Promise.any(asked.map(primaryBy))
      const found = servers.find(({ port }) => named.includes(String(port)))
      if (found && (await servesAs(found, 'master'))) return found
      throw new Error('there is no primary')
    },
    async failOver() {
      const old = await group.primary()
      await old.kill('SIGKILL')
      const next = await eventually(() => group.primary())
      servers.splice(servers.indexOf(old), 1, await startRedis({ port: old.port, args: follow(next.port) }))
      await eventually(async () => {
        for (const one of asked) expect(await primaryBy(one)).to.include(String(next.port))
      })
      await inSync(servers.find(({ port }) => port === old.port) as TestRedis)
    },
    stop: async () => void (await Promise.all([...asked, ...servers].map((one) => one.stop()))),
  }
  return group
}

export interface RedisCluster extends RedisGroup {
  /** Begins to move the slot of the keys to another primary; what it returns ends that. */
  beginMove(): Promise<() => Promise<void>>
}

const SLOTS = 16_384
/** Redis listens for the others of a Cluster 10,000 above its port. */
async function clusterPort(): Promise<number> {
  for (;;) {
    const port = await freePort()
    if (port < 55_536) return port
  }
}

/** Three primaries with a replica each. `key`: one of the slot that matters. */
export async function startCluster(rights: Rights, key: string): Promise<RedisCluster> {
  const args = [...users(rights), '--cluster-enabled', 'yes', '--cluster-node-timeout', '1500']
  // What a replica missed while it was away does not keep it from its promotion.
  args.push('--cluster-replica-validity-factor', '0', '--cluster-require-full-coverage', 'no')
  const start = (port: number): Promise<TestRedis> => startRedis({ port, args })
  const servers: TestRedis[] = []
  for (let count = 0; count < 6; count += 1) servers.push(await start(await clusterPort()))
  const call = (server: TestRedis, ...words: (string | number)[]): Promise<unknown> =>
    at(server, (client) => client.call('CLUSTER', words))
  const idOf = async (server: TestRedis): Promise<string> => String(await call(server, 'MYID'))
  const meet = (server: TestRedis, other: TestRedis): Promise<unknown> => call(server, 'MEET', '127.0.0.1', other.port)
  const knows = (server: TestRedis, what: RegExp): Promise<unknown> =>
    eventually(async () => expect(String(await call(server, 'INFO'))).to.match(what))
  const [first] = servers as [TestRedis]
  for (const [i, server] of servers.entries()) {
    await call(server, 'SET-CONFIG-EPOCH', i + 1)
    if (i < 3) {
      const [from, to] = [i, i + 1].map((part) => Math.floor((part * SLOTS) / 3)) as [number, number]
      await call(server, 'ADDSLOTS', ...Array.from({ length: to - from }, (_, slot) => from + slot))
    }
    if (i > 0) await meet(server, first)
  }
  await Promise.all(servers.map((server) => knows(server, /cluster_state:ok[^]*cluster_known_nodes:6/)))
  for (const [i, server] of servers.slice(3).entries())
    await call(server, 'REPLICATE', await idOf(servers[i] as TestRedis))
  await Promise.all(servers.slice(3).map(inSync))

  const slot = Number(await call(first, 'KEYSLOT', key))
  /** Who takes writes of the slot. */
  const primary = async (): Promise<TestRedis> => {
    for (const server of servers) {
      const taken = await at(server, (client) => client.lpushx(key, '')).catch(() => undefined)
      if (taken !== undefined && (await servesAs(server, 'master'))) return server
    }
    throw new Error('nobody has the slot')
  }
  return {
    url: `redis+cluster://task_api:${encoded(PASSWORDS.redis)}@${servers.map(({ port }) => `127.0.0.1:${port}`).join(',')}`,
    asked: servers,
    servers: () => servers,
    at,
    primary,
    async failOver() {
      const old = await primary()
      const wasId = await idOf(old)
      await old.kill('SIGKILL')
      const next = await eventually(primary)
      const back = await start(old.port)
      servers.splice(servers.indexOf(old), 1, back)
      // It is empty and has a new name: the others forget the old one.
      for (const server of servers) await call(server, 'FORGET', wasId).catch(() => undefined)
      await meet(back, next)
      const id = await idOf(next)
      await eventually(() => call(back, 'REPLICATE', id))
      await inSync(back)
    },
    async beginMove() {
      const from = await primary()
      const roles = await Promise.all(servers.map((server) => servesAs(server, 'master')))
      const primaries = servers.filter((_, i) => roles[i])
      const to = primaries.find((server) => server !== from) as TestRedis
      const [fromId, toId] = [await idOf(from), await idOf(to)]
      await call(to, 'SETSLOT', slot, 'IMPORTING', fromId)
      await call(from, 'SETSLOT', slot, 'MIGRATING', toId)
      return async () => {
        await at(from, async (client) => {
          for (;;) {
            const keys = (await client.call('CLUSTER', 'GETKEYSINSLOT', slot, 100)) as string[]
            if (keys.length === 0) return
            const password = ['AUTH', PASSWORDS.admin]
            await client.call('MIGRATE', ['127.0.0.1', to.port, '', 0, 5_000, 'REPLACE', ...password, 'KEYS', ...keys])
          }
        })
        for (const server of [to, from, ...primaries]) await call(server, 'SETSLOT', slot, 'NODE', toId)
      }
    },
    stop: async () => void (await Promise.all(servers.map((one) => one.stop()))),
  }
}
