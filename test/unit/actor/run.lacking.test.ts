import { expect } from 'chai'
import { Rig } from './rig.ts'

const LACKING = { kind: 'lacking', detail: 'memory, ENOMEM' } as const
/** The shortest wait, as chance is 0. */
const WAIT = 2_500

describe('an actor whose node lacks what the request needs', () => {
  let rig: Rig
  afterEach(() => rig.close())

  it('keeps its slot for a while, then parks without counting the try, due at once', async () => {
    rig = await Rig.open({ task: { step: 1, attempt: 2, fails: 19 } })
    await rig.land(LACKING)
    await rig.pass(WAIT - 1)
    expect(rig.reports).to.deep.equal([])
    await rig.pass(1)
    expect(rig.told).to.deep.include({ kind: 'park', step: 1, attempt: 2, wait: 0, uncounted: true })
    expect(rig.told).to.have.nested.property('failure.code', 'service_unavailable')
    expect([rig.over, rig.requests.length, rig.timers]).to.deep.equal([true, 1, 0])
  })

  it('parks at once where the node drains', async () => {
    rig = await Rig.open()
    await rig.land(LACKING)
    await rig.drain()
    expect(rig.told).to.include({ kind: 'park', uncounted: true })
    expect([rig.over, rig.timers]).to.deep.equal([true, 0])
  })

  it('says nothing where it is stopped meanwhile', async () => {
    rig = await Rig.open()
    await rig.land(LACKING)
    await rig.stop()
    expect([rig.told, rig.over, rig.timers]).to.deep.equal([undefined, true, 0])
  })

  it('waits no longer than to its deadline', async () => {
    rig = await Rig.open({ task: { age: 4_500 }, service: { deadline: 5_000 } })
    await rig.land(LACKING)
    await rig.pass(500)
    expect(rig.told).to.include({ kind: 'park', uncounted: true })
  })
})
