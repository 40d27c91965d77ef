// What both adapters of the queue promise, asked of each.
import { expect } from 'chai'
import { MemoryQueue } from '../../src/queue/memory.ts'
import type { Queue } from '../../src/queue/port.ts'
import { RedisQueue } from '../../src/queue/redis.ts'
import { silentLog } from '../../src/telemetry/log.ts'
import { startRedis } from '../support/redis.ts'

const range = (from: number, count: number): string[] => Array.from({ length: count }, (_, at) => String(from + at))
const POP_WAIT = 200

let redis: Awaited<ReturnType<typeof startRedis>>
let prefixes = 0

const ADAPTERS: Record<string, (popWait: number) => Queue> = {
  memory: (popWait) => new MemoryQueue({ popWait }),
  redis: (popWait) =>
    new RedisQueue({ url: redis.url, prefix: `contract${++prefixes}:`, log: silentLog(), times: { popWait } }),
}

for (const [kind, make] of Object.entries(ADAPTERS)) {
  describe(`the ${kind} queue`, () => {
    let queue: Queue

    const pushAll = async (service: string, all: readonly string[]): Promise<void> => {
      expect(await Promise.all(all.map((id) => queue.push(service, id)))).not.to.include(false)
    }

    before(async () => {
      if (kind === 'redis') redis = await startRedis()
    })
    after(async () => {
      if (kind === 'redis') await redis.stop()
    })
    beforeEach(async () => {
      queue = make(POP_WAIT)
      await queue.start()
    })
    afterEach(() => queue.stop())

    it('names itself and is healthy once it has started', () => {
      expect(queue).to.include({ kind, healthy: true })
    })

    it('gives ids back in the order in which they came', async () => {
      await pushAll('billing', range(1, 300))
      const got: string[] = []
      for (let i = 0; i < 300; i += 1) got.push((await queue.pop(['billing']))?.id ?? '')
      expect(got).to.deep.equal(range(1, 300))
      expect(await queue.take('billing', 1)).to.equal(0)
    })

    it('takes no more than asked for, the oldest first, and tells how many', async () => {
      await pushAll('billing', ['1', '2', '3'])
      expect(await queue.take('billing', 2)).to.equal(2)
      expect(await queue.pop(['billing'])).to.deep.equal({ service: 'billing', id: '3' })
      await pushAll('billing', range(1, 3000))
      expect(await queue.take('billing', 5000)).to.equal(3000)
    })

    it('pops one id at a time', async () => {
      await pushAll('billing', ['1', '2'])
      expect(await queue.pop(['billing'])).to.deep.equal({ service: 'billing', id: '1' })
      expect(await queue.pop(['billing'])).to.deep.equal({ service: 'billing', id: '2' })
    })

    it('keeps a list for each of many services', async () => {
      const services = range(1, 100).map((number) => `service-${number}`)
      await Promise.all(services.map((service, at) => queue.push(service, String(at + 1))))
      const got = new Map<string, string>()
      while (got.size < 100) {
        const popped = await queue.pop(services)
        if (popped) got.set(popped.service, popped.id)
      }
      expect([...got].every(([service, id]) => service === `service-${id}`)).to.equal(true)
      expect(await queue.take('service-1', 9)).to.equal(0)
    })

    it('looks at the lists in the order given', async () => {
      for (const service of ['a', 'b', 'c']) await pushAll(service, ['1', '2'])
      for (const services of ['bca', 'cab', 'abc']) {
        const popped = await queue.pop(services.split(''))
        expect(popped?.service).to.equal(services[0])
      }
    })

    it('leaves lists alone that were not asked for', async () => {
      await pushAll('b', ['1'])
      expect(await queue.pop(['a'])).to.equal(undefined)
      expect(await queue.take('b', 1)).to.equal(1)
    })

    it('waits for an id, and not for ever', async () => {
      for (const services of [['a', 'b'], []]) {
        const begun = performance.now()
        expect(await queue.pop(services)).to.equal(undefined)
        expect(performance.now() - begun).to.be.within(POP_WAIT * 0.9, POP_WAIT * 4)
      }
    })

    it('wakes a waiting pop with what is pushed', async () => {
      const patient = make(60_000)
      await patient.start()
      const popped = patient.pop(['a', 'b'])
      await patient.push('b', '7')
      expect(await popped).to.deep.equal({ service: 'b', id: '7' })
      expect(await patient.take('b', 5)).to.equal(0)
      await patient.stop()
    })

    it('ends a waiting pop when interrupted or stopped', async () => {
      const patient = make(60_000)
      await patient.start()
      const interrupted = patient.pop(['a'])
      patient.interrupt()
      expect(await interrupted).to.equal(undefined)
      const nothingToDo = patient.pop([])
      patient.interrupt()
      expect(await nothingToDo).to.equal(undefined)
      const stopped = patient.pop(['a'])
      await patient.stop()
      expect(await stopped).to.equal(undefined)
    })

    it('does not let an interrupt end the next pop', async () => {
      queue.interrupt()
      const popped = queue.pop(['a'])
      await queue.push('a', '1')
      expect((await popped)?.id).to.equal('1')
    })

    it('loses no id when pushes and interrupts race', async () => {
      let got = 0
      for (let at = 0; at < 400; at += 1) {
        const popped = queue.pop(['a', 'b'])
        if (at % 3 === 0) await new Promise(setImmediate)
        const pushed = queue.push(at % 2 ? 'a' : 'b', String(at + 1))
        for (let turn = 0; turn < at % 5; turn++) await new Promise(setImmediate)
        queue.interrupt()
        if (await popped) got += 1
        expect(await pushed).to.equal(true)
      }
      for (const service of ['a', 'b']) got += await queue.take(service, 1000)
      expect(got).to.equal(400)
    })

    it('takes cancel notices to the listener of that node only, under its latest name', async () => {
      const heard: string[] = []
      const hears = (id: string): Promise<void> =>
        new Promise((resolve) => {
          queue.listen('node-1', (got) => {
            heard.push(got)
            if (got === id) resolve()
          })
        })
      const first = hears('3')
      queue.notify('node-2', '2')
      queue.notify('node-1', '3')
      await first
      const second = new Promise<void>((resolve) => {
        queue.listen('node-9', (id) => resolve(void heard.push(id)))
      })
      queue.notify('node-1', '4')
      queue.notify('node-9', '5')
      await second
      expect(heard).to.deep.equal(['3', '5'])
    })

    it('starts and stops as often as one likes', async () => {
      const other = make(POP_WAIT)
      await other.stop()
      for (let turn = 0; turn < 50; turn++) {
        await Promise.all([other.start(), other.start()])
        expect(other.healthy).to.equal(true)
        if (turn % 2) void other.pop(['a'])
        await Promise.all([other.stop(), other.stop()])
      }
      await other.start()
      expect(await other.push('a', '1')).to.equal(true)
      expect((await other.pop(['a']))?.id).to.equal('1')
      await other.stop()
    })

    it('refuses everything, quietly, before its start and after its stop', async () => {
      const idle = make(60_000)
      await queue.stop()
      for (const off of [idle, queue]) {
        expect(await off.push('a', '1')).to.equal(false)
        expect(await off.pop(['a'])).to.equal(undefined)
        expect(await off.take('a', 1)).to.equal(0)
        off.notify('node-1', '1')
        off.interrupt()
      }
    })
  })
}

describe('the memory queue, when it is full', () => {
  it('refuses what does not fit, and takes ids again once there is room', async () => {
    const queue = new MemoryQueue()
    await queue.start()
    const pushed = await Promise.all(range(1, 100_001).map((id) => queue.push(Number(id) % 2 ? 'a' : 'b', id)))
    expect(pushed.indexOf(false)).to.equal(100_000)
    expect(await queue.take('b', 1)).to.equal(1)
    expect(await queue.push('a', '5')).to.equal(true)
    expect(await queue.push('a', '6')).to.equal(false)
    expect((await queue.take('a', 100_000)) + (await queue.take('b', 100_000))).to.equal(100_000)
    await queue.stop()
  })
})
