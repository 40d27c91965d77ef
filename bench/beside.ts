// This checkout beside another one, such as an older release: a node of each, on the same engines, is given the same tasks by turns. What
// the machine does meets both, so that a few percent can be seen where rounds of the bench differ by a quarter.
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { origin, table } from '../test/support/printed.ts'
import { Assistant, until } from './assistant.ts'
import type { Posted, Posting } from './client.ts'
import { type Engines, startEngines } from './engines.ts'
import { CONCURRENCY, WIDTH } from './measure.ts'
import { type Ground, PEERS, type Running } from './peers.ts'
import { cpuOf } from './processes.ts'
import type { Asked, Said } from './stub.ts'
import { inDigits, median, percentile } from './table.ts'

const USAGE = `npm run bench:beside -- --other ../older           the folder of another checkout, which is built
npm run bench:beside -- --other ../older --steps 4 --tasks 1000 --pairs 20
  steps: answers 206 of each task (default 0); tasks: of one turn (default 2500); pairs: of turns (default 20)
`
/** Turns of each that are not counted. */
const WARM = 6

/** What a turn costs, ms: the time until every task has ended, and the CPU of the node and of Postgres. */
type Turn = Readonly<Record<'time' | 'CPU of the node' | 'CPU of Postgres', number>>

/** A node that takes turns. */
interface Side {
  turn(): Promise<Turn>
  stop(): Promise<void>
}

const { values } = parseArgs({
  options: {
    other: { type: 'string' },
    steps: { type: 'string', default: '0' },
    tasks: { type: 'string', default: '2500' },
    pairs: { type: 'string', default: '20' },
  },
})

async function main(other: string): Promise<void> {
  const begun = performance.now()
  const [steps, count, pairs] = [Number(values.steps), Number(values.tasks), Number(values.pairs)]
  const engines = await startEngines()
  const stub = new Assistant<Said>('./stub.js')
  const client = new Assistant<Posted>('./client.js')
  try {
    const first = await stub.says()
    let finals = 0
    const load = async (url: string): Promise<void> => {
      const posting = { urls: [url], width: WIDTH, count, steps, timed: false } satisfies Posting
      const { failed } = await client.ask(posting)
      if (failed > 0) throw new Error(`${failed} calls failed`)
      await stub.ask({ finals: (finals += count) } satisfies Asked)
    }
    const address = `http://127.0.0.1:${'port' in first ? first.port : 0}`
    const sides = [
      await openSide(engines, address, load),
      await openSide(engines, address, load, resolve(other, 'dist/src/bin.js')),
    ] as const
    const [ours, theirs] = sides
    const ratios: Turn[] = []
    for (let pair = -WARM; pair < pairs; pair += 1) {
      // Who begins changes: the second finds the caches as the first has left them.
      const [one, two] = pair % 2 === 0 ? [ours, theirs] : [theirs, ours]
      const turns = new Map([
        [one, await one.turn()],
        [two, await two.turn()],
      ])
      if (pair >= 0) ratios.push(ratioOf(turns.get(ours) as Turn, turns.get(theirs) as Turn))
    }
    for (const side of sides) await side.stop()
    const command = `npm run bench:beside -- ${process.argv.slice(2).join(' ')}`
    process.stdout.write(
      `${[...tableOf(ratios), '', origin(command, (performance.now() - begun) / 1_000)].join('\n')}\n`,
    )
  } finally {
    await Promise.all([client.stop(), stub.stop()])
    await engines.stop()
  }
}

/** Starts a node on a database of its own. */
async function openSide(
  engines: Engines,
  stub: string,
  load: (url: string) => Promise<void>,
  program?: string,
): Promise<Side> {
  const usual = { concurrency: CONCURRENCY, nodes: 1, embedded: false, services: () => ({}), settings: {} }
  const database = await engines.database()
  const env = { REDIS_PREFIX: program === undefined ? 'ours:' : 'theirs:' }
  const ground: Ground = { ...usual, engines, database, stub, env, ...(program !== undefined && { program }) }
  const running = await PEERS.task_api.start(ground)
  const [{ url, pid, stop }] = running as [Running]
  return {
    async turn() {
      const [node, postgres, begun] = [cpuOf([pid]), cpuOf([engines.pids.postgres]), performance.now()]
      await load(url)
      await until('the end of all tasks', async () => (await PEERS.task_api.standing(ground, running)).unfinished === 0)
      return {
        time: performance.now() - begun,
        'CPU of the node': cpuOf([pid]) - node,
        'CPU of Postgres': cpuOf([engines.pids.postgres]) - postgres,
      }
    },
    async stop() {
      await stop()
      await database.drop()
    },
  }
}

const FIGURES = ['time', 'CPU of the node', 'CPU of Postgres'] as const

const ratioOf = (ours: Turn, theirs: Turn): Turn =>
  Object.fromEntries(FIGURES.map((figure) => [figure, ours[figure] / theirs[figure]])) as Turn

function tableOf(ratios: readonly Turn[]): string[] {
  const rows = FIGURES.map((figure) => {
    const all = ratios.map((ratio) => ratio[figure])
    return [figure, inDigits(median(all)), `${inDigits(percentile(all, 0.25))} to ${inDigits(percentile(all, 0.75))}`]
  })
  return table(['this checkout : the other', 'median', 'half of the pairs'], rows)
}

if (values.other === undefined) process.stdout.write(USAGE)
else await main(values.other)
