import { expect } from 'chai'
import { Hands, type Held } from '../../../src/supervisor/hands.ts'
import { Hints } from '../../../src/supervisor/hints.ts'
import { silentLog } from '../../../src/telemetry/log.ts'
import { aHeld, services } from './build.ts'

describe('a hint that proves true', () => {
  it('holds also for a claim that is in flight when Postgres says so: it may have been applied before', async () => {
    const hands = new Hands(10, services({ billing: 10 }), () => {})
    const held = aHeld()
    hands.add(held)
    const stopped = new Promise<Held>((resolve) => {
      const standing = async (): Promise<[]> => {
        hands.sent(9)
        return []
      }
      const hints = new Hints({
        store: { standing },
        hands,
        epoch: () => 1,
        stop: (one) => {
          hints.end()
          resolve(one)
        },
        confirm: () => {},
        log: silentLog(),
      })
      hints.heard(held.id)
    })
    expect(await stopped).to.equal(held)
    const { hinted } = hands.answered(9)
    expect([hinted(held.id), hinted('2')]).to.deep.equal([true, false])
  })
})
