// `npm run test:chaos`: the table of faults row by row, or with `--minutes` a mix of them. The seed is printed, and replays the run.
import { parseArgs } from 'node:util'
import { origin, publish, table } from '../support/printed.ts'
import { FAULTS } from './faults/all.ts'
import { mix } from './mix.ts'
import { type Times, inWords, publishRow } from './report.ts'
import type { Figures, Row } from './row.ts'
import { ROWS } from './rows.ts'

const USAGE = `npm run test:chaos                                   every row of the table, counted and at full times
npm run test:chaos -- --rows kill,redis              some rows (${ROWS.map(({ name }) => name).join(', ')})
npm run test:chaos -- --seed 7 --minutes 10          a mix of all faults for ten minutes
npm run test:chaos -- --minutes 5 --faults kill,pg   of some faults (${[...new Set(FAULTS.map(({ group }) => group))].join(', ')})
  --seed N       replays a run; several for a mix after another: 1,2,3
  --scale 5      the mix: protocol's times divided by it (1)
  --times full   the table: only the runs at full times, or only the \`counted\` ones
  --write        prints the figures into docs/results/reliability.md
`

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    minutes: { type: 'string' },
    faults: { type: 'string' },
    scale: { type: 'string', default: '1' },
    rows: { type: 'string' },
    times: { type: 'string', default: 'both' },
    count: { type: 'string' },
    write: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

const FULL_SEEDS = 3
/** Runs at full times that go side by side. */
const AT_ONCE = 2
const TIMES = ['both', 'counted', 'full']
if (!TIMES.includes(values.times)) throw new Error(`--times is one of ${TIMES.join(', ')}`)

/** The names that were given, each of which must be one of those that there are; undefined: all. */
function chosen(given: string | undefined, all: readonly string[]): readonly string[] | undefined {
  const names = given?.split(',')
  const strange = names?.filter((name) => !all.includes(name)) ?? []
  if (strange.length > 0) throw new Error(`there are no such: ${strange.join(', ')}\n${USAGE}`)
  return names
}

const begun = performance.now()
const command = `npm run test:chaos -- ${process.argv.slice(2).join(' ')}`.replace(/( --)? *$/, '')
const seeds = (values.seed ?? String(Math.floor(Math.random() * 1_000_000))).split(',').map(Number)
let broken = 0

// Nothing is left behind: all that was started ends with this process.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1))

if (values.help) console.log(USAGE)
else {
  console.log(`seed ${seeds.join(',')}`)
  if (values.minutes === undefined) await runTable(seeds[0] ?? 0)
  else await runMix(Number(values.minutes))
  process.exitCode = broken > 0 ? 1 : 0
}

/** One run, its figures in words; what was broken is told, and counted. */
async function told(name: string, run: (log: (text: string) => void) => Promise<Figures>): Promise<string> {
  const since = performance.now()
  const log = (text: string): void => {
    const at = ((performance.now() - begun) / 1_000).toFixed(1)
    for (const line of text.split('\n')) console.log(`${at.padStart(7)} ${name}: ${line}`)
  }
  try {
    log('begins')
    const words = inWords(await run(log))
    log(`holds in ${Math.round((performance.now() - since) / 1_000)} s: ${words}`)
    return words
  } catch (error) {
    broken += 1
    log(error instanceof Error ? (error.stack ?? error.message) : String(error))
    return 'BROKEN'
  }
}

async function runMix(minutes: number): Promise<void> {
  const groups = chosen(
    values.faults,
    FAULTS.map(({ group }) => group),
  )
  const faults = FAULTS.filter(({ group }) => !groups || groups.includes(group))
  const scale = Number(values.scale)
  const cells: string[][] = []
  for (const seed of seeds)
    cells.push([String(seed), await told(`mix, seed ${seed}`, (log) => mix({ seed, scale, minutes, faults, log }))])
  if (values.write)
    publish('reliability', 'mix', [
      origin(command, (performance.now() - begun) / 1_000),
      '',
      ...table(['seed', 'measured'], cells),
    ])
}

/** One run of a row that is to be done. */
interface Planned {
  readonly row: Row
  readonly seed: number
  readonly scale: number
  readonly count: number
}

/** Does them, so many at once, and publishes what comes of each row. */
async function runAll(times: Times, planned: readonly Planned[], atOnce = 1): Promise<void> {
  const done = new Map<Row, { runs: string[]; took: number }>()
  const one = async ({ row, seed, scale, count }: Planned): Promise<void> => {
    const how = times === 'full' ? `full times, seed ${seed}` : `times divided by ${scale}, seed ${seed}`
    const since = performance.now()
    const words = await told(`${row.name}, ${how}`, (log) => row.run({ seed, scale, count, log }))
    const before = done.get(row) ?? { runs: [], took: 0 }
    const now = {
      runs: [...before.runs, `${how}: ${words}`].sort(),
      took: before.took + (performance.now() - since) / 1_000,
    }
    done.set(row, now)
    if (values.write) publishRow(row, times, now.runs, origin(command, now.took))
  }
  const left = planned.values()
  const lane = async (): Promise<void> => {
    for (const next of left) await one(next)
  }
  await Promise.all(Array.from({ length: atOnce }, lane))
}

async function runTable(seed: number): Promise<void> {
  const wanted = chosen(
    values.rows,
    ROWS.map(({ name }) => name),
  )
  const rows = ROWS.filter(({ name }) => !wanted || wanted.includes(name))
  const counted = rows.map((row) => ({
    row,
    seed,
    scale: row.scale ?? 5,
    count: Number(values.count ?? row.count),
  }))
  const full = Array.from({ length: FULL_SEEDS }, (_, i) => seed + i).flatMap((own) =>
    rows.map((row) => ({ row, seed: own, scale: 1, count: Number(values.count ?? row.fullCount) })),
  )
  if (values.times !== 'full') await runAll('counted', counted)
  if (values.times === 'counted') return
  // At full times a run mostly waits. Short times leave no room for a second one.
  await runAll(
    'full',
    full.filter(({ row }) => !row.alone),
    AT_ONCE,
  )
  await runAll(
    'full',
    full.filter(({ row }) => row.alone),
  )
}
