// The queue at a Redis that others write to, and what it sends there itself.
import { expect } from 'chai'
import { Redis } from 'ioredis'
import { redisAddressOf } from '../../src/core/redis-address.ts'
import { reasonOf } from '../../src/queue/reasons.ts'
import type { Popped } from '../../src/queue/port.ts'
import { RedisQueue } from '../../src/queue/redis.ts'
import { silentLog } from '../../src/telemetry/log.ts'
import { eventually } from '../support/eventually.ts'
import { startRedis } from '../support/redis.ts'
import { TcpProxy } from '../support/tcp-proxy.ts'
import { type WatchedQueue, watchedQueue } from '../support/watched-queue.ts'

const LIST = 'test:{queue}:billing'

describe('the redis queue among strangers', () => {
  let redis: Awaited<ReturnType<typeof startRedis>>
  let admin: Redis
  let watched: WatchedQueue

  const urlWith = (password: string): string => `redis://:${encodeURIComponent(password)}@127.0.0.1:${redis.port}`
  const calls = async (command: string): Promise<number> => {
    const stats = await admin.info('commandstats')
    return Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(stats)?.[1] ?? 0)
  }

  before(async () => {
    redis = await startRedis()
  })
  after(() => redis.stop())
  beforeEach(async () => {
    admin = new Redis(redis.url)
    await admin.flushall()
    await admin.config('RESETSTAT')
    watched = watchedQueue(redis.url)
    await watched.queue.start()
  })
  afterEach(async () => {
    await watched.queue.stop()
    await admin.quit()
  })

  it('writes lists under its prefix with one hash tag, and nothing else', async () => {
    await watched.queue.push('billing', '1')
    await watched.queue.push('mail.x_Y-1', '2')
    expect((await admin.keys('*')).sort()).to.deep.equal([LIST, 'test:{queue}:mail.x_Y-1'])
    expect(await admin.lrange(LIST, 0, -1)).to.deep.equal(['1'])
  })

  it('sends the pushes of one turn as one command a service', async () => {
    const before = await calls('lpush')
    const pushes = Array.from({ length: 900 }, (_, at) => watched.queue.push(`service-${at % 3}`, String(at + 1)))
    expect(await Promise.all(pushes)).not.to.include(false)
    expect((await calls('lpush')) - before).to.equal(3)
    expect(await admin.lrange('test:{queue}:service-0', -2, -1)).to.deep.equal(['4', '1'])
  })

  it('refuses pushes beyond those that may be under way, and takes them again later', async () => {
    const queue = new RedisQueue({ url: redis.url, prefix: 'test:', log: silentLog(), pushCapacity: 10 })
    await queue.start()
    const pushed = await Promise.all(Array.from({ length: 12 }, (_, at) => queue.push('billing', String(at + 1))))
    expect(pushed.filter(Boolean)).to.have.length(10)
    expect(await queue.push('billing', '13')).to.equal(true)
    await queue.stop()
  })

  it('deletes a key that is no list, says so each time, and goes on', async () => {
    const { queue, lines } = watched
    await admin.set(LIST, 'oops')
    const pushed = await Promise.all(['1', '2'].map((id) => queue.push('billing', id)))
    expect(pushed).to.deep.equal([true, true])
    expect(await queue.take('billing', 9)).to.equal(2)
    await admin.hset(LIST, 'oops', '1')
    expect(await queue.take('billing', 9)).to.equal(0)
    await admin.sadd(LIST, 'oops')
    await admin.lpush('test:{queue}:mail', '8')
    expect(await queue.pop(['billing', 'mail'])).to.deep.equal({ service: 'mail', id: '8' })
    expect(await admin.exists(LIST)).to.equal(0)
    expect(lines.map(({ key }) => key)).to.deep.equal([LIST, LIST, LIST])
    expect(queue.healthy).to.equal(true)
  })

  it('takes ids again after pushes that found a wrong key at the same time', async () => {
    await admin.set(LIST, 'oops')
    const pushed: Promise<boolean>[] = []
    for (let id = 1; id <= 200; id++) {
      pushed.push(watched.queue.push('billing', String(id)))
      if (id % 10 === 0) await new Promise(setImmediate)
    }
    expect(await Promise.all(pushed)).not.to.include(false)
    expect(await admin.type(LIST)).to.equal('list')
    expect(await watched.queue.push('billing', '201')).to.equal(true)
    expect(await watched.queue.take('billing', 500)).to.be.within(1, 201)
  })

  it('drops what is no id, and finds the id behind it', async () => {
    // Five million bytes may take their time.
    const { queue } = watchedQueue(redis.url, { answer: 20_000 })
    await queue.start()
    const junk = ['', '0', '-1', '01', '1e3', ' 1', '9223372036854775808', '１', 'x'.repeat(5_000_000), '__proto__']
    await admin.lpush(LIST, ...junk, '7')
    expect(await queue.pop(['billing'])).to.deep.equal({ service: 'billing', id: '7' })
    await admin.rpush(LIST, '\u00ff\u0000', Buffer.from([0xff, 0xfe]))
    expect(await queue.take('billing', 100)).to.equal(2)
    await queue.stop()
  })

  it('pushes no more into a list that is long, until it has been served', async () => {
    const elements = Array.from({ length: 10_000 }, (_, at) => String(at + 1))
    await admin.lpush(LIST, ...elements)
    expect(await watched.queue.push('billing', '10001')).to.equal(true)
    expect(await watched.queue.push('billing', '10002')).to.equal(true)
    expect(await admin.llen(LIST)).to.equal(10_001)
    expect(await watched.queue.push('mail', '1')).to.equal(true)
    expect(await admin.llen('test:{queue}:mail')).to.equal(1)
    await admin.del(LIST)
    await eventually(async () => {
      await watched.queue.push('billing', '10003')
      expect(await admin.llen(LIST)).to.equal(1)
    })
  })

  it('gets through ten thousand elements of junk', async () => {
    const queue = new RedisQueue({ url: redis.url, prefix: 'test:', log: silentLog() })
    await queue.start()
    const elements = Array.from({ length: 10_000 }, (_, at) => `junk-${at}`).concat('5')
    await admin.lpush(LIST, ...elements)
    let popped: Popped | undefined
    while (!popped) popped = await queue.pop(['billing'])
    expect(popped.id).to.equal('5')
    await queue.stop()
  })

  it('does not mistake a key of its own that others made for trouble', async () => {
    await admin.set('test:{queue}:probe:', 'oops')
    const text = watchedQueue(redis.url)
    await text.queue.start()
    expect(text.queue.healthy).to.equal(true)
    await text.queue.stop()
    await admin.del('test:{queue}:probe:')
    await admin.lpush('test:{queue}:probe:', 'oops')
    const list = watchedQueue(redis.url)
    await list.queue.start()
    expect(list.queue.healthy).to.equal(true)
    expect(await admin.exists('test:{queue}:probe:')).to.equal(0)
    await list.queue.stop()
  })

  it('hears cancel notices of other nodes, also after its connection was lost, and no junk', async () => {
    const proxy = new TcpProxy()
    await proxy.listen(redis.port)
    const far = watchedQueue(`redis://127.0.0.1:${proxy.port}`, { beat: 60_000 })
    const heard: string[] = []
    let hear: (() => void) | undefined
    far.queue.listen('node-2', (id) => {
      heard.push(id)
      hear?.()
    })
    const notified = async (id: string): Promise<void> => {
      while ((await admin.call('PUBSUB', ['NUMSUB', 'test:{queue}:cancel:node-2']).then(String)).endsWith(',0'))
        await new Promise(setImmediate)
      const next = new Promise<void>((resolve) => (hear = resolve))
      watched.queue.notify('node-2', id)
      await next
    }
    await far.queue.start()
    await admin.publish('test:{queue}:cancel:node-2', 'junk')
    watched.queue.notify('node-3', '1')
    await notified('2')
    await admin.call('CLIENT', ['KILL', 'TYPE', 'pubsub'])
    await notified('3')
    expect(heard).to.deep.equal(['2', '3'])
    await far.queue.stop()
    await proxy.close()
  })

  it('never logs the password, right or wrong', async () => {
    const password = 'p@ss/word'
    await admin.config('SET', 'requirepass', password)
    const right = watchedQueue(urlWith(password))
    await right.queue.start()
    expect(await right.queue.push('billing', '1')).to.equal(true)
    await right.queue.stop()
    const wrong = watchedQueue(urlWith('wr@ng'))
    await wrong.queue.start()
    expect(wrong.lines[0]?.reason).to.match(/^WRONGPASS/)
    expect(JSON.stringify(wrong.lines)).not.to.match(/wr@ng|wr%40ng/)
    await wrong.queue.stop()
    await admin.config('SET', 'requirepass', '')
    const echoed = "ERR unknown command 'AUTH', with args beginning with: 'wr@ng'"
    const address = redisAddressOf(urlWith('wr@ng'))
    expect(address && reasonOf(new Error(echoed), address))
      .to.include('ERR')
      .and.not.include('wr@ng')
    for (const bad of ['redis://:secret@host:port', 'http://:secret@localhost', 'redis://:%secret@h'])
      expect(() => watchedQueue(bad)).to.throw(/^(?!.*secret)/)
  })
})
