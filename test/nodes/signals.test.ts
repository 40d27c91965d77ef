// Every way to start a node, and every signal that may end it: the node drains, and nothing of it stays behind.
import { expect } from 'chai'
import { type SpawnOptions, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { Agent } from 'node:http'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createMigrated } from '../support/databases.ts'
import { eventually } from '../support/eventually.ts'
import { installed } from '../support/installed.ts'
import { call, postOne } from '../support/load.ts'
import { Fleet } from '../support/fleet.ts'
import { Started, type Way, plainEnvironment } from '../support/started.ts'
import { type Cases, together } from '../support/together.ts'

const BIN = fileURLToPath(new URL('../../src/bin.js', import.meta.url))
const HOME = 'node_modules/task_api'
const LINUX = process.platform === 'linux'

/** From the folder in which the package is installed. */
const WAYS = {
  node: { argv: [process.execPath, BIN, 'start'], cwd: '.' },
  'npm start': { argv: ['npm', 'start'], cwd: HOME },
  npx: { argv: ['npx', '--no', 'task_api', 'start'], cwd: '.' },
} as const satisfies Record<string, Way>

/** The processes that were started with this text in their environment. Empty where there is no /proc. */
async function programsOf(text: string): Promise<number[]> {
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name))
  const environments = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')))
  return pids.filter((_pid, i) => environments[i]?.includes(text)).map(Number)
}

interface Case {
  readonly way: Way
  /** Ends the node. */
  end(started: Started): void
  /** How the process that was started must end: undefined where the signal kills it. */
  readonly code?: 0
  readonly options?: SpawnOptions
}

const byName = (name: NodeJS.Signals) => (started: Started) => void started.child.kill(name)

/** The node has a request under way when it is ended. It waits for the answer, writes it, and resigns. */
const drains = (one: Case) => async (): Promise<void> => {
  const folder = await installed()
  const database = await createMigrated()
  try {
    await Fleet.during((fleet) => drained(one, folder, fleet, database.url), {
      databaseUrl: database.url,
      redisUrl: null,
    })
  } finally {
    for (const pid of await programsOf(folder)) process.kill(pid, 'SIGKILL')
    await database.drop()
    await rm(folder, { recursive: true })
  }
}

async function drained({ way, end, code, options }: Case, folder: string, fleet: Fleet, url: string): Promise<void> {
  const config = join(folder, 'task_api.yaml')
  await writeFile(config, JSON.stringify({ services: { svc: { url: fleet.service.url } } }))
  const own = { DATABASE_URL: url, PORT: '0', DRAIN_TIMEOUT: '1m', TASK_API_CONFIG: config }
  const started = new Started({ ...way, cwd: join(folder, way.cwd) }, { ...plainEnvironment(), ...own }, options)
  const ended = once(started.child, 'exit')
  const api = await started.url()
  const agent = new Agent()
  await postOne(agent, api, 'held')
  await fleet.service.until((requests) => requests.length === 1, 30_000)
  end(started)
  await eventually(async () => {
    const { body } = await call(agent, 'GET', `${api}/readyz`)
    expect(body).to.include('draining')
  }, 30_000)
  fleet.service.letGo()
  await eventually(async () => {
    const answer = await call(agent, 'GET', `${api}/livez`).catch(() => undefined)
    expect(answer, 'an answer of the API').to.equal(undefined)
  }, 30_000)
  if (LINUX) await eventually(async () => expect(await programsOf(folder), 'processes').to.deep.equal([]), 30_000)
  const tasks = await fleet.sql('select status, attempt from tasks')
  expect(tasks).to.deep.equal([{ status: 'complete', attempt: 1 }])
  expect(await fleet.sql('select from nodes where lease_until > now()'), 'nodes that are up').to.deep.equal([])
  const [ends, killed] = (await ended) as [number | null, string | null]
  if (code !== undefined) expect([ends, killed], started.said).to.deep.equal([code, null])
}

/** The command in a terminal, whose window is closed: `script` holds the other end of it. */
const inTerminal = ({ argv, cwd }: Way): Way => ({ argv: ['script', '-qfc', argv.join(' '), '/dev/null'], cwd })
const closed = byName('SIGKILL')

/** The command as the first process of a container. */
const inContainer = ({ argv, cwd }: Way): Way => ({
  argv: ['unshare', '--pid', '--fork', '--mount-proc', ...argv],
  cwd,
})
const first = (started: Started): void => {
  const children = spawnSync('ps', ['-o', 'pid=', '--ppid', String(started.pid)], { encoding: 'utf8' })
  process.kill(Number(children.stdout), 'SIGTERM')
}
const hasContainers = LINUX && spawnSync('unshare', ['--pid', '--fork', '--mount-proc', 'true']).status === 0
const hasTerminals = LINUX && spawnSync('script', ['-qc', 'true', '/dev/null']).status === 0

const { node, npx, 'npm start': npmStart } = WAYS
const toAll = (started: Started): void => void process.kill(-started.pid, 'SIGTERM')

const CASES: Readonly<Record<string, Case>> = {
  'node, SIGTERM': { way: node, end: byName('SIGTERM'), code: 0 },
  'node, SIGINT': { way: node, end: byName('SIGINT'), code: 0 },
  'node, SIGHUP': { way: node, end: byName('SIGHUP'), code: 0 },
  'npm start, SIGTERM': { way: npmStart, end: byName('SIGTERM'), code: 0 },
  'npm start, SIGINT': { way: npmStart, end: byName('SIGINT'), code: 0 },
  'npm start, SIGHUP': { way: npmStart, end: byName('SIGHUP') },
  'npm start, SIGKILL': { way: npmStart, end: byName('SIGKILL') },
  'npm start, SIGTERM to all of it': { way: npmStart, end: toAll, code: 0, options: { detached: true } },
  'npx, SIGTERM': { way: npx, end: byName('SIGTERM') },
  // SIGINT is not among them: a shell keeps it to itself while its program runs. A terminal sends Ctrl-C to both.
  'npx, SIGHUP': { way: npx, end: byName('SIGHUP') },
  ...(hasTerminals && {
    'node, its terminal is closed': { way: inTerminal(node), end: closed },
    'npm start, its terminal is closed': { way: inTerminal(npmStart), end: closed },
    'npx, its terminal is closed': { way: inTerminal(npx), end: closed },
  }),
  ...(hasContainers && {
    'node in a container, SIGTERM': { way: inContainer(node), end: first, code: 0 },
    'npm start in a container, SIGTERM': { way: inContainer(npmStart), end: first, code: 0 },
  }),
}

const named = (text: string): Cases =>
  Object.fromEntries(
    Object.entries(CASES)
      .filter(([name]) => name.includes(text))
      .map(([name, one]) => [name, drains(one)]),
  )

describe('a node drains, whichever way it was started and is ended:', () => {
  for (const way of ['node,', 'npm start,', 'npx,', 'in a container,']) together(named(way), 180_000)
})
