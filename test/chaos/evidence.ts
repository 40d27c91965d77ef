// What a run leaves behind for the judge.
import type { Entry, Ledger } from './ledger.ts'
import type { Planner } from './plan.ts'
import type { Referee } from './referee.ts'

/** A row at the end of a run. */
export interface Row {
  readonly id: string
  /** The number in its payload. */
  readonly task: number
  readonly status: string
  readonly step: number
  readonly attempt: number
  readonly node: string | null
  /** The referee's last answer, as the row has it. */
  readonly answer: string
  /** A digest of everything that is final once a task has ended; empty before. */
  readonly end: string
}

/** The time of a fault, and what may happen during it. Times are `Date.now()`. */
export interface Span {
  readonly name: string
  readonly from: number
  to: number
  /** Whether a step that was in flight may be sent again. */
  readonly excuses: boolean
  /** The node that had sent such a step; absent: any node. */
  readonly of?: string
  /** The nodes that may send what they had decided before it, once they come to. */
  readonly doubts: readonly string[] | 'all'
  /** Whether that goes only for requests that nobody waited for: the last ones of what has died, which may be read late. */
  readonly unanswered?: boolean
  /** How soon a DELETE must have reached a running task, ms. */
  readonly cancelWithin: number
}

export interface Evidence {
  readonly plan: Planner
  readonly ledger: Ledger
  readonly byLocation: ReadonlyMap<string, Entry>
  readonly referee: Pick<Referee, 'of' | 'tasks'>
  readonly rows: readonly Row[]
  /** Ends as they were first seen, by id. */
  readonly ends: ReadonlyMap<string, string>
  readonly spans: readonly Span[]
  /** The requests that a node gave up on as not answered in time, by `requestName`. One that waited in a queue of this process may be read after its repeat. */
  readonly timedOut: ReadonlySet<string>
}

/** Names one try of a step. */
export const requestName = ({
  id,
  step,
  attempt,
}: {
  readonly id: string
  readonly step: number
  readonly attempt: number
}): string => `${id} ${step} ${attempt}`

/** Reads a row as the judge wants it: `where` is added to the select. */
export const ROWS = `
  select id, coalesce(substring(payload::text from '^\\{"task":(\\d+)')::integer, -1) as task, status, step, attempt, node,
    coalesce(result::text, error::json ->> 'body', error::text, '') as answer,
    case when finished_at is null then ''
      else md5(status || step || coalesce(result::text, '') || coalesce(error::text, '') || finished_at::text) end as end
  from tasks`
