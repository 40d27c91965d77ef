// The audit: how often it looks at all that names this node.
import { expect } from 'chai'
import sinon from 'sinon'
import { TIMINGS } from '../../../src/core/timings.ts'
import { Trust, trustBuffer } from '../../../src/core/trust.ts'
import { Audit, type AuditDependencies } from '../../../src/supervisor/audit.ts'
import { Lanes } from '../../../src/supervisor/lanes.ts'
import { RunningTasks } from '../../../src/supervisor/running.ts'
import { silentLog } from '../../../src/telemetry/log.ts'

describe('the audit', () => {
  let clock: sinon.SinonFakeTimers
  beforeEach(() => (clock = sinon.useFakeTimers({ toFake: ['performance'] })))
  afterEach(() => clock.restore())

  /** An audit whose looks each take so long, ms; counts them. */
  function audited(took: number): { run(after: number): Promise<number> } {
    let looks = 0
    const store = {
      standing: async () => [],
      holdings: async () => {
        looks += 1
        clock.tick(took)
        return []
      },
    } as unknown as AuditDependencies['store']
    const lease = { node: 'me' } as AuditDependencies['lease']
    const dispatch = {} as AuditDependencies['dispatch']
    const running = new RunningTasks(new Lanes(10, new Map(), () => {}), () => {})
    const log = silentLog()
    const audit = new Audit({ store, running, lease, trust: new Trust(trustBuffer()), dispatch, timings: TIMINGS, log })
    return {
      run: async (after) => {
        clock.tick(after)
        await audit.run()
        return looks
      },
    }
  }

  it('looks once in a lease where that is quick', async () => {
    const { run } = audited(10)
    expect(await run(0)).to.equal(1)
    expect(await run(TIMINGS.lease - 1)).to.equal(1)
    expect(await run(1)).to.equal(2)
  })

  it('looks less often where that is slow, and at the least every 30 s', async () => {
    const [slow, slowest] = [audited(400), audited(3_000)]
    expect([await slow.run(0), await slow.run(19_000), await slow.run(1_000)]).to.deep.equal([1, 1, 2])
    expect([await slowest.run(0), await slowest.run(29_000), await slowest.run(1_000)]).to.deep.equal([1, 1, 2])
  })
})
