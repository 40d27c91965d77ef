// `npm run bench:scale`: what each statement costs on a table of 10 thousand, 1 million and 10 million rows, and which index serves it.
import { randomUUID } from 'node:crypto'
import { setTimeout as passed } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { migrate } from '../src/store/migrate.ts'
import { Store } from '../src/store/store.ts'
import { silentLog } from '../src/telemetry/log.ts'
import { type Engines, type OwnDatabase, startEngines } from './engines.ts'
import { machine, publish } from './report.ts'
import { inDigits, median, table } from './table.ts'

const USAGE = `npm run bench:scale                        10 k, 1 M and 10 M rows: twenty minutes
npm run bench:scale -- --rows 10000,1000000
  --write   puts the tables into docs/performance.md
`
const SERVICES = 20
/** Rows in all tables that have not ended. */
const PENDING = 5_000
/** Rows that one statement of a batch carries. */
const BATCH = 50
const TIMES = 60
const FILL_AT_ONCE = 500_000
const LEASE = 3_600_000
/** What a page with any filters may look at: the contract's bound. */
const IDS = 1_000_000

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '10000,1000000,10000000' },
    write: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

/** A table to measure on. */
interface Ground {
  readonly store: Store
  readonly database: OwnDatabase
  readonly node: string
  /** How many rows there are that have ended; their ids are the lowest. */
  readonly ended: number
}

/** Something to measure: `run` does it once, and is timed; what it returns is how many rows it was for. */
interface Measure {
  readonly name: string
  /** Makes what the next run needs. */
  before?(): Promise<void>
  run(): Promise<number>
}

/** Fills a table by SQL: mostly ended tasks of many services, the last ones pending. */
async function fill({ database, ended }: Pick<Ground, 'database' | 'ended'>): Promise<void> {
  const row = `
    gen_random_uuid(), 's' || i % ${SERVICES}, case when i % 7 = 0 then 'rare' else 'usual' end, '{"n":1}', 7, 1, 1`
  for (let from = 1; from <= ended; from += FILL_AT_ONCE)
    await database.run(
      `insert into tasks (key, service, action, payload, payload_bytes, step, attempt, status, started_at, finished_at, result, error)
       select ${row}, case when i % 50 = 0 then 'failed' else 'complete' end, now(), now(), '{"ok":true}',
         case when i % 50 = 0 then '{"code":"service_error"}'::json end
       from generate_series($1::bigint, $2::bigint) i`,
      [from, Math.min(ended, from + FILL_AT_ONCE - 1)],
    )
  await database.run(
    `insert into tasks (key, service, action, payload, payload_bytes) select gen_random_uuid(), 's' || i % ${SERVICES}, 'usual', '{"n":1}', 7
     from generate_series(1, $1::integer) i`,
    [PENDING],
  )
  await database.run('vacuum analyze tasks')
}

async function open(engines: Engines, rows: number): Promise<Ground> {
  const database = await engines.database()
  await migrate(database.url)
  const ground = { database, ended: rows - PENDING }
  await fill(ground)
  const store = new Store({ url: database.url, log: silentLog() })
  await store.start()
  const node = randomUUID()
  await store.enroll({ id: node, name: 'bench', services: [] }, LEASE)
  return { ...ground, store, node }
}

/** The statements of a task's life, and of those who look. */
function measures({ store, node, ended }: Ground): Measure[] {
  const token = 7
  const by = { node, token, takesOver: false }
  const task = { service: 's1', action: 'usual', payload: '{"n":1}' }
  let ids: string[] = []
  const posted = async (): Promise<void> => {
    const rows = await Promise.all(Array.from({ length: BATCH }, () => store.insert(task)))
    ids = rows.map(({ id }) => id)
  }
  const claimed = async (): Promise<void> => {
    await posted()
    await store.claimIds(
      by,
      ids.map((id) => ({ id, service: task.service })),
    )
  }
  const settled = { status: 'complete', step: 0, result: '{"ok":true}', omitted: false, error: null } as const
  const settle = async (): Promise<number> => {
    const written = await Promise.all(ids.map((id) => store.settle.add({ id, token, node, ...settled })))
    return expecting(written.filter((one) => one === 'written').length, BATCH)
  }
  const some = (): string => String(1 + Math.floor(Math.random() * ended))
  const page = (name: string, query: Parameters<Store['list']>[0]): Measure => ({
    name,
    run: async () => {
      await store.list(query)
      return 1
    },
  })
  const middle = String(Math.floor(ended / 2))
  return [
    { name: 'insert', run: () => posted().then(() => BATCH) },
    {
      name: 'claim by ids',
      before: posted,
      run: async () =>
        expecting(
          (
            await store.claimIds(
              by,
              ids.map((id) => ({ id, service: task.service })),
            )
          ).length,
          BATCH,
        ),
    },
    {
      name: 'checkpoint',
      before: claimed,
      run: async () => {
        const next = { step: 0, state: '{"n":2}', repeats: 0, wait: null }
        const written = await Promise.all(ids.map((id) => store.checkpoint.add({ id, token, node, ...next })))
        return expecting(written.filter((one) => one === 'written').length, BATCH)
      },
    },
    { name: 'settle', before: claimed, run: settle },
    {
      name: 'sweep',
      run: async () => {
        const query = { room: new Map([['s2', BATCH]]), limit: BATCH, grace: 0, parkedGrace: 0 }
        const rows = await store.claimDue(by, query)
        // They are given back, so that the next one finds as many.
        await Promise.all(rows.map(({ id }) => store.release.add({ id, token, node })))
        return expecting(rows.length, BATCH)
      },
    },
    { name: 'sync', run: () => store.holdings(node).then(() => 1) },
    { name: 'GET a task', run: () => store.get(some()).then(() => 1) },
    page('list: first page', { limit: 100 }),
    page('list: page in the middle', { limit: 100, before: middle }),
    page('list: by status', { limit: 100, status: 'failed' }),
    page('list: by service', { limit: 100, service: 's3' }),
    page('list: by service, in the middle', { limit: 100, service: 's3', before: middle }),
    page('list: by status and service', { limit: 100, status: 'failed', service: 's4' }),
    page('list: by action', { limit: 100, action: 'rare' }),
    page('list: by all, nothing matches', { limit: 100, status: 'running', service: 's5', action: 'rare' }),
    {
      name: 'DELETE',
      before: posted,
      run: async () => {
        const removed = await Promise.all(ids.map((id) => store.remove(id)))
        return expecting(removed.filter((one) => one !== undefined).length, BATCH)
      },
    },
  ]
}

function expecting(count: number, wanted: number): number {
  if (count !== wanted) throw new Error(`${count} rows, not ${wanted}`)
  return count
}

/** What one measure costs, µs a row, and the indexes that it used. */
interface Cost {
  readonly micros: number
  readonly indexes: readonly string[]
}

async function cost({ database }: Ground, { before, run }: Measure): Promise<Cost> {
  const scans = async (): Promise<Map<string, number>> =>
    new Map(
      (
        await database.run(
          `select indexrelname as name, idx_scan::integer as scans from pg_stat_user_indexes where relname = 'tasks'`,
        )
      ).map(({ name, scans: count }) => [String(name), Number(count)]),
    )
  const took: number[] = []
  const was = await scans()
  for (let i = 0; i < TIMES; i += 1) {
    await before?.()
    const begun = performance.now()
    const rows = await run()
    took.push(((performance.now() - begun) * 1_000) / rows)
  }
  // Backends tell of their scans about once a second, with a statement.
  await passed(1_100)
  await before?.()
  await run()
  await passed(100)
  const is = await scans()
  return {
    micros: median(took),
    indexes: [...is].filter(([name, count]) => count > (was.get(name) ?? 0)).map(([name]) => name),
  }
}

/** The size of each index, MB a million rows. */
async function sizes({ database, ended }: Ground): Promise<string[][]> {
  const rows = await database.run(
    `select indexrelname as name, pg_relation_size(indexrelid) as bytes from pg_stat_user_indexes where relname = 'tasks'
     union all select 'the table', pg_table_size('tasks') order by bytes desc`,
  )
  return rows.map(({ name, bytes }) => [String(name), inDigits(Number(bytes) / (ended + PENDING))])
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
  const begun = performance.now()
  const counts = values.rows.split(',').map(Number)
  const engines = await startEngines()
  try {
    const costs = new Map<string, Cost[]>()
    let indexes: string[][] = []
    for (const rows of counts) {
      const ground = await open(engines, rows)
      process.stdout.write(
        `${rows.toLocaleString('en')} rows after ${Math.round((performance.now() - begun) / 1_000)} s\n`,
      )
      for (const measure of measures(ground)) {
        const one = await cost(ground, measure)
        costs.set(measure.name, [...(costs.get(measure.name) ?? []), one])
        process.stdout.write(`  ${measure.name}: ${inDigits(one.micros)} µs (${one.indexes.join(', ')})\n`)
      }
      indexes = await sizes(ground)
      await ground.store.stop()
      await ground.database.drop()
    }
    const memory = await redisMemory(engines)
    const [first = 0, ...larger] = counts
    const inWords = (rows: number): string => rows.toLocaleString('en')
    const lines = [
      ...table(
        ['µs', ...counts.map(inWords), `${inWords(larger.at(-1) ?? first)} : ${inWords(first)}`, 'served by'],
        [...costs].map(([name, all]) => [
          name,
          ...all.map(({ micros }) => inDigits(micros)),
          inDigits((all.at(-1)?.micros ?? NaN) / (all[0]?.micros ?? NaN)),
          (all.at(-1)?.indexes ?? []).join(', '),
        ]),
      ),
      '',
      ...table(['index', 'bytes a row'], indexes),
      '',
      `A list of ${IDS.toLocaleString('en')} ids takes ${inDigits(memory)} MB of Redis' memory.`,
    ]
    const command = `npm run bench:scale ${process.argv.slice(2).join(' ')}`.trim()
    const from = `Printed by \`${command}\` on ${machine(begun)}, ${await engines.versions()}. The median of ${TIMES} runs, one client; writes and claims are of ${BATCH} rows a statement, their figures a row.`
    process.stdout.write(`\n${[from, '', ...lines].join('\n')}\n`)
    if (values.write) publish('scale', [from, '', ...lines])
  } finally {
    await engines.stop()
  }
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1))
if (values.help) process.stdout.write(USAGE)
else await main()
