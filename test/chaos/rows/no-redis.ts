// Redis absent for the whole run: the full pass alone must keep nearly the same pace.
import { MIX } from '../plan.ts'
import { type At, type Row, hold, inRig } from '../row.ts'

/** Tasks of one request, answered at once: nothing but the way from the POST to the end. */
const QUICK = { ...MIX, maxSteps: 0, maxPace: 0, failing: 0, flaky: 0, waiting: 0, large: 0, slow: 0 }
const CALLERS = 64
const ROUNDS = 2
const LEAST = 0.8

/** Tasks a second, from the first POST to the end of the last task. */
async function pace(at: At, redis: boolean, count: number): Promise<number> {
  let rate = 0
  await inRig({ seed: at.seed, scale: 1, mix: QUICK, redis }, async (rig) => {
    const begun = performance.now()
    await rig.callers.load({ count, width: CALLERS }).ended
    await rig.normal(60_000)
    rate = count / ((performance.now() - begun) / 1_000)
    return {}
  })
  return rate
}

export const noRedisRow: Row = {
  name: 'no-redis',
  fault: 'Redis absent for the whole run',
  count: 10_000,
  fullCount: 2_000,
  alone: true,
  promise: `at least ${LEAST * 100} % of the throughput with Redis`,
  scale: 1,
  async run(at) {
    const rates = { with: [] as number[], without: [] as number[] }
    for (let round = 0; round < ROUNDS; round += 1) {
      rates.with.push(await pace(at, true, at.count / ROUNDS))
      rates.without.push(await pace(at, false, at.count / ROUNDS))
      at.log(`with Redis ${Math.round(rates.with.at(-1) ?? 0)}/s, without ${Math.round(rates.without.at(-1) ?? 0)}/s`)
    }
    const best = (of: readonly number[]): number => Math.max(...of)
    const ratio = best(rates.without) / best(rates.with)
    hold({ [`the pace without Redis is ${ratio.toFixed(2)} of that with it`]: ratio >= LEAST })
    return {
      tasks: at.count,
      'with Redis, tasks/s': Math.round(best(rates.with)),
      'without, tasks/s': Math.round(best(rates.without)),
      ratio: ratio.toFixed(2),
    }
  },
}
