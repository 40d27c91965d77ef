import { expect } from 'chai'
import type { Popped, Queue } from '../../../src/queue/port.ts'
import type { Intake } from '../../../src/supervisor/intake.ts'
import { Pop } from '../../../src/supervisor/pop.ts'
import { silentLog } from '../../../src/telemetry/log.ts'
import { eventually } from '../../support/eventually.ts'

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
    await eventually(() => expect(takes).to.equal(before + 1))
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
    beforeEach(() => (list = ['2', '3', '4', '5', '6', '7']))

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
      room = 5
      pop.freed('svc')
      await new Promise(setImmediate)
      await taken()
      expect(list).to.deep.equal([])
      expect(pop.supplies('svc')).to.equal(false)
    })

    it('but not when the blocked pop has waited at its list without an answer', async () => {
      await taken()
      list = []
      room = 1
      pop.freed('svc')
      await new Promise(setImmediate)
      expect(takes, 'asked by the blocked pop alone').to.equal(1)
      await eventually(() => expect(pop.supplies('svc')).to.equal(false))
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
      room = 1
      pop.freed('svc')
      await new Promise(setImmediate)
      come([])
      await new Promise(setImmediate)
      expect(pop.supplies('svc')).to.equal(false)
    })

    it('but not when it came back with what stands behind its list', async () => {
      await taken()
      list = []
      room = 2
      pop.freed('svc')
      await new Promise(setImmediate)
      if (named[0] === 'other') {
        come([{ service: 'other', id: '8' }])
        await eventually(() => expect(named[0]).to.equal('svc'))
        expect(pop.supplies('svc'), 'before it').to.equal(true)
      }
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
