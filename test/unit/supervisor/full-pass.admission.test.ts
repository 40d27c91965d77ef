// Full passes over services that do not admit every request: they take over, and claim nothing else.
import { expect } from 'chai'
import type { Admission } from '../../../src/core/admission.ts'
import { TIMINGS } from '../../../src/core/timings.ts'
import type { Queue } from '../../../src/queue/port.ts'
import type { ClaimedRow } from '../../../src/store/claimed.ts'
import type { ClaimQuery } from '../../../src/store/claims.ts'
import type { Claims } from '../../../src/supervisor/claims.ts'
import { FullPass } from '../../../src/supervisor/full-pass.ts'
import { Lanes } from '../../../src/supervisor/lanes.ts'
import { silentLog } from '../../../src/telemetry/log.ts'
import { services } from './build.ts'

/** Which levels a pass asks for, as bits; 0: it only takes over. */
async function levelsAsked(admission: Admission): Promise<number | undefined> {
  const lanes = new Lanes(10, services({ svc: 10 }), () => {})
  for (const lane of lanes.all) lanes.admit(lane, admission)
  let heard = (_query: ClaimQuery): void => {}
  const asked = new Promise<ClaimQuery>((resolve) => (heard = resolve))
  const claim = async (query: ClaimQuery): Promise<ClaimedRow[]> => {
    heard(query)
    return []
  }
  const pass = new FullPass({
    claims: { open: true, claim } as unknown as Claims,
    lanes,
    queue: { healthy: true } as Queue,
    states: { changed: () => {} },
    alone: false,
    timings: TIMINGS,
    log: silentLog(),
  })
  await pass.start()
  const { wanted } = await asked
  await pass.stop()
  return wanted.get('svc')?.levels
}

describe('a full pass', () => {
  it('asks for every level where all requests may begin', async () => expect(await levelsAsked('all')).to.equal(7))
  it('only takes over where requests are granted', async () => expect(await levelsAsked('granted')).to.equal(0))
  it('only takes over where none may begin', async () => expect(await levelsAsked('none')).to.equal(0))
})
