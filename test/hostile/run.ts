// The long run of bad input: `npm run test:hostile -- --inputs 2000000`. A third has a key, the others none that counts.
import { expect } from 'chai'
import { parseArgs } from 'node:util'
import { mochaGlobalSetup, mochaGlobalTeardown } from '../support/engines.ts'
import { Ground } from './ground.ts'
import { mixed } from './strangers.ts'
import { PATIENCE } from './tally.ts'

/** Inputs on one node: then another begins, with an empty database. */
const ROUND = 12_000
/** Inputs of one draw. */
const DRAW = 3_000

const { values } = parseArgs({ options: { inputs: { type: 'string', default: '100000' }, seed: { type: 'string' } } })
let seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31))
console.log(`seed ${seed}`)

await mochaGlobalSetup()
try {
  for (let left = Number(values.inputs); left > 0; left -= ROUND) {
    const ground = new Ground({ keyed: true })
    await ground.start()
    try {
      for (let drawn = 0; drawn < Math.min(left, ROUND); drawn += DRAW) await mixed(ground, seed++, DRAW / 3)
      expect(ground.tally.faults, 'answers 5xx').to.deep.equal([])
      for (const { what, again } of ground.tally.late)
        expect(Math.min(await again(), await again(), await again()), what).to.be.below(PATIENCE)
      expect(ground.complaints, 'complaints').to.deep.equal([])
      console.log(`${ground.tally.line()}; ${Math.max(0, left - ROUND)} left`)
    } finally {
      await ground.stop()
    }
  }
} finally {
  await mochaGlobalTeardown()
}
