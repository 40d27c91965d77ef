// The API given bad input where it asks for keys: with a key all is as without keys, and without one nothing is created.
import { expect } from 'chai'
import { Ground } from './ground.ts'
import { mixed } from './strangers.ts'
import { PATIENCE } from './tally.ts'
import { targets } from './targets.ts'

const SEED = Number(process.env['HOSTILE_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
/** Bodies with a key; twice as many requests have none. */
const BODIES = 700

describe('the API with keys, given bad input', function () {
  const ground = new Ground({ keyed: true })
  before(() => ground.start())
  after(async () => {
    await ground.stop()
    console.log(`      ${ground.tally.line()}`)
  })

  describe('ids and queries', () => targets(ground))

  it(`takes what comes with its key, and nothing else (seed ${SEED})`, () => mixed(ground, SEED, BODIES))

  it('answers no request with 5xx, and each within a second', async () => {
    expect(ground.tally.faults).to.deep.equal([])
    for (const { what, again } of ground.tally.late)
      expect(Math.min(await again(), await again(), await again()), what).to.be.below(PATIENCE)
    expect(ground.complaints).to.deep.equal([])
  })
})
