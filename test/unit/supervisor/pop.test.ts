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
  let come: (popped: Popped[]) => void

  beforeEach(async () => {
    healthy = true
    takes = 0
    const queue = {
      get healthy() {
        return healthy
      },
      pop: () => new Promise<Popped[]>((resolve) => (come = resolve)),
      take: () => {
        takes += 1
        return Promise.resolve([])
      },
      interrupt: () => come([]),
    }
    const intake = { open: true, offer: () => {} }
    pop = new Pop({
      queue: queue as unknown as Queue,
      intake: intake as unknown as Intake,
      services: ['svc'],
      room: () => 5,
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
})
