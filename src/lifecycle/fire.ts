// Fire: the time of a schedule has come. The schedule moves on to its next time, and its task is created, in one commit.
import type { Supervision } from '../core/ports.ts'
import { turnOf } from '../core/schedule.ts'
import type { Services } from '../core/service.ts'
import type { Queue } from '../queue/port.ts'
import type { Store } from '../store/store.ts'
import type { Log } from '../telemetry/log.ts'
import { ring } from './submit.ts'

export interface FireDependencies {
  readonly store: { readonly schedules: Pick<Store['schedules'], 'due' | 'fire'> }
  readonly queue: Pick<Queue, 'push'>
  readonly supervision: Pick<Supervision, 'pushed' | 'pushFailed' | 'due'>
  readonly services: Services
  readonly log: Log
}

/** Schedules that one statement moves on at most. */
const MOST = 100

/** What came of it. */
export interface Fires {
  /** Schedules that were moved on. */
  readonly moved: number
  /** Schedules whose time has come and that were not: another node has or had them, or this node cannot read them. */
  readonly left: number
  /** Until the next time of the others, ms; Infinity: there is none. */
  readonly wait: number
}

/** Fires the schedules whose time has come by Postgres' clock, at most 100. Throws a `StoreError`. */
export async function fire({ store, queue, supervision, services, log }: FireDependencies): Promise<Fires> {
  const { schedules, now, next } = await store.schedules.due(MOST)
  const firings = schedules.flatMap((schedule) => {
    try {
      const turn = turnOf(schedule, now)
      return turn ? [{ schedule, ...turn }] : []
    } catch (err) {
      log.event('schedule_unreadable', { err, schedule: schedule.name })
      return []
    }
  })
  const fired = firings.length > 0 ? await store.schedules.fire(firings, services) : []
  for (const { id, service } of fired)
    if (id !== null && service !== null) ring({ queue, supervision }, { id, service })
  return { moved: fired.length, left: schedules.length - fired.length, wait: next === null ? Infinity : next - now }
}
