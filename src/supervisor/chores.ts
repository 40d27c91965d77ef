// Chores: what any node does now and then for all of them. One row a chore.
import type { Timings } from '../core/timings.ts'
import type { Store } from '../store/store.ts'
import type { Log } from '../telemetry/log.ts'
import type { Lease } from './lease.ts'
import { Ticker } from './ticker.ts'

export interface ChoreDependencies {
  readonly store: Store
  readonly lease: Pick<Lease, 'trusted' | 'held'>
  readonly timings: Timings
  readonly log: Log
}

interface Chore {
  readonly name: string
  /** Milliseconds, for the times of this node. */
  every(timings: Timings): number
  run(by: ChoreDependencies): Promise<void>
}

export const CHORES: readonly Chore[] = [
  {
    name: 'fail tasks of forgotten services',
    every: ({ forgotten }) => forgotten / 12,
    run: async ({ store, lease, timings, log }) => {
      // Who has not been here for that long cannot know whether a service was known.
      if (lease.held < timings.forgotten) return
      for (const { id, service } of await store.failUnknown(timings.forgotten))
        log.warn({ task: id, service, why: 'unknown_service' }, 'task failed')
    },
  },
  { name: 'delete nodes that are gone', every: () => 3_600_000, run: ({ store }) => store.forgetNodes() },
]

/** Makes the parts that run the chores. */
export const makeChores = (by: ChoreDependencies): Ticker[] =>
  CHORES.map(({ name, every, run }) => {
    const turn = async (): Promise<boolean> => {
      if (by.lease.trusted) await run(by)
      return false
    }
    return new Ticker({ name, every: every(by.timings), log: by.log, run: turn })
  })
