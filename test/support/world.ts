// A world for a test file: a database and a key prefix of its own, a scripted service, and as many nodes as it asks for.
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import pg from 'pg'
import { type Log, silentLog } from '../../src/telemetry/log.ts'
import type { Key } from '../../src/core/key.ts'
import { type Service, SERVICE_DEFAULTS } from '../../src/core/service.ts'
import { TIMINGS, type Timings } from '../../src/core/timings.ts'
import { type RunningNode, startNode } from '../../src/main.ts'
import { createMigrated } from './databases.ts'
import { engines } from './engines.ts'
import { eventually } from './eventually.ts'
import { ScriptedService } from './service.ts'

/** Times that let a test see in a second what takes ten in life: a tenth of the real ones. */
export const FAST: Timings = {
  ...TIMINGS,
  lease: 1_000,
  beat: 200,
  trust: 800,
  pass: 100,
  takeoverDelay: 1_000,
  grace: 100,
  forgotten: 1_000,
  linger: 0,
}

export interface NodeSetup {
  readonly timings?: Timings
  readonly slots?: number
  /** `false`: the queue in the process. */
  readonly redis?: boolean
  readonly redisUrl?: string
  readonly databaseUrl?: string
  readonly drainTimeout?: number
  /** Overrides of the scripted service's registration, by its name in the configuration. */
  readonly services?: Readonly<Record<string, Partial<Service>>>
  /** The keys of the callers; absent: everybody may do everything. */
  readonly keys?: readonly Key[]
  readonly log?: Log
  readonly encryptionKeys?: readonly string[]
  /** Aborts the start, which waits for its Postgres. */
  readonly signal?: AbortSignal
}

export interface World {
  readonly service: ScriptedService
  readonly databaseUrl: string
  readonly redisUrl: string
  readonly prefix: string
  /** Runs SQL beside the nodes. */
  sql<Row extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<Row[]>
  /** Starts a node in this process; `service` is registered as `svc` unless the setup says otherwise. */
  node(setup?: NodeSetup): Promise<RunningNode>
  /** Starts a service with answers of the test's own; its URL. */
  serve(answer: RequestListener): Promise<string>
  /** Stops the nodes that still run, and drops the database. */
  close(): Promise<void>
}

/** Opens a world on the engines of the test run. */
export async function openWorld(): Promise<World> {
  const { redisUrl } = await engines()
  const database = await createMigrated()
  const service = await new ScriptedService().start()
  const client = new pg.Client({ connectionString: database.url })
  await client.connect()
  const prefix = `test:${randomUUID()}:`
  const nodes = new Set<RunningNode>()
  const servers: Server[] = []
  return {
    service,
    databaseUrl: database.url,
    redisUrl,
    prefix,
    sql: async (text, values) => (await client.query(text, values)).rows,
    async node(setup = {}) {
      const { services = { svc: {} }, log = silentLog(), slots = 1_000, drainTimeout = 2_000 } = setup
      const registered = Object.entries(services).map(
        ([name, over]) => [name, { ...SERVICE_DEFAULTS, name, url: service.url, ...over }] as const,
      )
      const running = await startNode(
        {
          host: '127.0.0.1',
          port: 0,
          databaseUrl: setup.databaseUrl ?? database.url,
          ...(setup.redis === false ? {} : { redisUrl: setup.redisUrl ?? redisUrl }),
          redisPrefix: prefix,
          dataDir: '/nowhere',
          slots,
          drainTimeout,
          idempotencyWindow: 86_400_000,
          stopDelay: 0,
          logLevel: 'silent',
          ...(setup.encryptionKeys && { encryptionKeys: setup.encryptionKeys }),
          file: 'test',
          services: new Map(registered),
          keys: new Map((setup.keys ?? []).map((key) => [key.name, key])),
          retention: {},
        },
        {
          log,
          version: '0.0.0',
          tell: () => {},
          signal: setup.signal ?? new AbortController().signal,
          timings: setup.timings ?? FAST,
        },
      )
      const node = {
        url: running.url,
        stop: async () => {
          nodes.delete(node)
          await running.stop()
        },
      }
      nodes.add(node)
      return node
    },
    async serve(answer) {
      const server = createServer(answer).listen(0, '127.0.0.1')
      servers.push(server)
      await once(server, 'listening')
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}/{action}`
    },
    async close() {
      for (const server of servers) server.close().closeAllConnections()
      await Promise.all([...nodes].map((node) => node.stop()))
      await client.end()
      await service.stop()
      await database.drop()
    },
  }
}

/** A task as the API shows it with `view=full`. */
export interface Shown {
  readonly location: string
  readonly service: string
  readonly action: string
  readonly payload: unknown
  readonly status: 'pending' | 'running' | 'complete' | 'failed'
  readonly result?: unknown
  readonly error?: { code: string; detail: string; status?: number; body?: string }
  readonly step: number
  readonly attempt: number
  readonly fails: number
  readonly lastError: { code: string } | null
  readonly state: unknown
  readonly startedAt: string | null
  readonly runAt: string | null
  readonly resultOmitted: boolean | null
}

/** Posts a task; its location. `payload` is JSON text. */
export async function post(url: string, action: string, payload?: string, service = 'svc'): Promise<string> {
  const body = `{"service":"${service}","action":"${action}"${payload === undefined ? '' : `,"payload":${payload}`}}`
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(`${url}/tasks`, { method: 'POST', headers, body, redirect: 'manual' })
  const text = await response.text()
  if (response.status !== 302) throw new Error(`POST answered ${response.status}: ${text}`)
  return response.headers.get('location') ?? ''
}

/** Reads a task, in full; undefined when there is none. */
export async function show(url: string, location: string): Promise<Shown | undefined> {
  const response = await fetch(`${url}${location}?view=full`)
  if (response.status === 404) return undefined
  if (response.status !== 200) throw new Error(`GET answered ${response.status}: ${await response.text()}`)
  return (await response.json()) as Shown
}

/** Waits until a task is complete or failed. */
export const ended = (url: string, location: string, ms = 90_000): Promise<Shown> =>
  eventually(async () => {
    const task = await show(url, location)
    if (task?.status !== 'complete' && task?.status !== 'failed')
      throw new Error(`${location} is ${task?.status ?? 'gone'}`)
    return task
  }, ms)

/** Deletes a task; the status of the answer. */
export const remove = async (url: string, location: string): Promise<number> =>
  (await fetch(`${url}${location}`, { method: 'DELETE' })).status
