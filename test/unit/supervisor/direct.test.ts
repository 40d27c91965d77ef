// The conditions of a direct hand-over that have to do with what a service admits.
import { expect } from 'chai'
import type { Admission } from '../../../src/core/admission.ts'
import { type DirectDependencies, reserve } from '../../../src/supervisor/direct.ts'
import { Lanes } from '../../../src/supervisor/lanes.ts'
import { services } from './build.ts'

/** Whether a task is handed over directly, where nothing else speaks against it. */
function isDirect(admission: Admission): boolean {
  const lanes = new Lanes(10, services({ svc: 10 }), () => {})
  const [lane] = lanes.all
  if (!lane) throw new Error('there is no lane')
  lanes.admit(lane, admission)
  Object.assign(lane, { empty: true, more: false })
  const claims = { open: true, send: () => ({ node: 'me', token: 1, epoch: 1 }) }
  const running = { size: 0, inFlight: { size: 0 } }
  const by = { lanes, claims, running, queue: { healthy: true }, store: { looking: false } }
  return reserve(by as unknown as DirectDependencies, 'svc') !== undefined
}

describe('a task that nobody waits before', () => {
  it('is handed over directly where all requests may begin', () => expect(isDirect('all')).to.equal(true))
  it('waits for its grant where requests are granted', () => expect(isDirect('granted')).to.equal(false))
  it('waits where none may begin', () => expect(isDirect('none')).to.equal(false))
})
