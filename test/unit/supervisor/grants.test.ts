// Grants: when a lane asks again after it was told that as many requests are open as may be.
import { expect } from 'chai'
import { NO_TERMS } from '../../../src/core/limit.ts'
import type { Denial, Granted } from '../../../src/store/grants.ts'
import type { Claims } from '../../../src/supervisor/claims.ts'
import { Grants } from '../../../src/supervisor/grants.ts'
import { Lanes } from '../../../src/supervisor/lanes.ts'
import { silentLog } from '../../../src/telemetry/log.ts'
import { services } from './build.ts'

const nothing = (denied: Denial | null): Granted => ({
  rows: [],
  denied,
  wait: 0,
  seen: { service: 'svc', levels: 2, next: null },
})
const turns = async (): Promise<void> => {
  for (let i = 0; i < 5; i += 1) await new Promise((resolve) => setImmediate(resolve))
}

describe('a lane whose requests are granted', () => {
  let lanes: Lanes
  let grants: Grants
  /** Answers to what was asked, oldest first. */
  let asked: ((answer: Granted) => void)[]

  beforeEach(async () => {
    asked = []
    lanes = new Lanes(10, services({ svc: 10 }), () => grants.wake())
    const grant = (): Promise<Granted> => new Promise((resolve) => asked.push(resolve))
    grants = new Grants({ claims: { open: true, grant } as unknown as Claims, lanes, log: silentLog() })
    for (const lane of lanes.all) {
      lane.terms = { ...NO_TERMS, concurrency: 1 }
      lanes.admit(lane, 'granted')
    }
    await grants.start()
    await turns()
    lanes.began('svc')
  })
  afterEach(async () => {
    for (const answer of asked) answer(nothing('full'))
    await grants.stop()
  })

  it('asks again when a task has ended here, and not before', async () => {
    asked[0]?.(nothing('full'))
    await turns()
    expect(asked).to.have.length(1)
    lanes.ended('svc', true)
    await turns()
    expect(asked).to.have.length(2)
  })

  it('asks again where a task ended here while Postgres counted', async () => {
    lanes.ended('svc', true)
    await turns()
    asked[0]?.(nothing('full'))
    await turns()
    expect(asked).to.have.length(2)
  })
})
