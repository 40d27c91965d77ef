// A service that answers in every bad way, beside one that behaves: neither the node nor the other service may feel it.
import { setTimeout as passed } from 'node:timers/promises'
import { postHostile, startHostile, unendedHostile, wrongEnds } from '../faults/hostile.ts'
import { memoryGrowth } from '../memory.ts'
import { MIX } from '../plan.ts'
import type { Rig } from '../rig.ts'
import { type At, type Figures, type Row, hold, inRig } from '../row.ts'
import { MODES } from '../villain.ts'

const RATE = 60
/** Between two rounds of all modes, ms: it is the hostility that is measured, not the machine, which the hostile service shares. */
const PAUSE = 700
/** Until all code has run often enough, ms. */
const WARM = 6_000
/** It is quiet for so long, ms, then hostile, so many times: what else the machine does meets both. */
const QUIET = 8_000
const TURNS = 3
/** All hostile tasks have ended by then, ms. */
const ENDED = 120_000
const MOST_MEMORY = 100
/** A p99 below this is the noise of the machine, ms. */
const NOISE = 250

/** From when to when, ms since 1970. */
type Turn = readonly [from: number, to: number]

async function turnOf(body: () => Promise<unknown>): Promise<Turn> {
  const from = Date.now()
  await body()
  return [from, Date.now()]
}

/** The time of 99 of 100 tasks of the good service from acknowledgement to the end, of those posted in some turns, ms. */
async function p99(rig: Rig, turns: readonly Turn[]): Promise<number> {
  const [row] = await rig.postgres.sql<{ ms: number }>(
    `select coalesce(percentile_cont(0.99) within group (order by extract(epoch from finished_at - created_at) * 1000), 0)::double precision as ms
     from tasks join unnest($1::float8[], $2::float8[]) as turn (since, till)
       on created_at between to_timestamp(since) and to_timestamp(till)
     where service = 'svc'`,
    [turns.map(([from]) => from / 1_000), turns.map(([, to]) => to / 1_000)],
  )
  return row?.ms ?? 0
}

async function body(rig: Rig, at: At): Promise<Figures> {
  const load = rig.callers.load({ rate: RATE })
  await passed(WARM)
  const quiet: Turn[] = []
  const hostile: Turn[] = []
  const rounds = Math.ceil(at.count / TURNS)
  let taken = 0
  const strike = async (): Promise<void> => {
    for (let i = 0; i < rounds; i += 1) {
      taken += await postHostile(rig, rig.members[i % rig.members.length]?.url ?? '')
      await passed(PAUSE)
    }
    const end = performance.now() + ENDED
    for (let left = await unendedHostile(rig); left.length > 0; left = await unendedHostile(rig)) {
      if (performance.now() > end) throw new Error(`hostile tasks have not ended: ${left.join('; ')}`)
      await passed(200)
    }
  }
  const most = await memoryGrowth(rig, async () => {
    for (let turn = 0; turn < TURNS; turn += 1) {
      quiet.push(await turnOf(() => passed(QUIET)))
      hostile.push(await turnOf(strike))
    }
  })
  await load.stop()
  await rig.normal(30_000)
  const was = await p99(rig, quiet)
  const is = await p99(rig, hostile)
  const wrong = await wrongEnds(rig)
  hold({
    [wrong.join('; ')]: wrong.length === 0,
    [`only ${taken} hostile tasks were taken`]: taken === rounds * TURNS * Object.keys(MODES).length,
    [`a node's memory grew by ${most} MB`]: most < MOST_MEMORY,
    [`the other service's p99 went from ${Math.round(was)} to ${Math.round(is)} ms`]: is < 2 * Math.max(was, NOISE / 2),
  })
  return {
    modes: Object.keys(MODES).length,
    'hostile tasks': taken,
    'took, s': Math.round(hostile.reduce((sum, [from, to]) => sum + to - from, 0) / 1_000),
    'memory, MB more': most,
    'p99 of the other service, ms': `${Math.round(was)} without it, ${Math.round(is)} with it`,
  }
}

export const hostileRow: Row = {
  name: 'hostile',
  fault: `a hostile service: ${Object.keys(MODES).join(', ')}`,
  count: 50,
  // Fewer tell too little of one in a hundred.
  fullCount: 12,
  alone: true,
  promise: 'each task ends as the contract says; memory + < 100 MB; p99 of another service < 2x',
  async run(at) {
    const { services, stop } = await startHostile()
    const setup = { seed: at.seed, scale: at.scale, mix: { ...MIX, slow: 0, waiting: 0, flaky: 0 }, services }
    return inRig(setup, (rig) => body(rig, at)).finally(stop)
  },
}
