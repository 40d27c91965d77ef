// A lane: what this node knows of one service.
import { admissionBuffer } from '../core/admission.ts'
import { NO_TERMS, type Terms } from '../core/limit.ts'
import { type LaneState, shareOf } from '../core/plan.ts'
import type { Service } from '../core/service.ts'
import { LEVELS } from '../core/task.ts'
import { FROM_START } from '../store/claimed.ts'

/** One service. The plan reads it; the intake, and the tasks that run, write it. */
export type Lane = { -readonly [Key in keyof LaneState]: LaneState[Key] } & {
  /** What the threads see of `admission`. */
  readonly memory: SharedArrayBuffer
  /** What Postgres grants by, where requests are granted. */
  terms: Terms
  /** Whether Postgres has said that as many requests are open as may be, and none of this node's has ended since. */
  full: boolean
  /** Where the next claim begins, for each level; see `Wanted.marks`. */
  marks: readonly number[]
  /** The levels of rows that wait, as far as this node knows: bits, see `Wanted.levels`. */
  levels: number
  /** Whether the log keeps tries that are lost with their node. */
  logged: boolean
  /** Tasks that began since one of a lower level had its turn. */
  begun: number
  /** Whether nothing was due at the last look from the start, and nothing has been heard of since. */
  empty: boolean
  /** How often something was heard of it. */
  heard: number
  /** Empty claims in a row. */
  misses: number
  /** When its service was removed, of `performance.now()`; undefined: this node knows it. */
  removedAt: number | undefined
}

/** The level of most tasks, as bits. */
const JUST_NORMAL = 1 << LEVELS.normal

/** What a lane has from the configuration of its service. */
export const configured = ({ concurrency, attemptLog }: Service): Pick<Lane, 'limit' | 'logged' | 'removedAt'> => ({
  limit: concurrency,
  logged: attemptLog !== 'none',
  removedAt: undefined,
})

/** A lane of which nothing is known yet. */
export const newLane = (service: Service, slots: number): Lane => ({
  service: service.name,
  ...configured(service),
  admission: 'all',
  memory: admissionBuffer(),
  terms: NO_TERMS,
  full: false,
  share: shareOf(slots),
  open: 0,
  running: 0,
  reserved: 0,
  bells: 0,
  more: false,
  list: 'unknown',
  popping: false,
  poppedAt: -Infinity,
  stale: false,
  popAfter: -Infinity,
  missed: 0,
  lookAfter: -Infinity,
  dueAt: Infinity,
  marks: FROM_START,
  levels: JUST_NORMAL,
  begun: 0,
  empty: false,
  heard: 0,
  misses: 0,
})
