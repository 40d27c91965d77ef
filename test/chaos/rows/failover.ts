// The primary of Postgres is lost, and its synchronous standby promoted.
import { setTimeout as passed } from 'node:timers/promises'
import { expect } from 'chai'
import { eventually } from '../../support/eventually.ts'
import { type Loss, OwnPair, type Pairing } from '../pair.ts'
import type { Rig } from '../rig.ts'
import { type At, type Figures, type Row, hold, inRig, paced, spread } from '../row.ts'
import { NORMAL } from '../faults/fault.ts'

const RATE = 60
/** A POST is accepted, and its task complete, so soon after the promotion, ms. */
const BACK = 5_000
/** No node uses the old primary any more, ms. */
const LEFT = 15_000
const WAYS = (['hosts', 'address'] as const).flatMap((pair) =>
  (['killed', 'woken'] as const).map((how) => ({ pair, how })),
)

/** Waits until a task that was posted after the promotion is complete; milliseconds. */
async function working(rig: Rig): Promise<number> {
  const [begun, promoted] = [performance.now(), Date.now()]
  const complete = `select from tasks where status = 'complete' and id = any($1::bigint[])`
  const isPosted = ({ at = 0 }: { readonly at?: number }): boolean => at > promoted
  await eventually(async () => {
    const ids = rig.ledger.acknowledged.filter(isPosted).map(({ location = '' }) => location.replace('/tasks/', ''))
    expect((await rig.postgres.sql(complete, [ids])).length).to.be.above(0)
  })
  return performance.now() - begun
}

interface Lost {
  readonly figures: Figures
  readonly worked: number
  readonly normal: number
}

async function lose(at: At, pair: Pairing, how: Loss): Promise<Lost> {
  let [worked, normal] = [0, 0]
  const figures = await inRig({ seed: at.seed, scale: at.scale, pair }, async (rig) => {
    const { postgres } = rig
    if (!(postgres instanceof OwnPair)) throw new Error('Postgres has no standby')
    const load = rig.callers.load({ rate: paced(RATE, at), deleting: 0.02 })
    await passed(rig.random.within(3_000, 5_000))
    // A connection to a server that hangs is given up only after its time limit: trust may run out before.
    const span = { name: `failover, ${how}`, excuses: how === 'woken', cancelWithin: 8_000 }
    await rig.span(span, async () => {
      await postgres.failOver(how)
      worked = await working(rig)
      await eventually(async () => expect(await leftAt(postgres, how)).to.equal(0), LEFT)
    })
    normal = await rig.normal(NORMAL.postgres)
    await load.stop()
    at.log(`${pair}, ${how}: a new task complete after ${Math.round(worked)} ms, normal after ${Math.round(normal)} ms`)
    hold({ [`a new task was complete only after ${Math.round(worked)} ms`]: worked <= BACK })
    return {}
  })
  return { figures, worked, normal }
}

/** How many connections to the old primary are used. */
const leftAt = async ({ pair }: OwnPair, how: Loss): Promise<number> => (how === 'killed' ? 0 : pair.a.used())

export const failoverRow: Row = {
  name: 'failover',
  fault:
    'the primary of Postgres is lost and its synchronous standby promoted: kill -9 with all backends, or frozen before and woken after; both hosts in DATABASE_URL, or an address that moves',
  count: 2,
  fullCount: 1,
  alone: true,
  promise: 'no acknowledged task lost; a new task complete within 5 s; no node stays with the old primary',
  // Time limits of statements and connections do not shrink.
  scale: 1,
  async run(at) {
    const rounds =
      at.count > 1 ? Array.from({ length: at.count }, () => WAYS).flat() : WAYS.slice(at.seed % 3).slice(0, 2)
    const lost: Lost[] = []
    for (const [i, { pair, how }] of rounds.entries()) lost.push(await lose({ ...at, seed: at.seed + i }, pair, how))
    const sum = (name: string): number => lost.reduce((total, { figures }) => total + Number(figures[name]), 0)
    return {
      failovers: lost.length,
      'new task complete after': spread(lost.map(({ worked }) => worked)),
      'normal after': spread(lost.map(({ normal }) => normal)),
      ...Object.fromEntries(
        ['tasks', 'requests', 'repeats', 'late', 'unknown', 'deleted', 'stalls', 'starved'].map((name) => [
          name,
          sum(name),
        ]),
      ),
    }
  },
}
