// The queue when Redis, or the way to it, fails: what is lost, what comes back, and what the log says.
import { once } from 'node:events'
import { expect } from 'chai'
import { Redis } from 'ioredis'
import type { RedisTimes } from '../../src/queue/redis.ts'
import { startRedis } from '../support/redis.ts'
import { TcpProxy } from '../support/tcp-proxy.ts'
import { type WatchedQueue, watchedQueue } from '../support/watched-queue.ts'

const AWAY = 'redis is unreachable, tasks are found by full passes'
const BACK = 'redis is back'

/** Sockets and timers that keep this process alive. */
const open = (): number =>
  process.getActiveResourcesInfo().filter((kind) => /^(TCP|TLS|GetAddrInfo|Timeout)/.test(kind)).length

describe('the redis queue in trouble', () => {
  let redis: Awaited<ReturnType<typeof startRedis>>
  let admin: Redis
  let proxy: TcpProxy
  let watched: WatchedQueue

  const viaProxy = (times?: Partial<RedisTimes>): WatchedQueue =>
    (watched = watchedQueue(`redis://127.0.0.1:${proxy.port}`, times))
  const said = (): string[] => watched.lines.map(({ msg }) => msg)
  const popUntilFound = async (service: string): Promise<string> => {
    for (;;) {
      const popped = await watched.queue.pop([service])
      if (popped) return popped.id
    }
  }
  const kill = async (name: string): Promise<void> => {
    const list = String(await admin.client('LIST'))
    const id = new RegExp(`^id=(\\d+) .* name=${name} `, 'm').exec(list)?.[1]
    expect(await admin.client('KILL', 'ID', id ?? 'none')).to.equal(1)
  }

  beforeEach(async () => {
    redis = await startRedis()
    admin = new Redis(redis.url, { retryStrategy: null })
    admin.on('error', () => {})
    proxy = new TcpProxy()
    await proxy.listen(redis.port)
  })
  afterEach(async () => {
    await watched.queue.stop()
    admin.disconnect()
    await proxy.close()
    await redis.stop()
  })

  it('goes on after Redis was killed and came back empty, and says so once each', async () => {
    const { queue, becomes, changes } = viaProxy()
    await queue.start()
    await queue.push('billing', '1')
    const waiting = queue.pop(['other'])
    await redis.kill('SIGKILL')
    await becomes(false)
    const pushed = await Promise.all(Array.from({ length: 100 }, (_, at) => queue.push('billing', String(at + 1))))
    expect(pushed).not.to.include(true)
    expect(await queue.take('billing', 5)).to.equal(0)
    expect(await waiting).to.equal(undefined)
    redis = await startRedis()
    proxy.target = redis.port
    await becomes(true)
    expect(await queue.take('billing', 5)).to.equal(0)
    expect(await queue.push('billing', '2')).to.equal(true)
    expect(await popUntilFound('billing')).to.equal('2')
    expect(said()).to.deep.equal([AWAY, BACK])
    expect(changes).to.deep.equal([true, false, true])
  })

  it('starts without Redis, does not spin, and finds it when it comes', async () => {
    await proxy.close()
    const { queue, becomes } = viaProxy({ maxPause: 200 })
    await queue.start()
    expect(queue.healthy).to.equal(false)
    expect(await queue.push('billing', '1')).to.equal(false)
    const popping = performance.now()
    expect(await queue.pop(['billing'])).to.equal(undefined)
    expect(performance.now() - popping).to.be.at.least(180)
    const interrupted = queue.pop(['billing'])
    queue.interrupt()
    expect(await interrupted).to.equal(undefined)
    await proxy.listen(redis.port)
    await becomes(true)
    expect(await queue.push('billing', '1')).to.equal(true)
    expect(await popUntilFound('billing')).to.equal('1')
    expect(said()).to.deep.equal([AWAY, BACK])
  })

  it('tries less and less often', async () => {
    await redis.kill('SIGKILL')
    const { queue } = viaProxy({ popWait: 400, pause: 10, maxPause: 10_000 })
    await queue.start()
    expect(await queue.pop(['billing'])).to.equal(undefined)
    expect(proxy.accepted).to.be.within(9, 30)
  })

  it('notices by itself that Redis is frozen, and that it thawed', async () => {
    const { queue, becomes } = viaProxy({ beat: 60_000 })
    await queue.start()
    await redis.kill('SIGSTOP')
    const begun = performance.now()
    const pushed = queue.push('billing', '1')
    await becomes(false)
    expect(performance.now() - begun).to.be.within(500, 10_000)
    expect(await pushed).to.equal(false)
    expect(await queue.push('billing', '2')).to.equal(false)
    await redis.kill('SIGCONT')
    await becomes(true)
    expect(said()).to.deep.equal([AWAY, BACK])
  })

  it('notices a freeze while nobody uses it', async () => {
    const { queue, becomes } = viaProxy({ beat: 50, answer: 100 })
    await queue.start()
    await redis.kill('SIGSTOP')
    await becomes(false)
    await redis.kill('SIGCONT')
    await becomes(true)
  })

  it('survives the end of the connection that waits', async () => {
    const { queue } = viaProxy({ popWait: 10_000 })
    await queue.start()
    const waiting = queue.pop(['billing'])
    await queue.push('other', '9')
    await kill('task_api:pop')
    expect(await queue.push('billing', '1')).to.equal(true)
    expect((await waiting)?.id).to.equal('1')
    expect(said()).to.deep.equal([])
  })

  it('interrupts a pop that has not reached Redis yet', async () => {
    const { queue } = viaProxy({ popWait: 60_000, beat: 60_000 })
    await queue.start()
    proxy.freeze(1) // the connection for commands is the oldest, that of the pop comes next
    const waiting = queue.pop(['billing'])
    await new Promise(setImmediate)
    queue.interrupt()
    while (!(await admin.info('commandstats')).includes('client|unblock')) await new Promise(setImmediate)
    proxy.thaw()
    expect(await waiting).to.equal(undefined)
  })

  it('ends a half-open connection by its own deadline', async () => {
    const { queue, becomes } = viaProxy({ popGrace: 200, answer: 200, beat: 100 })
    await queue.start()
    const waiting = queue.pop(['billing'])
    await queue.push('other', '9')
    proxy.freeze()
    await becomes(false)
    await becomes(true)
    expect(await waiting).to.equal(undefined)
    expect(await queue.push('billing', '1')).to.equal(true)
    expect(await popUntilFound('billing')).to.equal('1')
  })

  it('serves its lists again after an answer that came too late', async () => {
    const { queue, becomes } = viaProxy({ answer: 100, beat: 60_000, pause: 400 })
    await queue.start()
    await Promise.all(['1', '2', '3'].map((id) => queue.push('billing', id)))
    const taken = queue.take('billing', 2)
    proxy.holdAnswers()
    expect(await taken).to.equal(0)
    proxy.thaw()
    await becomes(true)
    expect(await popUntilFound('billing')).to.equal('3')
  })

  it('loses no more than what Redis lost by FLUSHALL', async () => {
    const { queue } = viaProxy()
    await queue.start()
    await queue.push('other', '1')
    const waiting = queue.pop(['billing'])
    await admin.flushall()
    await queue.push('billing', '2')
    expect((await waiting)?.id).to.equal('2')
    expect(await queue.take('other', 1)).to.equal(0)
  })

  it('is not healthy while Redis takes no writes', async () => {
    const { queue, becomes } = viaProxy({ maxPause: 200 })
    await queue.start()
    for (const [refuse, accept] of [
      [
        ['REPLICAOF', '127.0.0.1', '1'],
        ['REPLICAOF', 'NO', 'ONE'],
      ],
      [
        ['CONFIG', 'SET', 'maxmemory', '1'],
        ['CONFIG', 'SET', 'maxmemory', '0'],
      ],
    ] as const) {
      await admin.call(refuse[0], refuse.slice(1))
      expect(await queue.push('billing', '1')).to.equal(false)
      expect(await queue.pop(['other'])).to.equal(undefined)
      expect(queue.healthy).to.equal(false)
      await admin.call(accept[0], accept.slice(1))
      await becomes(true)
      expect(await queue.push('billing', '1')).to.equal(true)
    }
    expect(said()).to.deep.equal([AWAY, BACK, AWAY, BACK])
    expect(watched.lines.map(({ reason }) => reason?.split(' ')[0])).to.include.members(['READONLY', 'OOM'])
  })

  it('leaves no socket and no timer behind, whatever state Redis is in', async () => {
    admin.disconnect()
    await once(admin, 'end')
    const before = open()
    for (const trouble of ['none', 'SIGSTOP', 'SIGKILL'] as const) {
      watched = watchedQueue(redis.url, { answer: 200, beat: 50 })
      const { queue, becomes } = watched
      await queue.start()
      const waiting = queue.pop(['billing'])
      const pushing = queue.push('billing', '1')
      if (trouble !== 'none') {
        await redis.kill(trouble)
        await becomes(false)
      }
      await queue.stop()
      await Promise.all([waiting, pushing])
      if (trouble === 'SIGSTOP') await redis.kill('SIGCONT')
    }
    while (open() > before) await new Promise(setImmediate)
  })
})
