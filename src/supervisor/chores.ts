// Chores: what any node does now and then for all of them. One row a chore.
import type { Services } from '../core/service.ts'
import type { Timings } from '../core/timings.ts'
import { expire } from '../lifecycle/expire.ts'
import { failUnknown } from '../lifecycle/fail-unknown.ts'
import type { Store } from '../store/store.ts'
import type { Log } from '../telemetry/log.ts'
import type { Lease } from './lease.ts'
import { purgeEvery, type Purging } from './purge.ts'
import { Ticker } from './ticker.ts'

/** The part of the time that each chore may take: with many dead entries in an index a turn is long. */
const SHARE = 1 / 50

/** Of the purge, whose statements are small: others must not feel it. */
const PURGE_SHARE = 1 / 10

export interface ChoreDependencies {
  readonly store: Store
  readonly lease: Pick<Lease, 'trusted' | 'held'>
  readonly services: Services
  readonly timings: Timings
  /** How long the keys of callers are kept, ms. */
  readonly keyWindow: number
  readonly purging: Pick<Purging, 'run'>
  readonly log: Log
}

interface Chore {
  readonly name: string
  /** Milliseconds, for the times of this node. */
  every(timings: Timings): number
  /** The part of the time that it may take, also while there is more to do; default: `SHARE`, and no pause then. */
  readonly pace?: number
  /** One turn; true: there is more to do at once. */
  run(by: ChoreDependencies): Promise<boolean>
}

export const CHORES: readonly Chore[] = [
  {
    name: 'fail tasks of forgotten services',
    every: ({ forgotten }) => forgotten / 6,
    run: async ({ store, lease, timings, log }) => {
      // Who has not been here for that long cannot know whether a service was known.
      if (lease.held < timings.forgotten) return false
      for (const { id, service } of await failUnknown({ store }, timings.forgotten))
        log.event('task_failed_unknown_service', { task: id, service, why: 'unknown_service' })
      return false
    },
  },
  {
    name: 'fail tasks that wait past their deadline',
    every: ({ pass }) => 5 * pass,
    run: async ({ store, services, log }) => {
      const { expired, more } = await expire({ store }, services)
      for (const { id, service } of expired)
        log.event('task_failed_deadline', { task: id, service, why: 'deadline_exceeded' })
      return more
    },
  },
  {
    name: 'adopt tasks of owners without a row',
    every: ({ pass }) => 30 * pass,
    run: async ({ store }) => {
      await store.adoptOwners()
      return false
    },
  },
  {
    name: 'forget the keys of POSTs',
    every: () => 60_000,
    run: ({ store, keyWindow }) => store.forgetKeys(keyWindow),
  },
  {
    name: 'purge tasks that ended long ago',
    every: purgeEvery,
    pace: PURGE_SHARE,
    run: ({ purging }) => purging.run(),
  },
  {
    name: 'write the counts of the minute',
    every: () => 10_000,
    run: async ({ store }) => {
      await store.minutes.write()
      return false
    },
  },
  {
    name: 'forget minutes',
    every: () => 600_000,
    run: ({ store }) => store.minutes.forget(),
  },
  {
    name: 'delete nodes that are gone',
    every: () => 3_600_000,
    run: async ({ store }) => {
      await store.forgetNodes()
      return false
    },
  },
]

/** Makes the parts that run the chores. */
export const makeChores = (by: ChoreDependencies): Ticker[] =>
  CHORES.map(({ name, every, pace, run }) => {
    const turn = async (): Promise<boolean> => by.lease.trusted && run(by)
    const rhythm = { every: every(by.timings), share: pace ?? SHARE, paced: pace !== undefined }
    return new Ticker({ name, ...rhythm, log: by.log, run: turn })
  })
