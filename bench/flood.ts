// The scene of a flood: what a service with few tasks notices when another service has very many, or a hundred others do.
import { SERVICES, silence } from './dead.ts'
import type { Engines } from './engines.ts'
import { toRequest } from './loads.ts'
import { type Contender, measured } from './measure.ts'
import { DEAD } from './peers.ts'
import type { Size } from './scene.ts'
import type { Figures } from './table.ts'

/** The contender that has the flood. */
export const FLOODED = 'flood'
/** The contender that has the flood over a hundred services, beside a slow one and a dead one. */
export const CROWDED = 'crowd'
/** The contender whose flood is more than its service can take, while the node has CPU left: that is what the contract speaks of. */
export const BACKLOG = 'backlog'
/** Its tasks, a part of those of the others; how many a second, and how long the service takes for each, ms. With 100 at once it is behind. */
const BEHIND = { part: 0.1, rate: 500, delay: 300 }
/** Tasks of the other service, a second. */
const RATE = 50
/** How long the flooded service takes for an answer, ms. */
const DELAY = 5
/** Without the flood, the other service gets so many of its tasks. */
const SHARE = 0.01
/** The number of the first task of the other service: the stub knows tasks by their numbers. */
const FIRST = 2_000_000_000

/** Services of the crowd, which get the flood in turn; and the tasks a second of the slow and of the dead one. */
const CROWD = Array.from({ length: SERVICES }, (_, i) => `s${i}`)
const BESIDE = 20
/** How long the slow service takes, ms. */
const SLOW = 2_000

/** Posts tasks for one service or a hundred as fast as they are answered, or none, and few for another; of these, the time from POST to request. */
export async function flood(engines: Engines, contender: Contender, size: Size): Promise<Figures> {
  const { warm } = size
  const silent = await silence()
  const behind = contender.name === BACKLOG
  const floods = behind || contender.name === FLOODED || contender.name === CROWDED
  const count = behind ? Math.ceil(size.count * BEHIND.part) : size.count
  const pace = behind ? { rate: BEHIND.rate, delay: BEHIND.delay } : { delay: DELAY }
  const flooded = contender.name === CROWDED ? CROWD : ['flood']
  const services = (stub: string): Record<string, object> => ({
    ...Object.fromEntries([...flooded, 'slow', 'other'].map((name) => [name, { url: `${stub}/run` }])),
    [DEAD]: { url: silent.url, timeout: '1s' },
  })
  const ground = { concurrency: undefined, services }
  const few = { services: ['other'], rate: RATE, first: FIRST, count }
  const beside = [
    { services: ['slow'], rate: BESIDE, first: FIRST - count, delay: SLOW, timed: false, count },
    { services: [DEAD], rate: BESIDE, first: FIRST - 2 * count, timed: false, count },
  ]
  const warming = { count: warm, services: [...flooded, 'other'] }
  try {
    const { said, measured: run } = await measured(engines, { ...contender, ground }, warming, async (started) => {
      let all = Math.ceil(count * SHARE)
      if (!floods) await started.post({ ...few, count: all })
      else {
        const ends = [few, ...(contender.name === CROWDED ? beside : [])].map((load) => started.beside(load))
        try {
          await started.post({ count, services: flooded, timed: false, ...pace })
          await started.finals(count)
        } finally {
          const [others, slow] = await Promise.all(ends.map((end) => end()))
          all = count + (others?.count ?? 0) + (slow?.count ?? 0)
        }
      }
      const latencies = await started.finals(all)
      await started.ended()
      return { latencies, all }
    })
    return { ...toRequest(said.latencies), 'tasks/s': said.all / run.seconds, 'others %': run.others * 100 }
  } finally {
    silent.stop()
  }
}
