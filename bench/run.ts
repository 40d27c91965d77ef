// `npm run bench`: task_api and its peers on the same jobs, in rounds that take turns; prints tables, and writes them with --write.
import { parseArgs } from 'node:util'
import { origin, publish, table } from '../test/support/printed.ts'
import { DURABILITY, type Engines, startEngines } from './engines.ts'
import { installPeers, newerNode } from './install.ts'
import { CONCURRENCY, type Contender } from './measure.ts'
import { PEERS, PEER_NAMES, SLOW } from './peers.ts'
import { type Scene, type Size, sizeFor, sizeOf } from './scene.ts'
import { SCENES } from './scenes.ts'
import { type Figures, type Rounds, figuresTable, inDigits } from './table.ts'
import { verdicts } from './verdict.ts'

const USAGE = `npm run bench                              every scene, everybody, three rounds
npm run bench -- --quick                   one small round of the main scenes, a minute
npm run bench -- --scenes loop,light --peers task_api,bullmq --rounds 3
npm run bench -- --scenes flood --tasks 5000 --rounds 1      a small trial: so many tasks, and fewer to warm up
  scenes: ${Object.keys(SCENES).join(', ')}
  peers:  ${PEER_NAMES.join(', ')}
  --write   puts the tables into docs/results/performance.md
`
const ROUNDS = 3

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    scenes: { type: 'string' },
    peers: { type: 'string' },
    rounds: { type: 'string' },
    tasks: { type: 'string' },
    write: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

/** The names that were given, each of which must be one of those that there are. */
function chosen(given: string | undefined, all: readonly string[]): readonly string[] {
  const names = given?.split(',') ?? all
  const strange = names.filter((name) => !all.includes(name))
  if (strange.length > 0) throw new Error(`there are no such: ${strange.join(', ')}\n${USAGE}`)
  return names
}

/** A whole number from 1 that was given, if it was. */
function countOf(name: string, given: string | undefined): number | undefined {
  if (given === undefined) return undefined
  if (!/^[1-9]\d*$/.test(given)) throw new Error(`--${name} takes a whole number from 1\n${USAGE}`)
  return Number(given)
}

const begun = performance.now()
const say = (text: string): void =>
  void process.stdout.write(`${((performance.now() - begun) / 1_000).toFixed(1).padStart(7)} ${text}\n`)
// Nothing is left behind: all that was started ends with this process.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1))

async function main(): Promise<void> {
  installPeers()
  const names = chosen(values.scenes, Object.keys(SCENES))
  const peers = chosen(values.peers, PEER_NAMES)
  const rounds = countOf('rounds', values.rounds) ?? (values.quick ? 1 : ROUNDS)
  const tasks = countOf('tasks', values.tasks)
  const engines = await startEngines()
  const versions = await engines.versions()
  try {
    for (const name of names) {
      const scene = SCENES[name]
      const usual = values.quick ? scene?.quick : scene?.full
      if (!scene || !usual) continue
      const size = scene.unit === 'seconds' ? usual : sizeOf(usual, tasks)
      const contenders = taking(scene, peers)
      const begun = performance.now()
      const figures = await play({ name, scene, contenders, size, rounds, engines })
      const goals = verdicts(name, scene, figures)
      const lines = [
        wordsOf(scene, contenders, size),
        '',
        ...(goals.length > 0 ? [...table(['figure or ratio', 'measured', 'wanted'], goals), ''] : []),
        ...figuresTable(figures),
        '',
        `${origin(commandOf(name, rounds), (performance.now() - begun) / 1_000)} ${versions}.`,
      ]
      process.stdout.write(`\n### ${name}\n\n${lines.join('\n')}\n\n`)
      if (values.write) publish(name === 'fleet' ? 'scale' : 'performance', name, lines)
    }
    if (values.write) publish('performance', 'peers', settings())
  } finally {
    await engines.stop()
  }
}

function wordsOf({ words, unit = 'tasks' }: Scene, contenders: readonly Contender[], { count, slow }: Size): string {
  const slower = contenders.filter(({ peer }) => slow !== undefined && SLOW.includes(peer)).map(({ name }) => name)
  const fewer = slower.length > 0 ? ` (${(count * (slow ?? 1)).toLocaleString('en')} of ${slower.join(', ')})` : ''
  return `${words[0]?.toUpperCase()}${words.slice(1)}: ${count.toLocaleString('en')} ${unit}${fewer}.`
}

const taking = (scene: Scene, peers: readonly string[]): readonly Contender[] =>
  scene.contenders.filter(
    ({ peer }) => peers.includes(peer) && (!values.quick || scene.quick?.peers.includes(peer) === true),
  )

interface Play {
  readonly name: string
  readonly scene: Scene
  readonly contenders: readonly Contender[]
  readonly size: Size
  readonly rounds: number
  readonly engines: Engines
}

/** All rounds of a scene. Each begins with somebody else, so that nobody is always first. */
async function play({ name, scene, contenders, size, rounds, engines }: Play): Promise<Rounds> {
  const done = new Map<string, (Figures | undefined)[]>(contenders.map((one) => [one.name, []]))
  for (let round = 0; round < rounds; round += 1)
    for (const i of contenders.keys()) {
      const contender = contenders[(i + round) % contenders.length] as Contender
      const of = `${name}, round ${round + 1}, ${contender.name}`
      try {
        const figures = await scene.run(engines, contender, sizeFor(contender, size))
        done.get(contender.name)?.push(figures)
        say(`${of}: ${inWords(figures)}`)
      } catch (error) {
        process.exitCode = 1
        done.get(contender.name)?.push(undefined)
        say(`${of}: void. ${error instanceof Error ? error.stack : String(error)}`)
      }
    }
  return done
}

const inWords = (figures: Figures): string =>
  Object.entries(figures)
    .map(([name, value]) => `${name} ${inDigits(value)}`)
    .join(', ')

/** The command that prints a scene of this run again. */
const commandOf = (name: string, rounds: number): string =>
  `npm run bench -- --scenes ${name} --rounds ${rounds}${values.peers === undefined ? '' : ` --peers ${values.peers}`}${values.tasks === undefined ? '' : ` --tasks ${values.tasks}`}`

/** How the engines and everybody are set. */
function settings(): string[] {
  const node = newerNode() === process.execPath ? '' : ' Node 22 for pg-boss and graphile-worker.'
  return [
    `${DURABILITY}. 64 connections, ${CONCURRENCY} tasks in hand where nothing else is said.${node} \`others\`: what else the machine was busy with.`,
    '',
    ...PEER_NAMES.map((name) => `- **${name}** ${PEERS[name].version()}: ${PEERS[name].settings}.`.replace(' :', ':')),
  ]
}

if (values.help) process.stdout.write(USAGE)
else await main()
