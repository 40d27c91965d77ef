// The engines of a run: a Postgres with fsync and a Redis with an append-only file, both the bench's own, on free ports.
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import pg from 'pg'
import { EmbeddedPostgres } from '../packages/embedded-postgres/src/index.ts'
import { startRedis } from '../test/support/redis.ts'

/** What is printed of their durability. */
export const DURABILITY =
  'Postgres with fsync and synchronous_commit on, else as initdb makes it; Redis with appendonly yes, appendfsync everysec'
const REDIS_ARGS = ['--appendonly', 'yes', '--appendfsync', 'everysec', '--maxmemory-policy', 'noeviction']

/** A database of one run, with a connection that is kept open. */
export interface OwnDatabase {
  readonly url: string
  count(sql: string): Promise<number>
  run(sql: string, values?: readonly unknown[]): Promise<Record<string, unknown>[]>
  drop(): Promise<void>
}

export type Engines = Awaited<ReturnType<typeof startEngines>>

/** Starts both. */
export async function startEngines() {
  const folder = await mkdtemp(join(tmpdir(), 'task_api-bench-'))
  // Root's Postgres runs as nobody, who must reach it.
  await chmod(folder, 0o755)
  const postgres = new EmbeddedPostgres({ dataDir: folder })
  await postgres.start()
  const redis = await startRedis({ args: REDIS_ARGS })
  const client = new Redis(redis.url)
  const admin = await connect(postgres.url)
  const pidfile = await readFile(join(folder, 'postgres', 'data', 'postmaster.pid'), 'utf8')
  let made = 0
  return {
    redis: client,
    redisUrl: redis.url,
    pids: { postgres: Number(pidfile.split('\n')[0]), redis: redis.pid },
    async versions(): Promise<string> {
      const { rows } = await admin.query<{ server_version: string }>('show server_version')
      const redisVersion = /redis_version:(\S+)/.exec(await client.info('server'))?.[1]
      return `Postgres ${rows[0]?.server_version}, Redis ${redisVersion}`
    },
    /** What Postgres writes its log into. */
    log: join(folder, 'postgres.log'),
    /** Makes a database for a run, with such settings of its own. */
    async database(settings: Readonly<Record<string, string>> = {}): Promise<OwnDatabase> {
      made += 1
      const name = `bench_${made}`
      await admin.query(`create database ${name}`)
      for (const [setting, value] of Object.entries(settings))
        await admin.query(`alter database ${name} set ${setting} = '${value}'`)
      const url = new URL(postgres.url)
      url.pathname = `/${name}`
      const own = await connect(url.href)
      // The end of a run that failed stops Postgres under it.
      own.on('error', () => undefined)
      return {
        url: url.href,
        count: async (sql) => Number((await own.query<{ count: string }>(sql)).rows[0]?.count),
        run: async (sql, given = []) => (await own.query<Record<string, unknown>>(sql, [...given])).rows,
        drop: async () => {
          await own.end()
          await admin.query(`drop database if exists ${name} with (force)`)
        },
      }
    },
    async stop(): Promise<void> {
      client.disconnect()
      await admin.end()
      await redis.stop()
      await postgres.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** A connection of its own, which its caller ends. */
export async function connect(connectionString: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString })
  await client.connect()
  return client
}
