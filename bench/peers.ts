// Who is measured: how each is started, with which settings, and how many of its tasks have ended.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { readVersion } from '../src/version.ts'
import { endsWithUs } from '../test/support/child.ts'
import type { Engines, OwnDatabase } from './engines.ts'
import { HERE, newerNode, versionOf } from './install.ts'

/** What a peer is started on, and how. */
export interface Ground {
  readonly engines: Engines
  readonly database: OwnDatabase
  /** The stub's address. */
  readonly stub: string
  /** Tasks in hand at once, of all nodes together; undefined: as each peer comes. */
  readonly concurrency: number | undefined
  /** Nodes; task_api alone has several. */
  readonly nodes: number
  /** Whether it is told of no Postgres and no Redis; task_api alone. */
  readonly embedded: boolean
  /** Services of task_api's beside `stub`, given the stub's address. */
  readonly services: (stub: string) => Readonly<Record<string, object>>
  /** Further members of task_api's services file, of its service `stub`, and of its environment. */
  readonly file?: object
  readonly ofStub?: object
  readonly env?: Readonly<Record<string, string>>
  /** The program of task_api's nodes; default: that of this checkout. */
  readonly program?: string
  /** Settings of the run's database, beside Postgres' own. */
  readonly settings: Readonly<Record<string, string>>
}

/** The token that the client sends with each request. Only a node with keys looks at it. */
export const TOKEN = 'tk_bench'

/** A process that serves POST /tasks. */
export interface Running {
  readonly url: string
  readonly pid: number
  stop(): Promise<void>
}

/** Rows or jobs, over all of them: those that have ended well, and those that have not. */
export interface Standing {
  readonly complete: number
  readonly unfinished: number
}

export interface Peer {
  /** What is printed beside its figures. */
  readonly settings: string
  readonly version: () => string
  start(ground: Ground): Promise<Running[]>
  standing(ground: Ground, running: readonly Running[]): Promise<Standing>
}

const sql =
  (complete: string, unfinished: string) =>
  async ({ database }: Ground): Promise<Standing> => ({
    complete: await database.count(`select count(*) from ${complete}`),
    unfinished: await database.count(`select count(*) from ${unfinished}`),
  })

/** The service whose tasks nobody waits for. */
export const DEAD = 'dead'
const ownRows = sql(
  `tasks where service <> '${DEAD}' and status = 'complete'`,
  `tasks where service <> '${DEAD}' and status <> 'complete'`,
)

/** The rows of an embedded Postgres are asked for over the API. */
async function ownStanding(ground: Ground, [node]: readonly Running[]): Promise<Standing> {
  if (!ground.embedded) return ownRows(ground)
  const pages = ['pending', 'running', 'failed'].map(async (status) => {
    const answer = await fetch(`${node?.url}/tasks?status=${status}&limit=1000`)
    return ((await answer.json()) as unknown[]).length
  })
  const counts = await Promise.all(pages)
  return { complete: NaN, unfinished: counts.reduce((sum, count) => sum + count, 0) }
}

async function bullStanding({ engines: { redis } }: Ground): Promise<Standing> {
  const of = (name: string): string => `bull:tasks:${name}`
  const sets = ['delayed', 'prioritized', 'failed'].map((name) => redis.zcard(of(name)))
  const rest = await Promise.all([...sets, redis.llen(of('wait')), redis.llen(of('active'))])
  return { complete: await redis.zcard(of('completed')), unfinished: rest.reduce((sum, count) => sum + count, 0) }
}

/** By name, in the order of the tables. */
export const PEERS = {
  task_api: {
    settings: 'as it comes; `SLOTS` and `concurrency` are the tasks in hand',
    version: readVersion,
    start: startTaskApi,
    standing: ownStanding,
  },
  bullmq: {
    settings: 'autopipelining; complete jobs are kept; each step by `updateData` before the next request',
    version: () => versionOf('bullmq'),
    start: startPeer('bullmq'),
    standing: bullStanding,
  },
  'pg-boss': {
    settings: 'batches of all tasks in hand, polled every 0.5 s (its least), results per job; each step by an update',
    version: () => versionOf('pg-boss'),
    start: startPeer('pg-boss', newerNode),
    standing: sql(
      `pgboss.job where name = 'tasks' and state = 'completed'`,
      `pgboss.job where name = 'tasks' and state <> 'completed'`,
    ),
  },
  'graphile-worker': {
    settings: 'local queue of 500, completions batched without delay; it deletes what is done, so results have a table',
    version: () => versionOf('graphile-worker'),
    start: startPeer('graphile-worker', newerNode),
    standing: sql('results', 'graphile_worker._private_jobs'),
  },
  'by-hand': {
    settings: 'Koa, knex, LPUSH, BRPOP, node-fetch; one statement for each change, one connection that pops',
    version: () => '',
    start: startPeer('by-hand'),
    standing: sql(`tasks where status = 'complete'`, `tasks where status <> 'complete'`),
  },
  'no-store': {
    settings: 'forwards each POST as one request and keeps nothing: the limit',
    version: () => '',
    start: startPeer('no-store'),
    standing: () => Promise.resolve({ complete: NaN, unfinished: 0 }),
  },
} as const satisfies Record<string, Peer>

export type PeerName = keyof typeof PEERS
export const PEER_NAMES = Object.keys(PEERS) as PeerName[]
/** Those that do some hundred tasks a second where others do thousands. */
export const SLOW: readonly PeerName[] = ['pg-boss', 'graphile-worker', 'by-hand']

/** How long a process may take until it listens, and until it has ended, ms. */
const STARTS = 60_000
const STOPS = 10_000

interface Launch {
  readonly program?: string
  readonly args: readonly string[]
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
}

/** Starts a process and waits until it says where it listens. */
async function launch({ program = process.execPath, args, cwd, env }: Launch): Promise<Running> {
  const { PATH = '', HOME = '' } = process.env
  const child = endsWithUs(
    spawn(program, args, { cwd, env: { PATH, HOME, ...env }, stdio: ['ignore', 'pipe', 'pipe'] }),
  )
  let said = ''
  child.stderr.on('data', (bytes: Buffer) => (said = (said + bytes.toString()).slice(-4_000)))
  const stop = (): Promise<void> => end(child)
  try {
    const url = await new Promise<string>((resolve, reject) => {
      createInterface({ input: child.stdout }).on('line', (line) => {
        if (line.includes('"listening"')) resolve((JSON.parse(line) as { url: string }).url)
      })
      child.once('exit', (code, signal) => reject(new Error(`${args[0]} ended with ${code ?? signal}: ${said}`)))
      setTimeout(() => reject(new Error(`${args[0]} did not listen in time: ${said}`)), STARTS).unref()
    })
    return { url, pid: child.pid ?? 0, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  const late = setTimeout(() => child.kill('SIGKILL'), STOPS)
  await ended
  clearTimeout(late)
}

/** Starts so many of a peer's processes, which share the tasks in hand. */
function startPeer(name: string, node = (): string => process.execPath): Peer['start'] {
  return ({ engines, database, stub, concurrency, nodes }) =>
    launchAll(nodes, {
      program: node(),
      args: [join(HERE, 'peers', `${name}.mjs`)],
      cwd: HERE,
      env: {
        DATABASE_URL: database.url,
        REDIS_URL: engines.redisUrl,
        STUB_URL: stub,
        ...(concurrency === undefined ? {} : { CONCURRENCY: String(Math.ceil(concurrency / nodes)) }),
      },
    })
}

/** Starts one process after the other; when one does not start those before it are stopped. */
async function launchAll(count: number, how: Launch): Promise<Running[]> {
  const running: Running[] = []
  try {
    for (let i = 0; i < count; i += 1) running.push(await launch(how))
  } catch (error) {
    for (const { stop } of running) await stop()
    throw error
  }
  return running
}

/** Starts so many nodes, which share the slots. */
async function startTaskApi(ground: Ground): Promise<Running[]> {
  const { engines, database, stub, concurrency, nodes, services, embedded } = ground
  const folder = await mkdtemp(join(tmpdir(), 'task_api-bench-node-'))
  const slots = concurrency === undefined ? undefined : Math.ceil(concurrency / nodes)
  const limits = slots === undefined ? {} : { concurrency: slots, timeout: '10m' }
  const config = {
    ...ground.file,
    services: { stub: { url: `${stub}/run`, ...limits, ...ground.ofStub }, ...services(stub) },
  }
  await writeFile(join(folder, 'task_api.yaml'), JSON.stringify(config))
  const env = {
    PORT: '0',
    ...(slots === undefined ? {} : { SLOTS: String(slots) }),
    DATA_DIR: join(folder, 'data'),
    ...(embedded ? {} : { DATABASE_URL: database.url, REDIS_URL: engines.redisUrl }),
    ...ground.env,
  }
  // As `npm start` does.
  const args = [
    '--heap-growing-percent=100',
    '--max-semi-space-size=8',
    ground.program ?? fileURLToPath(new URL('../src/bin.js', import.meta.url)),
    'start',
  ]
  const clear = (): Promise<void> => rm(folder, { recursive: true, force: true })
  const running = await launchAll(nodes, { args, cwd: folder, env }).catch(async (error: unknown) => {
    await clear()
    throw error
  })
  const [first, ...others] = running as [Running, ...Running[]]
  return [{ ...first, stop: () => first.stop().then(clear) }, ...others].toReversed()
}
