// Rows that are the same fault again and again under a steady load: strike, and measure until all is normal again.
import { setTimeout as passed } from 'node:timers/promises'
import type { Fault } from './faults/fault.ts'
import type { Setup } from './rig.ts'
import { type At, type Figures, inRig, spread } from './row.ts'

export interface Struck {
  readonly faults: readonly Fault[]
  /** Posts a second. */
  readonly rate: number
  /** Milliseconds of quiet before each strike. */
  readonly pause: number
  /** More tasks are posted after the last strike until there were so many. */
  readonly tasks?: number
  readonly setup?: Partial<Setup>
}

/** Strikes `at.count` times with each of the faults, in an order drawn from the seed. */
export function strikeAll({ faults, rate, pause, tasks = 0, setup = {} }: Struck, at: At): Promise<Figures> {
  return inRig({ seed: at.seed, scale: at.scale, ...setup }, async (rig) => {
    const random = rig.random.fork('faults')
    const strikes = random.shuffle(faults.flatMap((fault) => Array.from({ length: at.count }, () => fault)))
    const took = new Map<string, number[]>()
    const load = rig.callers.load({ rate, deleting: 0.02 })
    for (const fault of strikes) {
      await passed(random.within(pause / 2, pause))
      await fault.strike(rig, random)
      const ms = await rig.normal(fault.normal)
      at.log(`${fault.name}: normal after ${Math.round(ms)} ms`)
      took.set(fault.name, [...(took.get(fault.name) ?? []), ms])
    }
    while (load.posted < tasks) await passed(100)
    await load.stop()
    const normal = [...took].map(([name, ms]) => `${name} ${spread(ms)}`).sort()
    return { faults: strikes.length, 'normal after': normal.join(', ') }
  })
}
