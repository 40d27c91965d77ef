// What Redis refuses: each command of the documented user, its keys and channels, a database, and what is no Redis of its own.
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { expect } from 'chai'
import { Redis } from 'ioredis'
import { eventually } from '../support/eventually.ts'
import { DOCUMENTED } from '../support/documented-rights.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { type WatchedQueue, watchedQueue } from '../support/watched-queue.ts'

const RIGHTS = '~test:* &test:*'.split(' ')
const COMMANDS = DOCUMENTED.redis

type Health = 'up' | 'limited' | 'down'
const healthOf = ({ queue }: WatchedQueue): Health => (!queue.healthy ? 'down' : queue.limited ? 'limited' : 'up')

/** What the queue is without the right, and by which name the log calls it. */
const WITHOUT: Readonly<Record<string, readonly [Health, string?]>> = {
  '+lpush': ['down', 'lpush'],
  '+lpushx': ['down', 'lpushx'],
  '+rpop': ['down', 'rpop'],
  '+brpop': ['down', 'brpop'],
  '+unlink': ['limited', 'UNLINK'],
  '+publish': ['limited', 'PUBLISH'],
  '+subscribe': ['limited', 'subscribe'],
  '+client|id': ['limited', 'CLIENT ID'],
  '+client|unblock': ['limited', 'CLIENT UNBLOCK'],
  '+ping': ['limited', 'PING'],
  '+type': ['limited', 'TYPE'],
  // Only its name in CLIENT LIST.
  '+client|setname': ['up'],
}

describe('a Redis that refuses', () => {
  let redis: TestRedis
  let admin: Redis
  let watched: WatchedQueue | undefined
  before(async () => {
    redis = await startRedis({ args: ['--databases', '4'] })
    admin = new Redis(redis.url)
  })
  afterEach(async () => {
    await watched?.queue.stop()
    watched = undefined
    await admin.flushall()
  })
  after(async () => {
    await admin.quit()
    await redis.stop()
  })

  const user = async (...rights: readonly string[]): Promise<void> => {
    await admin.call('ACL', ['SETUSER', 'task_api', 'reset', 'on', '>pw', ...rights])
  }
  const open = async (path = ''): Promise<WatchedQueue> => {
    watched = watchedQueue(`redis://task_api:pw@127.0.0.1:${redis.port}${path}`, { maxPause: 200, popWait: 50 })
    watched.queue.listen('node-1', () => {})
    await watched.queue.start()
    return watched
  }
  /** Waits for a state, and returns what the log says by then. */
  const becomes = (one: WatchedQueue, health: Health): Promise<string> =>
    eventually(() => {
      expect([healthOf(one), JSON.stringify(one.lines)]).to.include(health)
      return JSON.stringify(one.lines)
    }, 60_000)
  const pushes = async ({ queue }: WatchedQueue): Promise<boolean> => {
    const pushed = await queue.push('billing', '1')
    return pushed && (await queue.pop(['billing']))?.id === '1'
  }

  it('nothing to the user of the documents, is up', async () => {
    await user(...RIGHTS, ...COMMANDS)
    const one = await open()
    expect(healthOf(one)).to.equal('up')
    expect(await pushes(one)).to.equal(true)
    expect(one.lines).to.deep.equal([])
    expect(await admin.keys('*')).to.deep.equal([])
  })

  it('is asked for no command but those of the table here', () =>
    expect([...COMMANDS].sort()).to.deep.equal(Object.keys(WITHOUT).sort()))

  for (const [right, [health, name]] of Object.entries(WITHOUT))
    it(`the right ${right}, is ${health}${name === undefined ? '' : ', and the log names it'}`, async () => {
      await user(...RIGHTS, ...COMMANDS.filter((one) => one !== right))
      const one = await open()
      const said = await becomes(one, health)
      if (name === undefined) expect(one.lines).to.deep.equal([])
      else expect(said).to.match(new RegExp(`["' |]${name}[:' |]`))
      // Where ids get through they are not held up by what is missing, and where they do not none are left in the lists.
      expect(await pushes(one)).to.equal(health !== 'down')
      expect(await admin.keys('*')).to.deep.equal([])
      await user(...RIGHTS, ...COMMANDS)
      if (health !== 'up') await becomes(one, 'up')
    })

  it('a right from some time on, is down until it is given back', async () => {
    await user(...RIGHTS, ...COMMANDS)
    const one = await open()
    await admin.call('ACL', ['SETUSER', 'task_api', '-brpop'])
    // Each pop is refused, as a node goes on asking.
    const said = await eventually(async () => {
      await one.queue.pop(['billing'])
      expect(healthOf(one)).to.equal('down')
      return JSON.stringify(one.lines)
    }, 60_000)
    expect(said).to.match(/'brpop'/)
    await admin.call('ACL', ['SETUSER', 'task_api', '+brpop'])
    await becomes(one, 'up')
  })

  it('its keys, is down', async () => {
    await user('~other:*', '&test:*', ...COMMANDS)
    expect(await becomes(await open(), 'down')).to.match(/NOPERM.*keys/)
  })

  it('its channels, is limited', async () => {
    await user('~test:*', '&other:*', ...COMMANDS)
    expect(await becomes(await open(), 'limited')).to.match(/PUBLISH: NOPERM.*channel/)
  })

  describe('a database', () => {
    for (const [what, path, rights, reason] of [
      ['that does not exist', '/99', ['+select'], /DB index is out of range/],
      ['that the user may not select', '/3', [], /NOPERM.*select/],
    ] as const)
      it(`${what}, is down and used in no other database`, async () => {
        await user(...RIGHTS, ...COMMANDS, ...rights)
        const one = await open(path)
        expect(await becomes(one, 'down')).to.match(reason)
        expect(await pushes(one)).to.equal(false)
        expect(one.changes).to.deep.equal([])
        expect(await admin.keys('*')).to.deep.equal([])
      })

    it('to nobody, is up in that one', async () => {
      await user(...RIGHTS, ...COMMANDS, '+select')
      const one = await open('/3')
      expect(healthOf(one)).to.equal('up')
      await one.queue.push('billing', '1')
      expect(await admin.keys('*')).to.deep.equal([])
      await admin.select(3)
      expect(await admin.keys('*')).to.deep.equal(['test:{queue}:billing'])
      await admin.select(0)
    })
  })
})

describe('what is no Redis of its own', () => {
  let watched: WatchedQueue | undefined
  afterEach(() => watched?.queue.stop())

  const says = async (url: string): Promise<string> => {
    watched = watchedQueue(url, { maxPause: 200 })
    await watched.queue.start()
    expect(healthOf(watched)).to.equal('down')
    return watched.lines[0]?.reason ?? ''
  }
  const SENTINELS = /REDIS_URL must be redis\+sentinel:/
  const CLUSTER = /REDIS_URL must be redis\+cluster:/

  it('is named as a node of a Cluster', async () => {
    const redis = await startRedis({ args: ['--cluster-enabled', 'yes'] })
    try {
      expect(await says(redis.url))
        .to.match(/CLUSTERDOWN.*Redis Cluster/)
        .and.match(CLUSTER)
    } finally {
      await watched?.queue.stop()
      await redis.stop()
    }
  })

  // As each answers to every command.
  for (const [what, answer, said] of [
    ['a Cluster by an answer MOVED', 'MOVED 5061 10.0.0.7:6379', CLUSTER],
    ['a Sentinel of Redis 7.0', "ERR unknown command 'lpushx', with args beginning with: 'a' '' ", SENTINELS],
    ['a Sentinel of Redis 6.2', 'ERR unknown command `lpushx`, with args beginning with: `a`, ``, ', SENTINELS],
  ] as const)
    it(`is named as ${what}`, async () => {
      const server = createServer((socket) => {
        socket.on('error', () => {})
        socket.on('data', (chunk) => {
          for (const _ of chunk.toString().match(/\*\d+\r\n\$/g) ?? []) socket.write(`-${answer}\r\n`)
        })
      }).listen(0, '127.0.0.1')
      await once(server, 'listening')
      try {
        expect(await says(`redis://127.0.0.1:${(server.address() as AddressInfo).port}`)).to.match(said)
      } finally {
        await watched?.queue.stop()
        server.close()
      }
    })
})
