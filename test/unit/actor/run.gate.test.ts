// An actor whose service asks for rest: its try does not count, and the gate of the service closes.
import { expect } from 'chai'
import { type Service, SERVICE_DEFAULTS } from '../../../src/core/service.ts'
import { Rig } from './rig.ts'

describe('an actor whose service asks for rest', () => {
  let rig: Rig
  afterEach(() => rig.close())

  const refused = async (service: Partial<Service>, status = 503, retryAfter: number | undefined = 2_000) => {
    rig = await Rig.open({ service })
    await rig.land({ kind: 'answer', status, retryAfter, body: { kind: 'empty', text: '' } })
    return rig.told
  }

  for (const status of [429, 503])
    it(`parks its task without counting the try, and closes the gate, after ${status}`, async () => {
      const told = await refused({ gate: true }, status)
      expect(told).to.include({ kind: 'park', wait: 2_000, uncounted: true, gates: true })
    })

  it('counts the try where the service has no gate', async () => {
    const told = await refused({})
    expect(told).to.include({ kind: 'park', wait: 2_000 }).and.not.have.any.keys('uncounted', 'gates')
  })

  it('closes no gate without a time, or by another failure', async () => {
    for (const [status, wait] of [
      [503, 0],
      [502, 2_000],
    ] as const) {
      const retry = { ...SERVICE_DEFAULTS.retry, backoff: 5_000 }
      expect(await refused({ gate: true, retry }, status, wait)).to.not.have.property('gates')
      rig.close()
    }
  })
})
