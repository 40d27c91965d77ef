// The views of a task, and a page of the list.
import type { Status } from './task.ts'

/** A task as its row says. `payload`, `result`, `state` and `error` are JSON text, to the byte; times are RFC 3339, UTC. */
export interface TaskView {
  readonly id: string
  readonly service: string
  readonly action: string
  readonly payload: string
  readonly status: Status
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
}

/** A page of the list that a caller asks for. Absent members do not filter. */
export interface ListQuery {
  /** 1 to 1000. */
  readonly limit: number
  /** Only tasks with a smaller id. */
  readonly before?: string
  readonly status?: Status
  readonly service?: string
  readonly action?: string
}

/** Tasks, newest first. `next`: the `before` of the next page, where there may be more. */
export interface Page {
  readonly tasks: readonly TaskView[]
  readonly next?: string
}
