// Threads that die of a task: by an error, by an exit, in an endless loop, and out of memory.
import { type Poison, convicted } from '../faults/threads.ts'
import { DEATH } from '../member.ts'
import type { Rig } from '../rig.ts'
import { type Row, inRig } from '../row.ts'

const POISONS: readonly Poison[] = ['throw', 'exit', 'loop', 'memory']
/** So little memory that a thread is full in a moment, bytes. */
const MEMORY = 300_000_000
const deaths = (rig: Rig): number =>
  rig.members.reduce((sum, { process }) => sum + process.lines.filter(({ msg }) => DEATH.test(msg)).length, 0)

export const threadsRow: Row = {
  name: 'threads',
  fault: `a thread dies: ${POISONS.join(', ')}`,
  count: 50,
  fullCount: 4,
  promise: 'only the poison task fails, with `crashed`; its neighbours end well, the process lives',
  run: (at) =>
    inRig({ seed: at.seed, scale: at.scale, poisons: true, env: { CHAOS_MEMORY: String(MEMORY) } }, async (rig) => {
      const random = rig.random.fork('threads')
      const load = rig.callers.load({ rate: 60 })
      let poisons = 0
      while (deaths(rig) < at.count) {
        const how = POISONS[poisons % POISONS.length] ?? 'throw'
        const before = deaths(rig)
        const { url } = random.pick(rig.members)
        // The judge takes what may be repeated from the nodes' own words of each death.
        const code = await convicted(rig, how, url)
        if (code !== 'crashed') throw new Error(`poison by ${how} ended as ${code}`)
        poisons += 1
        at.log(`${how}: found out after ${deaths(rig) - before} deaths`)
      }
      await load.stop()
      const normal = await rig.normal(15_000)
      return { deaths: deaths(rig), 'poison tasks': poisons, 'normal after, ms': Math.round(normal) }
    }),
}
