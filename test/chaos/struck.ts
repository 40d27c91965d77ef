// Rows that are the same fault again and again under a steady load: strike, and measure until all is normal again.
import { setTimeout as passed } from 'node:timers/promises'
import { type Fault, within } from './faults/fault.ts'
import type { Setup } from './setup.ts'
import { type At, type Figures, hold, inRig, paced, spread } from './row.ts'

export interface Struck {
  readonly faults: readonly Fault[]
  /** Posts a second in a counted run. */
  readonly rate: number
  /** Milliseconds of quiet before each strike. */
  readonly pause: number
  /** More tasks are posted after the last strike until there were so many. */
  readonly tasks?: number
  /** Whether no POST may be refused meanwhile. */
  readonly served?: boolean
  readonly setup?: Partial<Setup>
}

/** Strikes `at.count` times with each of the faults, in an order drawn from the seed. */
export function strikeAll(
  { faults, rate: most, pause, tasks = 0, served = false, setup = {} }: Struck,
  at: At,
): Promise<Figures> {
  const rate = paced(most, at)
  return inRig({ seed: at.seed, scale: at.scale, ...setup }, async (rig) => {
    const random = rig.random.fork('faults')
    const strikes = random.shuffle(faults.flatMap((fault) => Array.from({ length: at.count }, () => fault)))
    const took = new Map<string, number[]>()
    const load = rig.callers.load({ rate, deleting: 0.02 })
    for (const fault of strikes) {
      await passed(random.within(pause / 2, pause))
      await fault.strike(rig, random)
      const ms = await rig.normal(within(fault, at.scale))
      at.log(`${fault.name}: normal after ${Math.round(ms)} ms`)
      took.set(fault.name, [...(took.get(fault.name) ?? []), ms])
    }
    // The callers' pace is given: so many are posted in this time.
    const end = performance.now() + (tasks / rate) * 2_000
    while (load.posted < tasks && performance.now() < end) await passed(100)
    await load.stop()
    const refused = rig.ledger.acknowledged.reduce((sum, entry) => sum + entry.refused, 0)
    hold({ [`${refused} posts were refused`]: !served || refused === 0 })
    const normal = [...took].map(([name, ms]) => `${name} ${spread(ms)}`).sort()
    return { faults: strikes.length, 'normal after': normal.join(', ') }
  })
}
