// Nodes that die at a named point on the way of a task.
import { NORMAL } from '../faults/fault.ts'
import { MOST_PASSES, REACHED, dead } from '../faults/points.ts'
import type { Member } from '../member.ts'
import { POINTS, type Point } from '../points.ts'
import type { Random } from '../random.ts'
import type { Rig } from '../rig.ts'
import { type At, Breach, type Row, hold, inRig } from '../row.ts'

/** Posts a second: few, as each death costs the start of a node, and load makes that slow. */
const RATE = 12

/** What a victim dies of, one after the other. */
interface Fate {
  readonly rig: Rig
  readonly member: Member
  readonly points: readonly Point[]
  readonly random: Random
  /** Whether another victim's run is over before its time. */
  readonly over: AbortSignal
  readonly at: At
}

/** A member dies at one point after the other, started again at once. Throws a `Breach` when it lives on. */
async function suffer({ rig, member, points, random, over, at }: Fate): Promise<void> {
  await member.end('SIGKILL')
  await dead(rig, member, 'by a signal')
  for (const point of points) {
    if (over.aborted) return
    const nth = random.within(1, MOST_PASSES)
    const begun = performance.now()
    const how = await member.startToDie(point, nth, REACHED)
    if (how !== 'SIGKILL')
      throw new Breach([`${member.name} was to die at "${point}", time ${nth}, but ${how ?? 'nothing'} came of it`])
    await dead(rig, member, point)
    at.log(`${member.name} died at "${point}", time ${nth}, ${Math.round(performance.now() - begun)} ms old`)
  }
  await member.start()
}

/** Two of the nodes die again and again; the others carry on, and take over. */
async function sufferAll(rig: Rig, points: readonly Point[], at: At): Promise<void> {
  const victims = rig.members.slice(0, 2)
  const over = new AbortController()
  const fates = victims.map((member, i) => {
    const own = points.filter((_, place) => place % victims.length === i)
    const random = rig.random.fork(`dies ${member.name}`)
    return suffer({ rig, member, points: own, random, over: over.signal, at }).catch((error: unknown) => {
      over.abort()
      throw error
    })
  })
  // Nothing is started any more when the rig is closed.
  for (const fate of await Promise.allSettled(fates)) if (fate.status === 'rejected') throw fate.reason
}

/** The longest time from a POST to the end of its task, ms, of those that are not slow by their plan. */
async function longestLife(rig: Rig): Promise<number> {
  const [row] = await rig.postgres.sql<{ ms: number }>(
    `select coalesce(extract(epoch from max(finished_at - created_at)) * 1000, 0)::double precision as ms
     from tasks where service = 'svc'`,
  )
  return row?.ms ?? 0
}

export const pointsRow: Row = {
  name: 'points',
  fault: `kill -9 at named points: ${POINTS.join(', ')}`,
  count: 20,
  fullCount: 1,
  promise: 'each point reached; nothing lost, nothing doubled unless told; normal within 12 s',
  run: (at) =>
    inRig({ seed: at.seed, scale: at.scale }, async (rig) => {
      const all = POINTS.flatMap((point) => Array.from({ length: at.count }, () => point))
      // At full times the three runs together have each point.
      const mine = at.scale === 1 ? all.filter((_, i) => i % 3 === at.seed % 3) : all
      const load = rig.callers.load({ rate: RATE, deleting: 0.02 })
      await sufferAll(rig, rig.random.fork('points').shuffle(mine), at)
      const normal = await rig.normal(NORMAL.node)
      await load.stop()
      const longest = await longestLife(rig)
      // With shorter times a task that lost several owners is not late either.
      hold({ [`a task took ${Math.round(longest)} ms`]: at.scale === 1 || longest <= NORMAL.node })
      const points = new Set(mine).size
      return {
        kills: mine.length,
        points,
        'kills per point': mine.length / points,
        'normal after, ms': Math.round(normal),
        'longest life of a task, ms': Math.round(longest),
      }
    }),
}
