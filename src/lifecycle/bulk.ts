// Bulk: cancel, retry or delete all tasks that match filters, the oldest first, some of them in each commit.
import { setTimeout as sleep } from 'node:timers/promises'
import { Refusal } from '../core/refusal.ts'
import type { Services } from '../core/service.ts'
import type { Filters } from '../core/view.ts'
import { placeAfter } from '../store/bulk.ts'
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
  /** Who retries; null: there are no keys. */
  readonly caller: string | null
  /** Tasks with a larger id. */
  readonly after: string
  /** Tasks with a smaller id; undefined: all that there are now. */
  readonly until: string | undefined
  /** Whether tasks are only counted. */
  readonly dryRun: boolean
  /** Retries begin so far apart, ms; 0: at once. */
  readonly apart: number
  /** How many retries begin before the first one of this call. */
  readonly spread: number
  /** Aborts when nobody waits for the answer any more. */
  readonly gone: AbortSignal
}

/** Where the next call goes on. */
export interface Next {
  readonly after: string
  readonly until: string
  readonly spread: number
}

export interface BulkDone {
  readonly matched: number
  readonly done: number
  /** Undefined: nothing is left. */
  readonly next: Next | undefined
}

/** Rows that one call looks at. */
const MOST_LOOKED = 10_000
/** Rows of one window. */
const WINDOW = 1_000

/** A call begins no commit after this time: callers and proxies wait for its answer, ms. */
const LONGEST = 8_000

/** The pace of changes: other tasks go on beside them. */
const PACE = {
  /** Tasks of the first commit, and the most of any. */
  first: 10,
  most: 100,
  /** After a commit that took longer, the next one is smaller, ms. */
  long: 100,
  /** The pause after a commit is so many times as long as the commit took. */
  pause: 9,
}

/** What has come of a call so far. */
interface Progress {
  readonly done: number
  readonly spread: number
  /** Tasks of the next commit. */
  readonly size: number
}

/**
 * Changes the tasks of the next 10,000 rows, or of as many as there is time for. A call that is cut off has done what it has done.
 * Throws a `Refusal`: `unavailable` only where nothing was changed.
 */
export async function bulk(by: BulkDependencies, asked: Bulk): Promise<BulkDone> {
  const end = performance.now() + LONGEST
  let progress: Progress = { done: 0, spread: asked.spread, size: PACE.first }
  let [matched, looked, after, until] = [0, 0, asked.after, asked.until]
  const told = (more: boolean): BulkDone => {
    const { done, spread } = progress
    return { matched, done, next: more && until !== undefined ? { after, until, spread } : undefined }
  }
  try {
    for (;;) {
      const window = await by.store.window(asked.filters, { after, until, most: WINDOW })
      looked += window.looked
      until ??= window.until
      for (let ids = window.ids; ids.length > 0;) {
        if (asked.gone.aborted || performance.now() > end) return told(true)
        const some = asked.dryRun ? ids : ids.slice(0, progress.size)
        if (!asked.dryRun) progress = await changeSome(by, asked, some, progress)
        matched += some.length
        after = some.at(-1) ?? after
        ids = ids.slice(some.length)
      }
      after = window.last ?? after
      if (window.looked < WINDOW) return told(false)
      if (looked >= MOST_LOOKED) return told(true)
    }
  } catch (error) {
    if (!(error instanceof Refusal) || error.code !== 'unavailable' || progress.done === 0) throw error
    throw new Refusal('outcome_unknown', 'Postgres went out of reach after some of the tasks had been changed.')
  }
}

/** Changes tasks, then pauses. */
async function changeSome(
  by: BulkDependencies,
  asked: Bulk,
  ids: readonly string[],
  { done, spread, size }: Progress,
): Promise<Progress> {
  const begun = performance.now()
  const changed = await change(by, asked, ids, spread)
  const took = performance.now() - begun
  await sleep(Math.min(took, PACE.long) * PACE.pause, undefined, { signal: asked.gone }).catch(() => undefined)
  return {
    done: done + changed.done,
    spread: changed.spread,
    size: took > PACE.long ? Math.ceil(size / 2) : Math.min(size * 2, PACE.most),
  }
}

/** Changes tasks in one commit. */
async function change(
  by: BulkDependencies,
  { verb, apart, caller }: Bulk,
  ids: readonly string[],
  spread: number,
): Promise<Pick<Progress, 'done' | 'spread'>> {
  switch (verb) {
    case 'cancel':
      return { done: count(await Promise.all(ids.map((id) => cancel(by, id))), 'cancelled'), spread }
    case 'delete':
      return { done: count(await Promise.all(ids.map((id) => remove(by, id))), true), spread }
    case 'retry': {
      const services = [...by.services.keys()]
      const made = await by.store.retryMany({ ids, place: spread, apart, services, caller })
      for (const task of made) ring(by, task, task.late ? task.place * apart : 0)
      return { done: made.length, spread: placeAfter(made) ?? spread }
    }
  }
}

const count = <T>(outcomes: readonly T[], wanted: T): number => outcomes.filter((outcome) => outcome === wanted).length
