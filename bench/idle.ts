// The scene of a node that has nothing to do: statements a second, and CPU.
import { readFile } from 'node:fs/promises'
import { setTimeout as passed } from 'node:timers/promises'
import type { Engines } from './engines.ts'
import { type Contender, measured } from './measure.ts'
import { cpuOf } from './processes.ts'
import type { Goal, Size } from './scene.ts'
import type { Figures } from './table.ts'

const STATEMENTS = 'statements/s'
const NODE_CPU = 'CPU of a core, %'
/** The contenders: nodes with so many services. */
export const IDLE: Readonly<Record<string, number>> = { '1 service': 1, '100 services': 100 }

export const IDLE_GOALS: readonly Goal[] = Object.keys(IDLE).flatMap((of) => [
  { figure: STATEMENTS, of, most: 2 },
  { figure: NODE_CPU, of, most: 1 },
])

const SECOND = 1_000
/** How long the node is left alone before it is watched: garbage of the warm-up is collected, ms. */
const SETTLE = 3_000
/** A statement in Postgres' log. */
const LOGGED = /LOG: {2}(?:statement|execute [^:]*):/g

/** Watches a node that has nothing to do, for so many seconds. */
export async function idle(engines: Engines, contender: Contender, { count, warm }: Size): Promise<Figures> {
  const more = Array.from({ length: (IDLE[contender.name] ?? 1) - 1 }, (_, i) => `s${i}`)
  const services = (stub: string): Record<string, object> =>
    Object.fromEntries(more.map((name) => [name, { url: `${stub}/run` }]))
  // Postgres' own counters come late: a backend tells of a statement up to ten seconds after it.
  const ground = { concurrency: undefined, services, settings: { log_statement: 'all' } }
  const { said } = await measured(engines, { ...contender, ground }, { count: warm }, async ({ running }) => {
    const look = async () => ({
      statements: (await readFile(engines.log, 'utf8')).match(LOGGED)?.length ?? 0,
      node: cpuOf(running.map(({ pid }) => pid)),
      postgres: cpuOf([engines.pids.postgres]),
      at: performance.now(),
    })
    await passed(SETTLE)
    const before = await look()
    await passed(count * SECOND)
    return { before, after: await look() }
  })
  const { before, after } = said
  const ms = after.at - before.at
  const logged = after.statements - before.statements
  // The log belongs to all runs: a figure of nothing would only say that nothing was logged.
  if (logged === 0) throw new Error(`no statement in ${engines.log}`)
  return {
    [STATEMENTS]: (logged / ms) * SECOND,
    [NODE_CPU]: ((after.node - before.node) / ms) * 100,
    "Postgres' CPU, %": ((after.postgres - before.postgres) / ms) * 100,
  }
}
