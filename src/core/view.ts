// The views of a task, and a page of the list.
import type { Bounds } from './key.ts'
import type { Level, Status } from './task.ts'

/** A task as its row says. `payload`, `result`, `state` and `error` are JSON text, to the byte; times are RFC 3339, UTC. */
export interface TaskView {
  readonly id: string
  readonly service: string
  readonly action: string
  readonly payload: string
  readonly status: Status
  /** The members that could not be decrypted, which are null or lack a body; absent: none. */
  readonly cannotDecrypt?: readonly string[]
}

/** Everything that GET of one task can show. Null: no value. */
export interface FullView extends TaskView {
  readonly result: string | null
  /** The body of the last answer was too large to keep. */
  readonly resultOmitted: boolean
  /** A `Failure` as JSON text: why the task failed, or why its last try did. */
  readonly error: string | null
  /** The payload of the next request, once an answer 206 has changed it. */
  readonly state: string | null
  readonly step: number
  readonly attempt: number
  readonly fails: number
  readonly createdAt: string
  readonly startedAt: string | null
  readonly finishedAt: string | null
  readonly runAt: string | null
  readonly priority: Level
  /** When the task was first due, or will be: its age counts from then. */
  readonly firstDueAt: string
  /** Its own deadline, ms; null: that of its service. */
  readonly deadline: number | null
  /** JSON text, as is `callback`. */
  readonly labels: string | null
  readonly unique: string | null
  readonly callback: string | null
  /** Who has submitted it; null: nobody was asked who they are. */
  readonly caller: string | null
  /** Ids of tasks, as are the next two. */
  readonly retryOf: string | null
  readonly retriedAs: string | null
  readonly callbackOf: string | null
  readonly schedule: string | null
}

/** What the list shows of a task where nobody asks for more than is short: no payload, state, result or body of an answer. */
export type BriefView = Omit<
  FullView,
  'payload' | 'result' | 'resultOmitted' | 'state' | 'unique' | 'callback' | 'deadline' | 'firstDueAt' | 'cannotDecrypt'
>

/** The ways to show a task beside the plain one. */
export const VIEWS = ['full', 'brief'] as const
export type View = (typeof VIEWS)[number]

/** The view of this name; undefined: there is none. */
export const viewOf = (name: string | undefined): View | undefined => VIEWS.find((one) => one === name)

/** What is known of a row. */
export interface Version {
  readonly id: string
  /** Another one after each change. */
  readonly version: string
  readonly ended: boolean
}

/** Which tasks a caller means, within its bounds, and-ed. Absent members do not filter. */
export interface Filters extends Bounds {
  readonly ids?: readonly string[]
  /** One of these. */
  readonly status?: readonly Status[]
  readonly service?: string
  readonly action?: string
  readonly labels?: Readonly<Record<string, string>>
  /** RFC 3339. */
  readonly createdAfter?: string
  readonly createdBefore?: string
  /** The code of a failure. */
  readonly error?: string
  /** Those that failed with the same words: what `kindOf` makes of an error. */
  readonly kind?: string
  /** Whether the task has been retried. */
  readonly retried?: boolean
  readonly schedule?: string
}

/** A page of the list that a caller asks for. */
export interface ListQuery extends Filters {
  /** 1 to 1000. */
  readonly limit: number
  /** Only tasks with a smaller id. */
  readonly before?: string
  /** Absent: the five members. */
  readonly view?: View
}

/** Tasks, newest first. `next`: the `before` of the next page, where there may be more. */
export interface Page {
  readonly tasks: readonly (TaskView | FullView | BriefView)[]
  readonly next?: string
}
