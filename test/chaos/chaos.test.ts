// A short run of the mix of all faults: three nodes, their own Postgres and Redis, and the judge. `npm run test:chaos` is the long form.
import { FAULTS } from './faults/all.ts'
import { mix } from './mix.ts'

// A seed whose half minute meets as many kinds of faults as it can.
const { CHAOS_SEED = '34' } = process.env
const MINUTES = 0.5

describe('three nodes under all faults', () => {
  it(`lose nothing and keep every promise (CHAOS_SEED=${CHAOS_SEED})`, async function () {
    this.timeout(180_000)
    const lines: string[] = []
    try {
      await mix({
        seed: Number(CHAOS_SEED),
        scale: 5,
        minutes: MINUTES,
        faults: FAULTS,
        log: (text) => lines.push(text),
      })
    } catch (error) {
      console.log(lines.join('\n'))
      throw error
    }
  })
})
