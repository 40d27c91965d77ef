// Sequences: fast-check draws them, each runs in a world of its own to its end, and is judged after every round.
import * as fc from 'fast-check'
import * as calls from './calls.ts'
import { callsOf, planOf, type Round, rounds } from './draws.ts'
import type { Figures } from './figures.ts'
import { keysAreTrue } from './creates.ts'
import { grantsAreTrue } from './grants.ts'
import { broken } from './history.ts'
import { interleave, type Plan } from './interleave.ts'
import { judge, Violation } from './judge.ts'
import { ended, mine } from './model.ts'
import { Tap } from './tap.ts'
import { type Bench, openBench, type Op, readRows, type World } from './world.ts'
import * as writes from './writes.ts'

/** What is to be run. `path` and `replay` are those that a failure has printed. */
export interface Run {
  readonly runs: number
  readonly seed: number
  readonly path?: string | undefined
  readonly replay?: string | undefined
  /** Whether the first failure will do: no smaller one is looked for. */
  readonly first?: boolean
  /** Nothing more is run once it is aborted. */
  readonly stop?: AbortSignal
}

const CALM: Plan = { order: undefined, faults: [] }
const ROUNDS = 24

/** What a sequence has seen so far, beside its world. */
interface Sequence {
  readonly world: World
  readonly gone: Set<string>
  readonly cancelled: Set<string>
  readonly figures: Figures
}

/** Runs the calls of a round, reads the rows, and judges. */
async function play({ world, gone, cancelled, figures }: Sequence, ops: readonly Op[], plan: Plan): Promise<void> {
  if (ops.length === 0) return
  for (const { asked } of ops) if (asked.verb === 'cancel') cancelled.add(asked.id)
  const heard = await interleave(world, ops, plan)
  const rows = await readRows(world.database)
  world.story.push(...lines(ops, heard, plan))
  figures.count(ops, heard)
  const wrong = broken(world.rows, rows, gone, cancelled)
  if (wrong !== undefined) throw new Violation(wrong)
  world.model = judge(world.model, rows, heard)
  const untrue = keysAreTrue(world.rows, rows, heard) ?? grantsAreTrue(world.rows, rows, heard)
  if (untrue !== undefined) throw new Violation(untrue)
  world.rows = rows
  for (const [op, report] of heard.reports) op.learn?.(report)
  for (const id of rows.tasks.keys()) if (!world.taskIds.includes(id)) world.taskIds.push(id)
}

/** What happened in a round, for whoever reads of a violation. */
function lines(
  ops: readonly Op[],
  { reports, sent }: Awaited<ReturnType<typeof interleave>>,
  { order }: Plan,
): string[] {
  const text = (value: unknown): string =>
    JSON.stringify(value, (_, one: unknown) => (one instanceof Map || one instanceof Set ? [...one] : one))
  const statements = sent.map(({ statement: { fault, applied }, covers }) => {
    const whose = covers.map((op) => (ops.includes(op) ? String(ops.indexOf(op)) : op.asked.verb)).join('+')
    return `${whose}${applied ? '' : ' not applied'}${fault === 'none' ? '' : ` ${fault}`}`
  })
  const told = ops.map((op, i) => `  ${i} ${op.by?.name ?? 'world'} ${text(op.asked)} → ${text(reports.get(op))}`)
  return [`${order ? 'in turns' : 'at once'}: ${statements.join(', ')}`, ...told]
}

/** Without faults, without a queue, by one node that all others have left alone: every task that is there ends. */
async function drain(sequence: Sequence): Promise<void> {
  const { world } = sequence
  const [node] = world.nodes
  if (!node) return
  const begin = [
    calls.worldOf(world, { verb: 'desert' }),
    calls.worldOf(world, { verb: 'due' }),
    calls.enrollOf(world, node),
  ]
  await play(sequence, begin, { order: [], faults: [] })
  await play(sequence, [calls.claimOf(world, node, [1_000, 1_000], 1_000, true)], CALM)
  const held = world.claims.filter((claim) => claim.node === node.id && mine(world.model.tasks.get(claim.id), claim))
  await play(
    sequence,
    held.filter(writes.isKnown).map((claim) => writes.settleOf(claim, 1)),
    CALM,
  )
  const left = [...world.model.tasks.values()].filter((task) => !ended(task))
  if (left.length > 0) throw new Violation(`these never end: ${JSON.stringify(left)}`)
  sequence.figures.ended += world.model.tasks.size
}

async function end(sequence: Sequence): Promise<void> {
  const { world } = sequence
  await drain(sequence)
  if (world.late.length === 0) return
  // What was late finds everything ended.
  const arrivals = world.late
    .splice(0)
    .flatMap(({ covers, statement }) => calls.arrivalOf(world, covers, statement.text, statement.values))
  await play(sequence, arrivals, { order: [], faults: [] })
  await drain(sequence)
}

class Playing implements fc.AsyncCommand<object, Sequence> {
  readonly #round: Round

  constructor(round: Round) {
    this.#round = round
  }

  check = (): boolean => true

  async run(_: object, sequence: Sequence): Promise<void> {
    const ops = callsOf(sequence.world, this.#round)
    await play(sequence, ops, planOf(this.#round, ops))
  }

  toString = (): string => this.#round.draws.map(({ verb }) => verb).join('+')
}

/** Runs sequences until one fails; undefined when none does, else what is wrong, how it came to be, and how it is run again. */
export async function check(
  bench: Bench,
  { runs, seed, path, replay, first = false, stop }: Run,
  figures: Figures,
): Promise<string | undefined> {
  const state: { story: readonly string[] } = { story: [] }
  const commands = fc.commands([rounds.map((round) => new Playing(round))], {
    maxCommands: ROUNDS,
    size: 'max',
    ...(replay === undefined ? {} : { replayPath: replay }),
  })
  const property = fc.asyncProperty(commands, async (drawn) => {
    if (stop?.aborted) return
    const world = await bench.fresh()
    figures.sequences += 1
    const sequence = { world, gone: new Set<string>(), cancelled: new Set<string>(), figures }
    try {
      await fc.asyncModelRun(() => ({ model: {}, real: sequence }), drawn)
      await end(sequence)
    } catch (error) {
      // The last one that fails is the smallest.
      state.story = world.story
      throw error
    }
  })
  const found = await fc.check(property, {
    numRuns: runs,
    seed,
    endOnFailure: first,
    ...(path === undefined ? {} : { path }),
  })
  if (!found.failed) return undefined
  const told = fc.stringify(found.counterexample)
  const again = /replayPath="([^"]*)"/.exec(told)?.[1] ?? ''
  const error = found.errorInstance instanceof Error ? found.errorInstance : undefined
  const what = error instanceof Violation ? error.message : (error?.stack ?? String(found.errorInstance))
  const command = `npm run test:model -- --seed ${seed} --path ${found.counterexamplePath ?? ''} --replay ${again}`
  return [`sequence ${found.numRuns} of seed ${seed}: ${what}`, ...state.story, told, `again: ${command}`].join('\n')
}

/** The same, side by side on databases of their own: the first lane has the seed itself, the others the numbers after it. */
export async function checkInLanes(
  lanes: number,
  { runs, seed, ...rest }: Run,
  figures: Figures,
): Promise<string | undefined> {
  const tap = new Tap<Op>()
  const failed = new AbortController()
  const lane = async (i: number): Promise<string | undefined> => {
    const bench = await openBench(tap)
    try {
      const own = { ...rest, runs: Math.ceil(runs / lanes), seed: seed + i, stop: failed.signal }
      const wrong = await check(bench, own, figures)
      if (wrong !== undefined) failed.abort()
      return wrong
    } finally {
      await bench.close()
    }
  }
  tap.start()
  const found = await Promise.all(Array.from({ length: lanes }, (_, i) => lane(i))).finally(() => tap.stop())
  return found.find((wrong) => wrong !== undefined)
}
