// `npm run test:upgrade`: a rolling upgrade from the release before, under load. The seed is printed, and draws the same tasks again.
import { parseArgs } from 'node:util'
import { inWords } from '../chaos/report.ts'
import { origin, publish } from '../support/printed.ts'
import { BEFORE, releaseBefore } from './release.ts'
import { upgrade } from './upgrade.ts'

const USAGE = `npm run test:upgrade                     from ${BEFORE.version} to this release, back and forth
  --seed N       draws the tasks again
  --tasks 400    tasks that are posted in each part
  --rows 200000  ended tasks that the database has before
  --write        prints the figures into docs/results/reliability.md
`

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    tasks: { type: 'string', default: '400' },
    rows: { type: 'string', default: '200000' },
    write: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

// Nothing is left behind: all that was started ends with this process.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1))

if (values.help) console.log(USAGE)
else await run(Number(values.seed ?? Math.floor(Math.random() * 1_000_000)))

async function run(seed: number): Promise<void> {
  const begun = performance.now()
  const seconds = (): number => (performance.now() - begun) / 1_000
  const log = (text: string): void => console.log(`${seconds().toFixed(1).padStart(7)} ${text}`)
  log(`from ${BEFORE.version}, seed ${seed}`)
  try {
    const before = releaseBefore(log)
    const words = inWords(await upgrade({ seed, rows: Number(values.rows), tasks: Number(values.tasks), before, log }))
    log(`holds: ${words}`)
    const command = `npm run test:upgrade -- ${process.argv.slice(2).join(' ')}`.replace(/( --)? *$/, '')
    if (values.write)
      publish('reliability', 'upgrade', [
        `- From ${BEFORE.version}, seed ${seed}: ${words}.`,
        '',
        origin(command, seconds()),
      ])
  } catch (error) {
    log(error instanceof Error ? (error.stack ?? error.message) : String(error))
    // Callers may still be at work.
    process.exit(1)
  }
}
