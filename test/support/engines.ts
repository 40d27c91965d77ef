// The engines of a test run: one real Postgres and one real Redis, started when the first test asks and stopped at the end.
import { chmod, mkdtemp, readFile, rm, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import { EmbeddedPostgres } from '../../packages/embedded-postgres/src/index.ts'
import { startRedis } from './redis.ts'

export interface Engines {
  /** An account that may make databases. */
  readonly databaseUrl: string
  readonly redisUrl: string
}

interface Started extends Engines {
  readonly stops: readonly (() => Promise<void>)[]
}

/** What the folders of all processes of a run may come to, bytes. */
const ROOM = 8 * 2 ** 30

// What the files of one process share; mocha runs several processes side by side.
const run: { started?: Promise<Started>; folder?: string } = {}

/** The engines; the first call starts them (about a second). `REDIS_URL`, when it is set, names the Redis to use. */
export function engines(): Promise<Engines> {
  run.started ??= start()
  return run.started
}

/** Called by mocha before the first test: all that the run's processes leave behind lies in one folder. */
export async function mochaGlobalSetup(): Promise<void> {
  run.folder = await mkdtemp(join(await place(), 'task_api-tests-'))
  // Root's Postgres runs as nobody, who must reach it.
  await chmod(run.folder, 0o755)
  process.env['TMPDIR'] = run.folder
}

/** Where the folder lies: in memory where Linux has much room there and programs may run. Databases are made by the hundred. */
async function place(): Promise<string> {
  const mounts = await readFile('/proc/mounts', 'utf8').catch(() => '')
  const options = / \/dev\/shm tmpfs (\S+)/.exec(mounts)?.[1]?.split(',')
  if (!options || options.includes('noexec') || process.env['TMPDIR']) return tmpdir()
  const { bavail, bsize } = await statfs('/dev/shm')
  return bavail * bsize >= ROOM ? '/dev/shm' : tmpdir()
}

/** Called by mocha after the last test; engines of other processes end with their process. */
export async function mochaGlobalTeardown(): Promise<void> {
  const started = await run.started?.catch(() => undefined)
  for (const stop of started?.stops ?? []) await stop()
  if (run.folder) await rm(run.folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
}

async function start(): Promise<Started> {
  const stops: (() => Promise<void>)[] = []
  try {
    const databaseUrl = await startPostgres(stops)
    const given = process.env['REDIS_URL']
    if (given) return { databaseUrl, redisUrl: given, stops }
    const redis = await startRedis()
    stops.push(() => redis.stop())
    return { databaseUrl, redisUrl: redis.url, stops }
  } catch (error) {
    for (const stop of stops) await stop()
    throw error
  }
}

async function startPostgres(stops: (() => Promise<void>)[]): Promise<string> {
  const dataDir = await mkdtemp(join(tmpdir(), 'task_api-postgres-'))
  // Root's Postgres runs as nobody, who must reach it.
  await chmod(dataDir, 0o755)
  const postgres = new EmbeddedPostgres({ dataDir })
  stops.push(async () => {
    await postgres.stop()
    await rm(dataDir, { recursive: true, force: true })
  })
  await postgres.start()
  await makeQuick(postgres.url)
  return postgres.url
}

/** What it stores need not survive the machine; tests of durability have a Postgres of their own. */
async function makeQuick(connectionString: string): Promise<void> {
  const client = new Client({ connectionString })
  await client.connect()
  try {
    await client.query('alter system set fsync = off')
    await client.query('select pg_reload_conf()')
  } finally {
    await client.end()
  }
}
