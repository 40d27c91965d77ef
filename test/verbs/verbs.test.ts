// The verbs, in any order: a short run of the sequences that `npm run test:model` runs by the thousand.
import { expect } from 'chai'
import { Figures } from './figures.ts'
import { checkInLanes } from './sequences.ts'

const RUNS = Number(process.env['MODEL_RUNS'] ?? 50)
const SEED = Number(process.env['MODEL_SEED'] ?? Math.floor(Math.random() * 1_000_000))
const LANES = 2

describe('the verbs, in any order', () => {
  it('leave the rows as the model says, and tell the truth, whatever is lost between', async () => {
    const figures = new Figures()
    // The first failure will do: the command that it names looks for the smallest.
    expect(await checkInLanes(LANES, { runs: RUNS, seed: SEED, first: true }, figures)).to.equal(undefined)
    expect(figures.sequences).to.be.at.least(RUNS)
  })
})
