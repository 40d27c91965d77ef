// Schedule: what callers do to schedules. When something is next is decided by Postgres' clock.
import { timesAfter } from '../core/cron.ts'
import type { Bounds } from '../core/key.ts'
import type { NewSchedule } from '../core/schedule.ts'
import type { Putter } from '../store/schedules.ts'
import type { Store } from '../store/store.ts'
import { StoreError } from '../store/trouble.ts'
import { fire, type FireDependencies } from './fire.ts'

export interface ScheduleDependencies {
  readonly store: { readonly schedules: Pick<Store['schedules'], 'read' | 'resume'> }
}

/**
 * Creates or replaces a schedule, whose time comes some day; true: there was none of its name. Undefined: there is one beyond the bounds
 * of who puts it, and it stays. Throws a `Refusal`.
 */
export async function putSchedule(
  by: PutDependencies,
  schedule: NewSchedule,
  putter?: Putter,
): Promise<boolean | undefined> {
  const [nextAt] = timesAfter(schedule, await by.store.schedules.now(), 1)
  if (nextAt === undefined) throw new RangeError('a schedule whose time never comes')
  await fireDue(by)
  return by.store.schedules.put(schedule, nextAt, putter)
}

export interface PutDependencies extends FireDependencies {
  readonly store: { readonly schedules: Pick<Store['schedules'], 'due' | 'fire' | 'put' | 'now'> }
}

/** How often the times that have come are awaited. */
const MOST_TRIES = 5

export interface PauseDependencies extends FireDependencies {
  readonly store: { readonly schedules: Pick<Store['schedules'], 'due' | 'fire' | 'pause' | 'read'> }
}

/** Pauses a schedule. False: there is none within the bounds. Throws a `Refusal`. */
export async function pauseSchedule(by: PauseDependencies, name: string, bounds?: Bounds): Promise<boolean> {
  for (let tries = 1; ; tries += 1) {
    if (await by.store.schedules.pause(name, tries === MOST_TRIES, bounds)) return true
    if (tries === MOST_TRIES || (await by.store.schedules.read(name, bounds)) === undefined) return false
    await fireDue(by)
  }
}

/** Times that have come before a change have their tasks. Where Postgres fails the change says so. */
async function fireDue(by: FireDependencies): Promise<void> {
  await fire(by).catch((error: unknown) => {
    if (!(error instanceof StoreError)) throw error
  })
}

/** Lets a schedule go on: times during the pause were not missed. False: there is none within the bounds. Throws a `Refusal`. */
export async function resumeSchedule({ store }: ScheduleDependencies, name: string, bounds?: Bounds): Promise<boolean> {
  for (;;) {
    const found = await store.schedules.read(name, bounds)
    if (!found) return false
    const [nextAt] = timesAfter(found.schedule, found.now, 1)
    if (await store.schedules.resume(found.schedule, nextAt ?? found.schedule.nextAt, bounds)) return true
  }
}
