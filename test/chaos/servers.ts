// The Postgres and the Redis of one run, on free ports, and what can be done to them.
import { execFileSync } from 'node:child_process'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as passed } from 'node:timers/promises'
import pg from 'pg'
import { EmbeddedPostgres } from '../../packages/embedded-postgres/src/index.ts'
import { answers, serverOf } from '../support/postgres-files.ts'
import { type TestRedis, startRedis } from '../support/redis.ts'

/** Longer than any fault of Postgres in a run. */
const SQL_PATIENCE = 90_000

/** A Postgres of its own. */
export class OwnPostgres {
  readonly #postgres: Pick<EmbeddedPostgres, 'url' | 'stop'>
  readonly #dataDir: string
  readonly #pool: pg.Pool

  protected constructor(postgres: Pick<EmbeddedPostgres, 'url' | 'stop'>, dataDir: string) {
    this.#postgres = postgres
    this.#dataDir = dataDir
    this.#pool = new pg.Pool({
      connectionString: postgres.url,
      max: 2,
      connectionTimeoutMillis: 5_000,
      query_timeout: 60_000,
    })
    // A connection that a fault ends is replaced by the next question.
    this.#pool.on('error', () => undefined)
  }

  static async start(): Promise<OwnPostgres> {
    const dataDir = await mkdtemp(join(tmpdir(), 'task_api-chaos-'))
    // Root's Postgres runs as nobody, who must reach it.
    await chmod(dataDir, 0o755)
    const postgres = new EmbeddedPostgres({ dataDir })
    await postgres.start()
    return new OwnPostgres(postgres, dataDir)
  }

  get url(): string {
    return this.#postgres.url
  }

  get port(): number {
    return Number(new URL(this.url).port)
  }

  /** What nodes have in their environment instead of their link. */
  get env(): Readonly<Record<string, string>> {
    return {}
  }

  /** Where the links of nodes lead. */
  get front(): number {
    return this.port
  }

  /** Runs SQL beside the nodes, again and again while Postgres is away. Only for questions that may be repeated. */
  async sql<Row extends pg.QueryResultRow>(text: string, values: unknown[] = []): Promise<Row[]> {
    const end = performance.now() + SQL_PATIENCE
    for (;;) {
      try {
        return (await this.#pool.query<Row>(text, values)).rows
      } catch (error) {
        if (performance.now() > end || /syntax|does not exist/.test(String(error))) throw error
        await passed(100)
      }
    }
  }

  /** A connection for a fault's own statements. */
  async connect(): Promise<pg.Client> {
    const client = new pg.Client({
      connectionString: this.url,
      connectionTimeoutMillis: 5_000,
      query_timeout: 60_000,
    })
    client.on('error', () => undefined)
    await client.connect()
    return client
  }

  /** Sends the server's first process a signal: SIGKILL is a crash, SIGQUIT an immediate shutdown. It is started again by itself. */
  async kill(signal: 'SIGKILL' | 'SIGQUIT'): Promise<void> {
    const pid = await serverOf(this.#dataDir)
    process.kill(pid, signal)
    // Until another server, or the same after its recovery, answers.
    for (const end = performance.now() + 60_000; performance.now() < end; await passed(20)) {
      const now = await serverOf(this.#dataDir).catch(() => pid)
      if (now !== pid && (await answers(this.url))) return
    }
    throw new Error('Postgres did not come back')
  }

  /** Stops all of its processes for so long. */
  async freeze(ms: number): Promise<void> {
    const pid = await serverOf(this.#dataDir)
    const children = execFileSync('ps', ['-o', 'pid=', '--ppid', String(pid)], { encoding: 'utf8' }).split('\n')
    const all = [pid, ...children.map(Number).filter((child) => child > 0)]
    signalAll(all, 'SIGSTOP')
    await passed(ms)
    signalAll(all, 'SIGCONT')
  }

  async stop(): Promise<void> {
    await this.#pool.end().catch(() => undefined)
    await this.#postgres.stop()
    await rm(this.#dataDir, { recursive: true, force: true })
  }
}

function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids)
    try {
      process.kill(pid, signal)
    } catch {
      // It has ended meanwhile.
    }
}

/** A Redis of its own. */
export class OwnRedis {
  #redis: TestRedis

  private constructor(redis: TestRedis) {
    this.#redis = redis
  }

  static async start(): Promise<OwnRedis> {
    return new OwnRedis(await startRedis())
  }

  get port(): number {
    return this.#redis.port
  }

  get url(): string {
    return this.#redis.url
  }

  /** Kills it, and starts an empty one on its port after so many ms. */
  async restart(ms: number): Promise<void> {
    const { port } = this.#redis
    await this.#redis.kill('SIGKILL')
    await passed(ms)
    this.#redis = await startRedis({ port })
  }

  async freeze(ms: number): Promise<void> {
    await this.#redis.kill('SIGSTOP')
    await passed(ms)
    await this.#redis.kill('SIGCONT')
  }

  stop(): Promise<void> {
    return this.#redis.stop()
  }
}
