// `npm run test:model`: the verbs in any order, at length. The seed is printed, and a failure says how it is run again.
import { parseArgs } from 'node:util'
import { mochaGlobalTeardown } from '../support/engines.ts'
import { origin, publish, table } from '../support/printed.ts'
import { Figures } from './figures.ts'
import { checkInLanes } from './sequences.ts'

const USAGE = `npm run test:model                               5,000 sequences
npm run test:model -- --runs 200 --seed 7        fewer, and which
npm run test:model -- --seed 7 --path … --replay …   the one that failed, as it was printed
  --first   stops at the first failure, and looks for no smaller one
  --write   prints the figures into docs/results/reliability.md
`
/** Sequences wait more than they compute: so many run side by side, each lane on a database and with a seed of its own. */
const LANES = 4

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '5000' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1_000_000)) },
    path: { type: 'string' },
    replay: { type: 'string' },
    first: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) console.log(USAGE)
else {
  const seed = Number(values.seed)
  const begun = Date.now()
  console.log(`seed ${seed}`)
  const figures = new Figures()
  const lanes = values.path === undefined ? LANES : 1
  const wrong = await checkInLanes(
    lanes,
    { runs: Number(values.runs), seed, path: values.path, replay: values.replay, first: values.first },
    figures,
  )
  await mochaGlobalTeardown()
  const seconds = (Date.now() - begun) / 1_000
  const { head, rows } = figures.table
  if (wrong === undefined) {
    console.log(`holds in ${Math.round(seconds)} s: ${figures.words}`)
    console.log(table(head, rows).join('\n'))
    const given = values.runs === '5000' ? '' : ` --runs ${values.runs}`
    const command = `npm run test:model -- --seed ${seed}${given}`
    if (values.write)
      publish('reliability', 'model', [origin(command, seconds), '', `${figures.words}.`, '', ...table(head, rows)])
  } else console.log(wrong)
  process.exitCode = wrong === undefined ? 0 : 1
}
