// Bulk: cancel, retry or delete all tasks that match filters, the oldest first, some of them in each commit.
import type { Services } from '../core/service.ts'
import type { Filters } from '../core/view.ts'
import type { Store } from '../store/store.ts'
import { cancel, type CancelDependencies } from './cancel.ts'
import { remove, type RemoveDependencies } from './remove.ts'
import { ring, type RingDependencies } from './submit.ts'

export interface BulkDependencies extends CancelDependencies, RemoveDependencies, RingDependencies {
  readonly store: Pick<Store, 'cancel' | 'remove' | 'window' | 'retryMany'>
  readonly queue: CancelDependencies['queue'] & RingDependencies['queue']
  readonly services: Services
}

export type BulkVerb = 'cancel' | 'retry' | 'delete'

export interface Bulk {
  readonly verb: BulkVerb
  readonly filters: Filters
  /** Tasks with a larger id. */
  readonly after: string
  /** Whether tasks are only counted. */
  readonly dryRun: boolean
  /** Retries begin so far apart, ms; 0: at once. `spread` of them have been made before. */
  readonly apart: number
  readonly spread: number
}

export interface BulkDone {
  readonly matched: number
  readonly done: number
  /** The id after which the next call goes on; undefined: nothing is left. */
  readonly next: string | undefined
}

/** Rows that one call looks at. */
export const MOST_LOOKED = 10_000
/** Rows of one window. */
const WINDOW = 1_000

/** Changes the tasks of the next 10,000 rows. A call that is cut off has done what it has done. Throws a `Refusal`. */
export async function bulk(by: BulkDependencies, asked: Bulk): Promise<BulkDone> {
  let [matched, done, looked, after] = [0, 0, 0, asked.after]
  while (looked < MOST_LOOKED) {
    const window = await by.store.window(asked.filters, after, WINDOW)
    matched += window.ids.length
    looked += window.looked
    if (!asked.dryRun && window.ids.length > 0) done += await change(by, asked, window.ids, done)
    after = window.last ?? after
    if (window.looked < WINDOW) return { matched, done, next: undefined }
  }
  return { matched, done, next: after }
}

/** Changes tasks, and counts those that were. */
async function change(by: BulkDependencies, asked: Bulk, ids: readonly string[], before: number): Promise<number> {
  switch (asked.verb) {
    case 'cancel':
      return count(await Promise.all(ids.map((id) => cancel(by, id))), 'cancelled')
    case 'delete':
      return count(await Promise.all(ids.map((id) => remove(by, id))), true)
    case 'retry': {
      const { apart, spread } = asked
      const deadlines = new Map([...by.services.values()].map(({ name, deadline }) => [name, deadline]))
      const retried = ids.map((id, i) => ({ id, delay: apart * (spread + before + i) }))
      const made = await by.store.retryMany(retried, deadlines, null)
      // The first of those that begin later; the claim of each looks when the next is due.
      const first = apart * Math.max(1, spread + before)
      for (const task of made) ring(by, task, task.late ? first : 0)
      return made.length
    }
  }
}

const count = <T>(outcomes: readonly T[], wanted: T): number => outcomes.filter((outcome) => outcome === wanted).length
