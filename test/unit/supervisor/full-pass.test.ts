import { expect } from 'chai'
import sinon from 'sinon'
import { SERVICE_DEFAULTS } from '../../../src/core/service.ts'
import { TIMINGS } from '../../../src/core/timings.ts'
import type { Queue } from '../../../src/queue/port.ts'
import type { ClaimedRow } from '../../../src/store/claimed.ts'
import type { ClaimQuery } from '../../../src/store/claims.ts'
import type { Claims } from '../../../src/supervisor/claims.ts'
import { FullPass } from '../../../src/supervisor/full-pass.ts'
import { Lanes } from '../../../src/supervisor/lanes.ts'
import { silentLog } from '../../../src/telemetry/log.ts'

const states = { changed: () => {} }
const SERVICE = { ...SERVICE_DEFAULTS, name: 'svc', url: 'http://svc/' }

describe('full passes', () => {
  it('count what they begin for the turns of lower levels, once they know that several wait', async () => {
    const lanes = new Lanes(1_000, new Map([['svc', SERVICE]]), () => {})
    const begun: (number | undefined)[] = []
    const row = { service: 'svc', lost: false, level: 0, mark: 0, body: '{}' } as ClaimedRow
    const claim = async ({ wanted, look }: ClaimQuery): Promise<ClaimedRow[]> => {
      begun.push(wanted.get('svc')?.begun)
      look?.([{ service: 'svc', levels: 5, next: null }])
      if (begun.length < 4) pass.wake()
      else over()
      return Array.from({ length: 7 }, () => row)
    }
    let over = (): void => {}
    const done = new Promise<void>((resolve) => (over = resolve))
    const claims = { open: true, claim } as unknown as Claims
    const queue = { healthy: true } as Queue
    const pass = new FullPass({ claims, lanes, queue, states, alone: false, timings: TIMINGS, log: silentLog() })
    await pass.start()
    await done
    await pass.stop()
    expect(begun).to.deep.equal([undefined, 7, 4, 1])
  })

  it('after a long one only take over, each second, until it has been quiet for long enough', async () => {
    const clock = sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    const lanes = new Lanes(1_000, new Map([['svc', SERVICE]]), () => {})
    const passes: { at: number; levels: number | undefined; looked: boolean }[] = []
    const claim = async ({ wanted, look }: ClaimQuery, takesOver: boolean): Promise<ClaimedRow[]> => {
      expect(takesOver).to.equal(true)
      passes.push({ at: performance.now(), levels: wanted.get('svc')?.levels, looked: look !== undefined })
      await new Promise((resolve) => setTimeout(resolve, 300))
      return []
    }
    const claims = { open: true, claim } as unknown as Claims
    const pass = new FullPass({
      claims,
      lanes,
      states,
      alone: false,
      queue: { healthy: true } as Queue,
      timings: TIMINGS,
      log: silentLog(),
    })
    try {
      await pass.start()
      await clock.tickAsync(9_000)
      for (const [i, { at }] of passes.entries()) expect(at - (passes[i - 1]?.at ?? 0)).to.be.at.most(1_101)
      const looking = passes.filter(({ looked }) => looked)
      expect(looking.map(({ levels }) => levels)).to.deep.equal([7, 7])
      expect((looking[1]?.at ?? 0) - (looking[0]?.at ?? 0)).to.be.within(7_500, 8_601)
      for (const { levels, looked } of passes) if (!looked) expect(levels).to.equal(0)
    } finally {
      const stopped = pass.stop()
      await clock.tickAsync(1_000)
      await stopped
      clock.restore()
    }
  })
})
