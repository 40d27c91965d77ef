import { expect } from 'chai'
import { Trust, trustBuffer } from '../../../src/core/trust.ts'
import type { ClaimedRow, Popped } from '../../../src/store/claims.ts'
import type { Store } from '../../../src/store/store.ts'
import type { Dispatch } from '../../../src/supervisor/dispatch.ts'
import { Intake, MOST_SWEPT, type Swept } from '../../../src/supervisor/intake.ts'
import { Hands } from '../../../src/supervisor/hands.ts'
import type { Lease } from '../../../src/supervisor/lease.ts'
import { silentLog } from '../../../src/telemetry/log.ts'
import { eventually } from '../../support/eventually.ts'
import { services } from './build.ts'

describe('intake', () => {
  /** What each claim brings. */
  let rows: ClaimedRow[]
  let claims: number
  let intake: Intake

  beforeEach(() => {
    claims = 0
    const answer = (): Promise<ClaimedRow[]> => {
      claims += 1
      return Promise.resolve(rows)
    }
    intake = new Intake({
      store: { healthy: true, claimDue: answer, claimIds: answer } as unknown as Store,
      queue: { push: () => Promise.resolve(true) },
      hands: new Hands(1_000, services({ svc: 1_000 }), () => undefined),
      lease: { node: 'me', mayClaim: true, takesOver: false, until: 'infinity' } as unknown as Lease,
      trust: new Trust(trustBuffer()),
      dispatch: { accept() {} } as unknown as Dispatch,
      hinted() {},
      log: silentLog(),
    })
  })

  const row = (more: Partial<ClaimedRow> = {}): ClaimedRow => ({
    id: '1',
    key: 'k',
    service: 'svc',
    action: 'act',
    body: '{}',
    step: 0,
    attempt: 1,
    fails: 0,
    repeats: 0,
    crashes: 0,
    age: 0,
    failed: false,
    lost: false,
    ...more,
  })

  describe('of a sweep', () => {
    const sweep = async (room: Record<string, number>, limit = 100): Promise<Record<keyof Swept, string[]>> => {
      const swept = await intake.sweep({ room: new Map(Object.entries(room)), limit, grace: 0, parkedGrace: 0 })
      return { filled: [...swept.filled], unannounced: [...swept.unannounced] }
    }

    for (const [what, room, limit, filled] of [
      ['nobody where all had room for more', { svc: 3, other: 2 }, 100, []],
      ['those that had room for no more', { svc: 2, other: 2 }, 100, ['svc']],
      ['all where it had no room for more in all', { svc: 3, other: 2 }, 2, ['svc', 'other']],
    ] as const)
      it(`has filled ${what}`, async () => {
        rows = [row(), row({ id: '2' })]
        expect(await sweep(room, limit)).to.deep.equal({ filled, unannounced: [] })
      })

    for (const [what, more] of [
      ['parked behind a step', { step: 1 }],
      ['parked behind a try, or given back', { attempt: 2 }],
      ['lost with its node', { lost: true }],
    ] as const)
      it(`tells that no list announces what had been ${what}`, async () => {
        rows = [row(), row(more)]
        expect(await sweep({ svc: 5, other: 5 })).to.deep.equal({ filled: [], unannounced: ['svc'] })
      })
  })

  describe('of popped ids', () => {
    const pop = async (count: number): Promise<void> => {
      const before = claims
      intake.offer(Array.from({ length: count }, (_, i): Popped => ({ service: 'svc', id: String(i) })))
      await eventually(() => expect(claims).to.equal(before + 1))
      await new Promise(setImmediate)
    }

    it('counts those that are being claimed', async () => {
      rows = []
      const popping = pop(7)
      expect([intake.coming('svc'), intake.coming('other')]).to.deep.equal([7, 0])
      await popping
      expect(intake.coming('svc')).to.equal(0)
    })

    it('calls a list barren that brings more in a row which cannot be claimed than a pass of the sweep takes', async () => {
      rows = []
      await pop(MOST_SWEPT)
      expect(intake.barren('svc')).to.equal(false)
      await pop(1)
      expect(intake.barren('svc')).to.equal(true)
      expect(intake.barren('other')).to.equal(false)
    })

    it('until one can be claimed', async () => {
      rows = []
      await pop(MOST_SWEPT + 1)
      rows = [row()]
      await pop(10)
      expect(intake.barren('svc')).to.equal(false)
    })
  })
})
