// The scenes of nodes that have nothing to do: statements and commands a second, and CPU.
import { readFile } from 'node:fs/promises'
import { setTimeout as passed } from 'node:timers/promises'
import type { Engines } from './engines.ts'
import { between, spent } from './functions.ts'
import { type Contender, measured } from './measure.ts'
import { cpuOf } from './processes.ts'
import type { Goal, Size } from './scene.ts'
import type { Figures } from './table.ts'

const STATEMENTS = 'statements/s'
const NODE_CPU = 'CPU of a core, %'

interface Fleet {
  readonly nodes: number
  readonly services: number
  /** Slots of each node; absent: as it comes. */
  readonly slots?: number
}

/** The contenders: nodes with so many services. */
export const IDLE: Readonly<Record<string, Fleet>> = {
  '1 service': { nodes: 1, services: 1 },
  '100 services': { nodes: 1, services: 100 },
}
/** Small nodes on one Postgres and one Redis. */
export const FLEETS: Readonly<Record<string, Fleet>> = Object.fromEntries(
  [5, 50].flatMap((services) =>
    [1, 3, 10].map((nodes) => [`${nodes} nodes, ${services} services`, { nodes, services, slots: 50 }]),
  ),
)

export const IDLE_GOALS: readonly Goal[] = Object.keys(IDLE).flatMap((of) => [
  { figure: STATEMENTS, of, most: 2 },
  { figure: NODE_CPU, of, most: 1 },
])

const SECOND = 1_000
/** How long the node is left alone before it is watched: garbage of the warm-up is collected, ms. */
const SETTLE = 3_000
/** A statement in Postgres' log. */
const LOGGED = /LOG: {2}(?:statement|execute [^:]*):/g

const COMMANDS = /total_commands_processed:(\d+)/
const TO_KIB = 1_024

/** Watches nodes that have nothing to do, for so many seconds. */
export async function idle(engines: Engines, contender: Contender, { count, warm }: Size): Promise<Figures> {
  const fleet = { ...IDLE, ...FLEETS }[contender.name] ?? { nodes: 1, services: 1 }
  const more = Array.from({ length: fleet.services - 1 }, (_, i) => `s${i}`)
  const services = (stub: string): Record<string, object> =>
    Object.fromEntries(more.map((name) => [name, { url: `${stub}/run` }]))
  const ground = {
    nodes: fleet.nodes,
    concurrency: fleet.slots === undefined ? undefined : fleet.slots * fleet.nodes,
    services,
    // Postgres' own counters come late: a backend tells of a statement up to ten seconds after it.
    settings: { log_statement: 'all', track_functions: 'pl' },
  }
  const { said } = await measured(engines, { ...contender, ground }, { count: warm }, async (run) => {
    const { database } = run.ground
    const look = async () => {
      const [wal] = await database.run(`select pg_current_wal_lsn() - '0/0' as bytes`)
      return {
        wal: Number(wal?.bytes),
        functions: await spent(database),
        commands: Number(COMMANDS.exec(await engines.redis.info('stats'))?.[1]),
        statements: (await readFile(engines.log, 'utf8')).match(LOGGED)?.length ?? 0,
        node: cpuOf(run.running.map(({ pid }) => pid)),
        postgres: cpuOf([engines.pids.postgres]),
        redis: cpuOf([engines.pids.redis]),
        at: performance.now(),
      }
    }
    await passed(SETTLE)
    const before = await look()
    await passed(count * SECOND)
    return { before, after: await look() }
  })
  const { before, after } = said
  const ms = after.at - before.at
  const each = (name: 'wal' | 'commands' | 'statements'): number => ((after[name] - before[name]) / ms) * SECOND
  const share = (name: 'node' | 'postgres' | 'redis'): number => ((after[name] - before[name]) / ms) * 100
  // The log belongs to all runs: a figure of nothing would only say that nothing was logged.
  if (after.statements === before.statements) throw new Error(`no statement in ${engines.log}`)
  const passes = between(before.functions, after.functions, /^claim$/)
  return {
    [STATEMENTS]: each('statements'),
    'Redis commands/s': each('commands'),
    'WAL KiB/s': each('wal') / TO_KIB,
    [NODE_CPU]: share('node'),
    "Postgres' CPU, %": share('postgres'),
    "Redis' CPU, %": share('redis'),
    'a full pass, µs': (passes.ms / passes.calls) * 1_000,
  }
}
