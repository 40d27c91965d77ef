// Draws: what fast-check chooses, and the calls that this comes to in the world as it is.
import * as fc from 'fast-check'
import * as calls from './calls.ts'
import { createOf } from './creates.ts'
import { grantOf } from './grants.ts'
import type { Plan } from './interleave.ts'
import { mine, type Verb } from './model.ts'
import type { Fault } from './tap.ts'
import type { Claim, Op, World } from './world.ts'
import * as writes from './writes.ts'

/** A call to be: what it falls on is taken around from what there is. */
export interface Draw {
  readonly verb: Verb | 'arrive'
  readonly node: number
  readonly pick: number
  readonly twist: number
}

/** Calls that are made at once, and how they meet. */
export interface Round extends Plan {
  readonly draws: readonly Draw[]
}

/** How often each is drawn. */
const WEIGHTS: Readonly<Record<Draw['verb'], number>> = {
  submit: 9,
  create: 7,
  claim: 8,
  grant: 7,
  pass: 5,
  checkpoint: 10,
  retry: 4,
  park: 4,
  release: 3,
  settle: 4,
  revive: 4,
  cancel: 2,
  expire: 2,
  beat: 2,
  enroll: 1,
  lapse: 3,
  sync: 3,
  due: 1,
  forget: 1,
  age: 1,
  wear: 2,
  desert: 0,
  arrive: 3,
}

const FAULTS: Readonly<Record<Fault, number>> = { none: 10, lost: 6, cut: 1, unsent: 3, late: 2, refused: 2 }

const weighted = <T extends string>(weights: Readonly<Record<T, number>>): fc.Arbitrary<T> =>
  fc.constantFrom(...Object.entries<number>(weights).flatMap(([one, weight]) => Array<T>(weight).fill(one as T)))

const draw: fc.Arbitrary<Draw> = fc.record({
  verb: weighted(WEIGHTS),
  node: fc.nat(2),
  pick: fc.nat(11),
  twist: fc.nat(11),
})
const faults = fc.oneof(
  { weight: 2, arbitrary: fc.constant<Fault[]>([]) },
  { weight: 1, arbitrary: fc.array(weighted(FAULTS), { minLength: 1, maxLength: 4 }) },
)
const order = fc.option(fc.array(fc.nat(5), { maxLength: 24 }), { nil: undefined, freq: 2 })

/** One call, or up to five at once. */
export const rounds: fc.Arbitrary<Round> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ draws: fc.tuple(draw), order: fc.constant(undefined), faults }) },
  { weight: 2, arbitrary: fc.record({ draws: fc.array(draw, { minLength: 2, maxLength: 5 }), order, faults }) },
)

/** The calls of a round. No claim makes two at once: its actor waits for the answer of the first. */
export function callsOf(world: World, { draws }: Round): Op[] {
  const ops: Op[] = []
  for (const one of draws) {
    const busy = new Set(ops.flatMap(({ claim }) => claim ?? []))
    ops.push(...callOf(world, one, busy))
  }
  return ops
}

/** What the world does to leases and to time: nothing overlaps with it. */
const LEASING: ReadonlySet<Verb> = new Set(['beat', 'enroll', 'lapse', 'desert', 'age'])

/** How the calls of a round meet: what the world does takes turns, as does what was late. */
export function planOf({ order, faults }: Round, ops: readonly Op[]): Plan {
  const turns = ops.length > 1 && ops.some(({ asked, standsFor }) => LEASING.has(asked.verb) || standsFor)
  return { order: order ?? (turns ? [] : undefined), faults }
}

function callOf(world: World, { verb, node, pick, twist }: Draw, busy: ReadonlySet<Claim>): Op[] {
  const by = around(world.nodes, node)
  if (!by) return []
  const { taskIds, nodeIds } = world
  const task = around(taskIds, pick)
  switch (verb) {
    case 'submit':
      return [calls.submitOf(world, by, twist % 3 === 0 ? 'endless' : 'timed', pick % 2 === 0)]
    case 'create':
      return [createOf(world, by, pick, twist === 11)]
    case 'claim':
      // From a mark that passes over some, all, or nothing of what is due.
      return [
        calls.claimOf(
          world,
          by,
          [1 + (pick % 3), 1 + (twist % 2)],
          9,
          false,
          Date.now() - ([60_000, 20, -1_000][twist % 3] ?? 0),
        ),
      ]
    case 'pass':
      return [calls.claimOf(world, by, [1 + (pick % 3), twist % 3], 1 + (pick % 4), twist !== 5)]
    case 'grant':
      return [grantOf(world, by, 1 + (pick % 3))]
    case 'cancel':
      return task === undefined ? [] : [calls.cancelOf(by, task)]
    case 'wear':
      return task === undefined ? [] : [calls.worldOf(world, { verb, id: task })]
    case 'expire':
      return [...(twist < 6 ? [calls.worldOf(world, { verb: 'age' })] : []), calls.expireOf(by)]
    case 'beat':
      return [calls.beatOf(by)]
    case 'enroll':
      return [calls.enrollOf(world, by)]
    case 'sync':
      return [calls.syncOf(world, by)]
    case 'lapse':
      // Mostly a node that is in use.
      return [calls.worldOf(world, { verb, node: twist === 0 ? (around(nodeIds, pick) ?? by.id) : by.id })]
    case 'due':
    case 'age':
    case 'forget':
    case 'desert':
      return [calls.worldOf(world, { verb })]
    case 'arrive': {
      const late = world.late.splice(pick % Math.max(1, world.late.length), 1)
      return late.flatMap(({ covers, statement }) => calls.arrivalOf(world, covers, statement.text, statement.values))
    }
    default:
      return writeOf(world, { verb, node, pick, twist }, busy)
  }
}

/** A write of a claim: mostly of one that holds, else of one that may be long over. */
function writeOf(world: World, { verb, node, pick, twist }: Draw, busy: ReadonlySet<Claim>): Op[] {
  const free = world.claims.filter((claim) => !busy.has(claim))
  const holding = free.filter((claim) => mine(world.model.tasks.get(claim.id), claim))
  const stale = twist >= 9
  const claim = around(stale ? free : holding, pick)
  const by = around(world.nodes, node)
  if (!claim) return by && world.taskIds.length > 0 ? [calls.claimOf(world, by, [3, 3], 3, true)] : []
  if (verb === 'revive') {
    const others = (stale ? free : holding).filter((other) => other.by === claim.by)
    return [calls.reviveOf(claim.by, onePerTask([claim, ...others]).slice(0, 1 + (twist % 3)))]
  }
  // Now and then a claim of the same task that its node had before is written in the same moment: they share a batch.
  const older = [6, 7, 8].includes(twist)
    ? free.findLast(({ id, by, token }) => id === claim.id && by === claim.by && token !== claim.token)
    : undefined
  const both = older ? [older, claim] : [claim]
  return (pick % 2 === 0 ? both : both.toReversed()).flatMap((one) => reportOf(verb, one, twist))
}

function reportOf(verb: Draw['verb'], claim: Claim, twist: number): Op[] {
  if (verb === 'release') return [writes.releaseOf(claim)]
  if (!writes.isKnown(claim)) return []
  switch (verb) {
    case 'checkpoint':
      return [writes.checkpointOf(claim, twist)]
    case 'retry':
      return [writes.retryOf(claim, twist)]
    case 'park':
      return [writes.parkOf(claim, twist)]
    case 'settle':
      return [writes.settleOf(claim, twist)]
    default:
      return []
  }
}

const onePerTask = <One extends Claim>(claims: readonly One[]): One[] =>
  [...new Map(claims.toReversed().map((one) => [one.id, one])).values()].toReversed()

const around = <One>(all: readonly One[], at: number): One | undefined => all[at % Math.max(1, all.length)]
