// Faults of a real Redis, each set up and found by the doctor with its mend.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import { Redis } from 'ioredis'
import type { Config } from '../../../src/config/config.ts'
import type { Finding } from '../../../src/doctor/finding.ts'
import { redis as redisOf } from '../../../src/doctor/redis.ts'
import { freePort } from '../../support/free-port.ts'
import { DOCUMENTED } from '../../support/documented-rights.ts'
import { startRedis, type TestRedis } from '../../support/redis.ts'
import { TcpProxy } from '../../support/tcp-proxy.ts'
import { type Expected, expectFinding, troubles } from './cases.ts'

const COMMANDS = DOCUMENTED.redis
const ACL = /ACL line in docs\/operations.md/

const ask = (redisUrl: string): Promise<Finding[]> => redisOf({ redisUrl, redisPrefix: 'test:' } as Config)

interface Case extends Expected {
  readonly spoil: (admin: Redis) => Promise<unknown>
}

const config =
  (...pairs: readonly (string | number)[]) =>
  (admin: Redis) =>
    admin.call('CONFIG', ['SET', ...pairs])

/** Each is undone by a new Redis. */
const SETTINGS: Readonly<Record<string, Case>> = {
  'may remove any key': {
    spoil: config('maxmemory-policy', 'allkeys-lru', 'maxmemory', '100mb'),
    check: 'redis.eviction',
    state: 'warning',
    what: /^allkeys-lru/,
    mend: /noeviction/,
  },
  'is nearly full': {
    spoil: async (admin) => {
      const used = /used_memory:(\d+)/.exec(await admin.info('memory'))?.[1]
      // What a connection takes varies by some hundred kilobytes.
      return config('maxmemory-policy', 'noeviction', 'maxmemory', Math.round(Number(used) * 1.05))(admin)
    },
    check: 'redis.memory',
    state: 'warning',
    what: /^\d+ % of maxmemory/,
    mend: /Raise maxmemory/,
  },
  'is full': {
    spoil: config('maxmemory-policy', 'noeviction', 'maxmemory', 1),
    check: 'redis.rights',
    state: 'fault',
    what: /^Redis refuses LPUSH, .*OOM/,
    mend: /^Raise maxmemory/,
  },
  'is a replica': {
    spoil: (admin) => admin.call('REPLICAOF', ['127.0.0.1', '1']),
    check: 'redis.role',
    state: 'fault',
    what: /replica/,
    mend: /primary/,
  },
  'cannot save, and so takes no writes': {
    spoil: async (admin) => {
      await config('min-replicas-to-write', 1)(admin)
    },
    check: 'redis.rights',
    state: 'fault',
    what: /^Redis refuses LPUSH, .*NOREPLICAS/,
    mend: /its log says why/,
  },
}

/** What is missing without a right. */
const RIGHTS: Readonly<Record<string, readonly [state: 'fault' | 'warning', command: string]>> = {
  '+lpush': ['fault', 'LPUSH'],
  '+lpushx': ['fault', 'LPUSHX'],
  '+rpop': ['fault', 'RPOP'],
  '+brpop': ['fault', 'BRPOP'],
  '+unlink': ['warning', 'UNLINK'],
  '+publish': ['warning', 'PUBLISH'],
  '+subscribe': ['warning', 'SUBSCRIBE'],
  '+client|id': ['warning', 'CLIENT ID'],
  '+client|unblock': ['warning', 'CLIENT UNBLOCK'],
  '+type': ['warning', 'TYPE'],
}

describe('the doctor, of a Redis that', function () {
  this.timeout(60_000)
  let server: TestRedis
  let admin: Redis
  before(async () => {
    server = await startRedis({ args: ['--databases', '4'] })
    admin = new Redis(server.url)
  })
  after(async () => {
    await admin.quit()
    await server.stop()
  })

  const user = (...rights: readonly string[]): Promise<unknown> =>
    admin.call('ACL', ['SETUSER', 'task_api', 'reset', 'on', '>hush', '~test:*', '&test:*', ...rights])
  const asUser = (password = 'hush', path = ''): Promise<Finding[]> =>
    ask(`redis://task_api:${password}@127.0.0.1:${server.port}${path}`)

  for (const [name, { spoil, ...expected }] of Object.entries(SETTINGS))
    it(`${name}, says ${expected.check}`, async () => {
      const own = await startRedis()
      const its = new Redis(own.url)
      try {
        await spoil(its)
        expectFinding(await ask(own.url), expected)
      } finally {
        its.disconnect()
        await own.stop()
      }
    })

  for (const [right, [state, command]] of Object.entries(RIGHTS))
    it(`lacks the right ${right}, says redis.rights`, async () => {
      await user(...COMMANDS.filter((one) => one !== right))
      const what = new RegExp(`^Redis refuses ${command}, .*NOPERM`)
      expectFinding(await asUser(), { check: 'redis.rights', state, what, mend: ACL })
      expect(await admin.keys('*')).to.deep.equal([])
    })

  it('has the user of the documents, finds no trouble, and leaves nothing behind', async () => {
    await user(...COMMANDS)
    const found = await asUser()
    expect(troubles(found).filter((check) => check !== 'redis.connection')).to.deep.equal([])
    expectFinding(found, { check: 'redis.eviction', state: 'ok', what: /not known/ })
    expect(await admin.keys('*')).to.deep.equal([])
    expectFinding(await ask(server.url), { check: 'redis.version', state: 'ok', what: /^(Redis|Valkey) [678]/ })
  })

  it('refuses the password, the database or a user, says redis.connection', async () => {
    await user(...COMMANDS, '+select')
    const connection = { check: 'redis.connection', state: 'fault' } as const
    expectFinding(await asUser('wrong'), { ...connection, what: /WRONGPASS/, mend: /user and password/ })
    expectFinding(await asUser('hush', '/9'), { ...connection, what: /DB index/, mend: /Name a database/ })
    await user(...COMMANDS)
    expectFinding(await asUser('hush', '/1'), { ...connection, what: /select/, mend: /Name a database/ })
    await admin.call('ACL', ['SETUSER', 'default', '>other'])
    expectFinding(await ask(server.url), { ...connection, what: /NOAUTH/, mend: /user and password/ })
    await admin.call('ACL', ['SETUSER', 'default', 'nopass'])
  })

  it('is not there, is silent, or is none, says redis.connection', async () => {
    const connection = { check: 'redis.connection', state: 'fault' } as const
    const gone = await ask(`redis://127.0.0.1:${await freePort()}`)
    expectFinding(gone, { ...connection, what: /ECONNREFUSED/, mend: /Start Redis/ })
    const proxy = new TcpProxy()
    await proxy.listen(server.port)
    proxy.silence()
    const silent = await ask(`redis://127.0.0.1:${proxy.port}`)
    await proxy.close()
    expectFinding(silent, { ...connection, what: /no answer|timed? ?out/i, mend: /firewalls/ })
    const secure = await ask(`rediss://127.0.0.1:${server.port}`)
    expectFinding(secure, { ...connection, what: /./, mend: /./ })
    const web = createServer().listen(0, '127.0.0.1')
    await once(web, 'listening')
    const other = await ask(`redis://127.0.0.1:${(web.address() as AddressInfo).port}`)
    web.closeAllConnections()
    web.close()
    expectFinding(other, { ...connection, what: /./, mend: /./ })
  })
})
