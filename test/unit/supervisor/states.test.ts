// What a node makes of the states of services: its own gates and what it has read, whichever came last.
import { expect } from 'chai'
import sinon from 'sinon'
import { SERVICE_DEFAULTS, type Services } from '../../../src/core/service.ts'
import type { Ends, ServiceState } from '../../../src/store/service-states.ts'
import { Lanes } from '../../../src/supervisor/lanes.ts'
import { States } from '../../../src/supervisor/states.ts'
import { silentLog } from '../../../src/telemetry/log.ts'

const NOTHING: ServiceState = {
  service: 'svc',
  pausedAt: null,
  pausedBy: null,
  reason: null,
  gatedFor: null,
  gatedBy: null,
  limit: null,
  failedInRow: 0,
}

describe('the states of services', () => {
  let clock: sinon.SinonFakeTimers
  let lanes: Lanes
  let states: States
  let rows: ServiceState[]
  /** What was written, in words; each write waits for `answer`. */
  let written: string[]
  let counted: Ends[]
  let answer: () => void
  let refuse: () => void
  let told: string[]

  beforeEach(() => {
    clock = sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    const services: Services = new Map([
      ['svc', { ...SERVICE_DEFAULTS, name: 'svc', url: 'http://svc/', pauseAfter: 3 }],
    ])
    lanes = new Lanes(10, services, () => {})
    ;[rows, written, counted, told] = [[], [], [], []]
    const write = (text: string): Promise<string[]> => {
      written.push(text)
      return new Promise((resolve, reject) => {
        answer = () => resolve(['me', 'other'])
        refuse = () => reject(new Error('away'))
      })
    }
    const store = {
      states: {
        read: async () => rows,
        gate: (service: string, ms: number) => write(`gate ${service} ${ms}`),
        open: (service: string) => write(`open ${service}`),
        count: (ends: readonly Ends[]) => {
          counted.push(...ends)
          return write('count')
        },
      },
    }
    const queue = { notify: (node: string, notice: string) => void told.push(`${node} ${notice}`) }
    states = new States({ store: store as never, queue, lanes, services, log: silentLog() })
  })
  afterEach(() => {
    states.stop()
    clock.restore()
  })

  const admission = () => lanes.of('svc')?.admission
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

  it('are read once more where a notice came while they were read, or a moment later', async () => {
    states.changed()
    await turn()
    expect(admission()).to.equal('all')
    rows = [{ ...NOTHING, pausedAt: '2026-01-01T00:00:00Z' }]
    states.changed()
    await turn()
    expect(admission()).to.equal('all')
    await clock.tickAsync(50)
    expect(admission()).to.equal('none')
    rows = []
    await clock.tickAsync(1_000)
    expect(admission(), 'nobody has asked again').to.equal('none')
    states.changed()
    await turn()
    expect(admission()).to.equal('all')
  })

  it('admit none of a paused service, and all again when it is resumed', async () => {
    rows = [{ ...NOTHING, pausedAt: '2026-01-01T00:00:00Z' }]
    await states.read()
    expect(admission()).to.equal('none')
    rows = []
    await states.read()
    expect(admission()).to.equal('all')
  })

  it('take a limit that was set in place of the file', async () => {
    rows = [{ ...NOTHING, limit: { concurrency: 3 } }]
    await states.read()
    expect([admission(), lanes.of('svc')?.terms.concurrency]).to.deep.equal(['granted', 3])
  })

  it('close a gate at once, tell all nodes when it is written, and let one request go alone behind it', async () => {
    states.gate('svc', 1_000, '503')
    expect(admission()).to.equal('none')
    // A read that began before the gate was written says nothing of it.
    await states.read()
    expect(admission()).to.equal('none')
    answer()
    await turn()
    expect([written, told]).to.deep.equal([['gate svc 1000'], ['me services', 'other services']])
    rows = [{ ...NOTHING, gatedFor: 1_000, gatedBy: '503' }]
    await states.read()
    clock.tick(999)
    expect(admission()).to.equal('none')
    clock.tick(2)
    expect(admission()).to.equal('granted')
  })

  it('close a gate for longer only where a later answer asks for more', async () => {
    states.gate('svc', 1_000, '503')
    states.gate('svc', 1_000, '503')
    states.gate('svc', 2_000, '429')
    expect(written).to.deep.equal(['gate svc 1000', 'gate svc 2000'])
  })

  it('keep a gate that could not be written, and write it again after the next beat', async () => {
    states.gate('svc', 5_000, '503')
    refuse()
    await turn()
    clock.tick(1_000)
    await states.read()
    expect(admission()).to.equal('none')
    states.beaten()
    states.beaten()
    expect(written).to.deep.equal(['gate svc 5000', 'gate svc 4000'])
    answer()
    await turn()
    await states.read()
    expect(admission()).to.equal('all')
  })

  it('open a gate by the answer to the request that went alone, and by no answer before', async () => {
    states.gate('svc', 1_000, '503')
    states.answered('svc')
    clock.tick(1_001)
    states.answered('svc')
    expect(written).to.deep.equal(['gate svc 1000', 'open svc'])
  })

  it('believe of two reads the one that began later', async () => {
    const reads: ((answer: ServiceState[]) => void)[] = []
    const read = () => new Promise<ServiceState[]>((resolve) => reads.push(resolve))
    states = new States({
      store: { states: { read } } as never,
      queue: { notify: () => {} },
      lanes,
      services: new Map(),
      log: silentLog(),
    })
    const first = states.read()
    clock.tick(1)
    const second = states.read()
    reads[1]?.([{ ...NOTHING, pausedAt: '2026-01-01T00:00:00Z' }])
    await second
    reads[0]?.([])
    await first
    expect(admission()).to.equal('none')
  })

  it('count failed ends since the last complete one', () => {
    for (const failure of ['a', undefined, 'b', 'c']) states.ended('svc', failure)
    states.beaten()
    const [ends] = counted
    expect([ends?.failed, ends?.completed, ends?.most, ends?.reason]).to.deep.equal([2, true, 3, 'c'])
    states.beaten()
    expect(counted).to.have.length(1)
  })
})
