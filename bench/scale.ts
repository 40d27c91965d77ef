// `npm run bench:scale`: what each statement costs on tables of 10 thousand, 1 million and 10 million rows, and which index serves it.
import { setTimeout as passed } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { origin, publish, table } from '../test/support/printed.ts'
import { type Engines, startEngines } from './engines.ts'
import { type Ground, closeGround, openGround, tidy } from './ground.ts'
import { backendsOf, riddance } from './partitions.ts'
import { BATCH, type Statement, statementsOn } from './statements.ts'
import { inDigits, median, spread } from './table.ts'

const USAGE = `npm run bench:scale                        10 k, 1 M and 10 M rows: some minutes
npm run bench:scale -- --rows 10000,1000000
npm run bench:scale -- --rows 1000000,1000000/30      the second table in 30 partitions, a prototype
  --times 200   how often each statement is timed
  --write       puts the tables into docs/results/scale.md
`
/** Ids in the list that Redis' memory is measured with. */
const IDS = 1_000_000
/** The most that a statement may cost on the largest table, as a ratio to the smallest. */
const FLAT = 1.3

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '10000,1000000,10000000' },
    times: { type: 'string', default: '200' },
    write: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
/** How often each statement is timed on each table. */
const TIMES = Number(values.times)
const begun = performance.now()
const seconds = (): number => (performance.now() - begun) / 1_000
const say = (text: string): void => void process.stdout.write(`${seconds().toFixed(1).padStart(7)} ${text}\n`)

const inWords = (rows: number): string => rows.toLocaleString('en')

/** What a column says of a table. */
const inShort = ({ rows, partitions }: Pick<Ground, 'rows' | 'partitions'>): string =>
  partitions > 0 ? `${inWords(rows)} in ${partitions}` : inWords(rows)

/** A statement on one of the tables; what its runs took, and the CPU of the backends, µs a row. */
interface Trial {
  readonly ground: Ground
  readonly statement: Statement
  readonly took: number[]
  readonly cpu: number[]
}

/** The tables take turns, beginning with another one each time, so that whatever else the machine does meets all of them. */
async function time(trials: readonly Trial[]): Promise<void> {
  const backends = new Map<Trial, () => Promise<number>>()
  for (let i = -1; i < TIMES; i += 1) {
    const first = (i + 1) % trials.length
    for (const trial of [...trials.slice(first), ...trials.slice(0, first)]) {
      const { statement, ground, took, cpu } = trial
      if (statement.unique && ground.partitions > 0) continue
      await statement.before?.()
      const spent = await backends.get(trial)?.()
      const since = performance.now()
      const rows = await statement.run()
      // The first one fills caches, and opens connections.
      if (spent === undefined) backends.set(trial, await backendsOf(ground.database))
      else {
        took.push(((performance.now() - since) * 1_000) / rows)
        cpu.push((((await backends.get(trial)?.()) ?? NaN) - spent) / rows)
      }
    }
  }
}

/** How often each index of a table was used so far. */
async function scans({ database }: Ground): Promise<Map<string, number>> {
  const rows = await database.run(
    `select indexrelname as name, idx_scan::integer as scans from pg_stat_user_indexes where relname in ('tasks', 'task_labels')`,
  )
  return new Map(rows.map(({ name, scans: count }) => [String(name), Number(count)]))
}

/** The indexes that a statement uses, what comes before it included. */
async function servedBy({ ground, statement }: Trial): Promise<string[]> {
  const once = async (): Promise<void> => {
    await statement.before?.()
    await statement.run()
    // A backend tells of its scans at most once a second, at the end of a statement.
    await passed(1_100)
    await statement.before?.()
    await statement.run()
    await passed(100)
  }
  const was = await scans(ground)
  await once()
  const is = await scans(ground)
  return [...is].filter(([name, count]) => count > (was.get(name) ?? 0)).map(([name]) => name)
}

/** A row for each statement: its cost on each table, the ratio of the last to the first, and its indexes. */
async function measure(grounds: readonly Ground[]): Promise<string[][]> {
  const statements = grounds.map(statementsOn)
  const rows: string[][] = []
  for (const [i, { name, from = 0 }] of (statements[0] ?? []).entries()) {
    const trials = grounds.map((ground, k) => ({
      ground,
      statement: statements[k]?.[i] as Statement,
      took: [],
      cpu: [],
    }))
    await time(trials)
    const costs = trials.map(({ cpu }) => median(cpu))
    const base = Math.max(
      0,
      grounds.findIndex((ground) => ground.rows >= from),
    )
    const ratio = (costs.at(-1) ?? NaN) / (costs[base] ?? NaN)
    const indexes = await servedBy(trials.findLast(({ ground }) => ground.partitions === 0) as Trial)
    for (const ground of grounds) await tidy(ground)
    const missed = ratio > FLAT ? `, **over ${FLAT}**` : ''
    const to = base > 0 ? `, to ${inWords(grounds[base]?.rows ?? 0)}` : ''
    rows.push([
      name,
      ...trials.map(({ took, cpu }) => `${inDigits(median(cpu))} / ${spread(took)}`),
      `${inDigits(ratio)}${to}${missed}`,
      indexes.join(', '),
    ])
    say(`${name}: ${costs.map(inDigits).join(', ')} µs, ${inDigits(ratio)} (${indexes.join(', ')})`)
  }
  return rows
}

/** The size of each table and of each of its indexes, bytes for one of its rows. */
async function sizes({ database }: Ground): Promise<string[][]> {
  const found: string[][] = []
  for (const name of ['tasks', 'task_labels', 'attempts']) {
    const count = await database.count(`select count(*) from ${name}`)
    const parts = await database.run(
      `select indexrelname as name, pg_relation_size(indexrelid) as bytes from pg_stat_user_indexes where relname = $1
       union all select $1 || ', the table', pg_table_size($1::text::regclass) order by bytes desc`,
      [name],
    )
    for (const { name: part, bytes } of parts)
      found.push([String(part), inWords(count), inDigits(Number(bytes) / count)])
  }
  return found
}

/** Memory that Redis needs for a list of a million ids, MB. */
async function redisMemory({ redis }: Engines): Promise<number> {
  const used = async (): Promise<number> => Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1])
  const before = await used()
  for (let i = 0; i < IDS; i += 10_000)
    await redis.lpush('ids', ...Array.from({ length: 10_000 }, (_, k) => String(i + k + 1)))
  const after = await used()
  await redis.unlink('ids')
  return (after - before) / 1e6
}

async function main(): Promise<void> {
  const kinds = values.rows.split(',').map((kind) => {
    const [rows = 0, partitions = 0] = kind.split('/').map(Number)
    return { rows, partitions }
  })
  const engines = await startEngines()
  const grounds: Ground[] = []
  try {
    for (const kind of kinds) {
      grounds.push(await openGround(engines, kind.rows, kind.partitions))
      say(`a table of ${inShort(kind)} rows`)
    }
    const costs = await measure(grounds)
    const plain = grounds.filter(({ partitions }) => partitions === 0).at(-1) as Ground
    const ofPlain = await sizes(plain)
    const rid: string[][] = []
    for (const ground of grounds.filter(({ rows }) => rows === plain.rows))
      for (const { how, ...costs } of await riddance(ground, engines.pids.postgres))
        rid.push([inShort(ground), how, ...Object.values(costs).map(inDigits)])
    const command = `npm run bench:scale -- ${process.argv.slice(2).join(' ')}`.replace(/( --)? *$/, '')
    const names = kinds.map(inShort)
    const lines = [
      `${origin(command, seconds())} ${await engines.versions()}. One client, ${TIMES} runs of each statement, the tables vacuumed before and taking turns: µs a row, the CPU of Postgres' backends / the time, median (least-most). Writes, claims and full passes are of ${BATCH} rows a statement. The ratio is that of the CPU. Of a page that two filters or more choose from, or that the smallest table does not fill, it is that to the first table on which it looks at as many rows as on the last.`,
      '',
      ...table(['', ...names, `${names.at(-1)} : ${names[0]}`, 'served by'], costs),
      '',
      ...table([`of the table of ${inShort(plain)}`, 'rows', 'bytes a row'], ofPlain),
      '',
      ...table(['to be rid of a row', '', 'CPU µs', 'time µs', 'bytes of WAL'], rid),
      '',
      `A list of ${inWords(IDS)} ids takes ${inDigits(await redisMemory(engines))} MB of Redis' memory.`,
    ]
    process.stdout.write(`\n${lines.join('\n')}\n`)
    if (values.write) publish('scale', kinds.some(({ partitions }) => partitions > 0) ? 'partitions' : 'rows', lines)
    for (const ground of grounds) await closeGround(ground)
  } finally {
    await engines.stop()
  }
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1))
if (values.help) process.stdout.write(USAGE)
else await main()
