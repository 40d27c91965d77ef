// A fleet: nodes as child processes on a database and a key prefix of their own, and one scripted service that they call.
import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import pg from 'pg'
import { createMigrated } from './databases.ts'
import { engines } from './engines.ts'
import { eventually } from './eventually.ts'
import { NodeProcess } from './node.ts'
import { type Seen, ScriptedService } from './service.ts'

export interface FleetSetup {
  /** Default: a new database of the test run's Postgres, with all tables. */
  readonly databaseUrl?: string
  /** Default: the Redis of the test run; null: none. */
  readonly redisUrl?: string | null
}

type Environment = Readonly<Record<string, string>>

/** The nodes of one test. */
export class Fleet {
  readonly service: ScriptedService
  readonly #env: Environment
  readonly #sql: pg.Pool
  readonly #nodes: NodeProcess[] = []
  readonly #drop: () => Promise<void>

  private constructor(service: ScriptedService, env: Environment, databaseUrl: string, drop: () => Promise<void>) {
    this.service = service
    this.#env = env
    this.#drop = drop
    this.#sql = new pg.Pool({ connectionString: databaseUrl, max: 1 })
    // An idle connection that a test cuts is replaced by the next query.
    this.#sql.on('error', () => undefined)
  }

  static async open({ databaseUrl, redisUrl }: FleetSetup = {}): Promise<Fleet> {
    const database = databaseUrl === undefined ? await createMigrated() : undefined
    const redis = redisUrl === undefined ? (await engines()).redisUrl : redisUrl
    const url = databaseUrl ?? database?.url ?? ''
    const env = {
      DATABASE_URL: url,
      REDIS_PREFIX: `test:${randomUUID()}:`,
      ...(redis === null ? {} : { REDIS_URL: redis }),
    }
    return new Fleet(await new ScriptedService().start(), env, url, async () => database?.drop())
  }

  /** Opens a fleet for one case, and closes it however the case ends. */
  static async during<T>(run: (fleet: Fleet) => Promise<T>, setup: FleetSetup = {}): Promise<T> {
    const fleet = await Fleet.open(setup)
    try {
      return await run(fleet)
    } finally {
      await fleet.close()
    }
  }

  /**
   * Spawns a node; `name` is what `senderOf` tells of its requests, `service` adds to the registration of `svc`, `files` limits
   * its descriptors.
   */
  async spawn(
    name: string,
    env: Environment = {},
    service: Readonly<Record<string, unknown>> = {},
    files?: number,
  ): Promise<NodeProcess> {
    const svc = { url: this.service.url, concurrency: 200, headers: { 'X-Node': name }, ...service }
    // Another service that nobody calls: it must cost the first one nothing.
    const idle = { url: this.service.url }
    const node = await NodeProcess.spawn({ ...this.#env, ...env }, { svc, idle }, { files })
    this.#nodes.push(node)
    return node
  }

  /** Spawns a node and waits until it listens and is ready. */
  async start(...setup: Parameters<Fleet['spawn']>): Promise<NodeProcess> {
    const node = await this.spawn(...setup)
    await node.logged('listening')
    // While another node migrates for long it listens, and cannot serve.
    await eventually(async () => expect((await fetch(`${node.url}/readyz`)).status).to.equal(200), 60_000)
    return node
  }

  /** Runs SQL beside the nodes. */
  async sql<Row extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<Row[]> {
    return (await this.#sql.query<Row>(text, values)).rows
  }

  /** How many tasks have not ended. */
  async unended(): Promise<number> {
    const [row] = await this.sql<{ count: number }>(
      `select count(*)::integer as count from tasks where status in ('pending', 'running')`,
    )
    return row?.count ?? 0
  }

  async close(): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.dispose()))
    await this.#sql.end()
    await this.service.stop()
    await this.#drop()
  }
}

/** The name of the node that sent a request. */
export const senderOf = ({ request }: Seen): string => String(request.headers['x-node'])
