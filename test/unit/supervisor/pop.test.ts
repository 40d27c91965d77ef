import { expect } from 'chai'
import { type SinonFakeTimers, useFakeTimers } from 'sinon'
import type { Popped, Queue } from '../../../src/queue/port.ts'
import type { Intake } from '../../../src/supervisor/intake.ts'
import { Pop } from '../../../src/supervisor/pop.ts'
import { silentLog } from '../../../src/telemetry/log.ts'

describe('pop', () => {
  let pop: Pop
  let healthy: boolean
  let takes: number
  let room: number
  /** What the list has. */
  let list: string[]
  /** The lists at which the blocked pop waits. */
  let named: readonly string[]
  let come: (popped: Popped[]) => void

  beforeEach(async () => {
    healthy = true
    takes = 0
    room = 5
    list = []
    const queue = {
      get healthy() {
        return healthy
      },
      pop: (services: readonly string[]) => {
        named = services
        return new Promise<Popped[]>((resolve) => (come = resolve))
      },
      take: (service: string, count: number) => {
        takes += 1
        return Promise.resolve(list.splice(0, count).map((id) => ({ service, id })))
      },
      interrupt: () => come([]),
    }
    const offer = (popped: readonly Popped[]): void => void (room -= popped.length)
    const intake = { open: true, offer }
    pop = new Pop({
      queue: queue as unknown as Queue,
      intake: intake as unknown as Intake,
      services: ['svc', 'other'],
      room: () => room,
      limit: () => 10,
      log: silentLog(),
    })
    await pop.start()
  })
  afterEach(() => pop.stop())

  /** An id has come, and the rest of its list was asked for. */
  const taken = async (): Promise<void> => {
    const before = takes
    come([{ service: 'svc', id: '1' }])
    while (takes === before) await new Promise(setImmediate)
    await new Promise(setImmediate)
  }

  it('takes a list for empty when it had less than was asked for', async () => {
    expect(pop.drained('svc')).to.equal(false)
    await taken()
    expect(pop.drained('svc')).to.equal(true)
  })

  it('takes no list for empty that could not be asked', async () => {
    healthy = false
    await taken()
    healthy = true
    expect(pop.drained('svc')).to.equal(false)
  })

  it('takes no list for empty because nothing came while it waited: it may not have been asked', async () => {
    come([])
    await new Promise(setImmediate)
    expect(pop.drained('svc')).to.equal(false)
  })

  describe('supplies a service', () => {
    let clock: SinonFakeTimers
    beforeEach(() => {
      list = ['2', '3', '4', '5', '6', '7']
      clock = useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    })
    afterEach(() => clock.restore())

    /** So many slots are free: the blocked pop names the list. */
    const free = async (slots: number): Promise<void> => {
      room = slots
      pop.freed('svc')
      await new Promise(setImmediate)
    }

    it('whose list had as many ids as there was room for', async () => {
      expect(pop.supplies('svc')).to.equal(false)
      await taken()
      expect({ room, left: list.length }).to.deep.equal({ room: 0, left: 2 })
      expect(pop.supplies('svc')).to.equal(true)
    })

    it('but not one whose list had less', async () => {
      list = ['2']
      await taken()
      expect(pop.supplies('svc')).to.equal(false)
    })

    it('until its list has less', async () => {
      await taken()
      await free(5)
      await taken()
      expect(list).to.deep.equal([])
      expect(pop.supplies('svc')).to.equal(false)
    })

    it('but not when the blocked pop has waited at its list without an answer', async () => {
      await taken()
      list = []
      await free(1)
      expect(takes, 'asked by the blocked pop alone').to.equal(1)
      clock.tick(49)
      expect(pop.supplies('svc'), 'the answer may be on its way').to.equal(true)
      clock.tick(1)
      expect(pop.supplies('svc')).to.equal(false)
    })

    it('from the first id that was asked for alone', async () => {
      room = 1
      come([{ service: 'svc', id: '1' }])
      await new Promise(setImmediate)
      expect(room).to.equal(0)
      expect(pop.supplies('svc')).to.equal(true)
    })

    it('but not when the blocked pop came back with nothing', async () => {
      await taken()
      await free(1)
      come([])
      await new Promise(setImmediate)
      expect(pop.supplies('svc')).to.equal(false)
    })

    it('but not when it came back with what stands behind its list', async () => {
      await taken()
      list = []
      await free(2)
      expect(named).to.deep.equal(['other', 'svc'])
      come([{ service: 'other', id: '8' }])
      while (named[0] === 'other') await new Promise(setImmediate)
      expect(pop.supplies('svc'), 'when that stood before it').to.equal(true)
      come([{ service: 'other', id: '9' }])
      await new Promise(setImmediate)
      expect(pop.supplies('svc')).to.equal(false)
    })

    it('but not when the queue cannot be reached', async () => {
      await taken()
      healthy = false
      expect(pop.supplies('svc')).to.equal(false)
    })
  })
})
