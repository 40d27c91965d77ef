// The scene of a flood: what a service with few tasks notices when another service has very many.
import type { Engines } from './engines.ts'
import { toRequest } from './loads.ts'
import { type Contender, measured } from './measure.ts'
import type { Size } from './scene.ts'
import type { Figures } from './table.ts'

/** The contender that has the flood. */
export const FLOODED = 'flood'
/** Tasks of the other service, a second. */
const RATE = 50
/** How long the flooded service takes for an answer, ms. */
const DELAY = 5
/** Without the flood, the other service gets so many of its tasks. */
const SHARE = 0.01
/** The number of the first task of the other service: the stub knows tasks by their numbers. */
const FIRST = 2_000_000_000

/** Posts tasks for one service as fast as they are answered, or none, and few for another; of these, the time from POST to request. */
export async function flood(engines: Engines, contender: Contender, { count, warm }: Size): Promise<Figures> {
  const services = (stub: string): Record<string, object> => ({
    flood: { url: `${stub}/run` },
    other: { url: `${stub}/run` },
  })
  const ground = { concurrency: undefined, services }
  const few = { services: ['other'], rate: RATE, first: FIRST }
  const warming = { count: warm, services: ['flood', 'other'] }
  const { said, measured: run } = await measured(engines, { ...contender, ground }, warming, async (started) => {
    let others = Math.ceil(count * SHARE)
    if (contender.name !== FLOODED) await started.post({ ...few, count: others })
    else {
      const end = started.beside({ ...few, count })
      try {
        await started.post({ count, services: ['flood'], delay: DELAY, timed: false })
        await started.finals(count)
      } finally {
        others = (await end()).count
      }
    }
    const all = contender.name === FLOODED ? count + others : others
    const latencies = await started.finals(all)
    await started.ended()
    return { latencies, all }
  })
  return { ...toRequest(said.latencies), 'tasks/s': said.all / run.seconds, 'others %': run.others * 100 }
}
