// Deletes tasks and cancels them, batched: the writes whose callers wait for an answer, beside new tasks.
import { cancelled } from '../core/failures.ts'
import type { Callback } from '../core/task.ts'
import { callbackText } from './creations.ts'
import type { Query } from './database.ts'
import { routineOf } from './routine.ts'
import { MARK } from './seal.ts'
import { carriedOf, SQL_MARK } from './sealed.ts'
import { failureLiteral, NOT_ENDED, traceSql, withId } from './sql.ts'

/** How long after its cancellation a task's own undoing begins: no request of the task can begin any more by then. */
const UNDO_AFTER = `interval '10 seconds'`

/** A task to delete or to cancel, and the actions that undo a task, by service, each with the callback of its task. */
export interface Removal {
  readonly id: string
  readonly services: readonly string[]
  readonly actions: readonly string[]
  readonly callbacks: readonly (Callback | undefined)[]
}

// The rows as they are once they are locked: a step may have been recorded meanwhile.
const LOCKED = `gone as materialized (
    select t.id, t.node, t.service, t.caller, t.step, t.status, ${traceSql('t')} as trace, ${NOT_ENDED} as alive,
      case when cardinality($2) > 0 and t.status = 'running' then coalesce(t.state, t.payload) end as state,
      case when cardinality($2) > 0 and t.status = 'running' then ${carriedOf('t', 'coalesce(t.state, t.payload)')} end as state_of
    from tasks t where t.id = any($1) order by t.id for update
  ),
  undone as (
    insert into tasks (key, service, action, payload, payload_of, payload_bytes, run_at, due_at, caller, callback, trace)
    select gen_random_uuid(), gone.service, undo.action, told.body, gone.state_of, octet_length(told.body::text), now() + ${UNDO_AFTER}, now() + ${UNDO_AFTER}, gone.caller,
      undo.callback, gone.trace
    from gone join unnest($2, $3, $4) as undo(service, action, callback) on undo.service = gone.service
      cross join lateral (select json_build_object('location', '/tasks/' || gone.id, 'step', gone.step, 'state', gone.state)::text as body) plain
      cross join lateral (select (case when left(gone.state::text, ${MARK.length}) = ${SQL_MARK} then ${SQL_MARK} else '' end || plain.body)::json as body) told
    where gone.status = 'running'
  )`

export const REMOVE = routineOf({
  name: 'remove',
  types: ['bigint[]', 'text[]', 'text[]', 'jsonb[]'],
  returns: 'id bigint, node uuid, service text, cancelled boolean',
  expects: 'cardinality($1)',
  sql: `
  with ${LOCKED}
  delete from tasks t using gone where ${withId('gone.id')} returning t.id, t.node, t.service, false`,
})

export const CANCEL = routineOf({
  name: 'cancel',
  types: ['bigint[]', 'text[]', 'text[]', 'jsonb[]'],
  returns: 'id bigint, node uuid, service text, cancelled boolean',
  expects: 'cardinality($1)',
  sql: `
  with ${LOCKED},
  ended as (
    update tasks t set status = 'failed', node = null, finished_at = now(), error = ${failureLiteral(cancelled)}
    from gone where ${withId('gone.id')} and gone.alive returning t.id
  )
  select gone.id, gone.node, gone.service, gone.alive from gone`,
})

/** A task that was found: the node that held it, or null, its service, and whether it was cancelled. */
export interface Removed {
  readonly node: string | null
  readonly service: string
  readonly cancelled: boolean
}

/** Makes the flush of deletions or cancellations; undefined where there is no such row. */
export function removalFlush(query: Query, { call }: typeof REMOVE) {
  return async (removals: readonly Removal[]): Promise<(Removed | undefined)[]> => {
    const [first] = removals
    const ids = removals.map(({ id }) => id)
    const { services = [], actions = [], callbacks = [] } = first ?? {}
    const rows = await query<Removed & { id: string }>(call, [ids, services, actions, callbacks.map(callbackText)])
    const found = new Map(rows.map(({ id, ...removed }) => [id, removed]))
    return ids.map((id) => {
      const removed = found.get(id)
      // The second of two cancellations finds what has ended, the second of two deletions nothing.
      if (removed?.cancelled) found.set(id, { ...removed, cancelled: false })
      else if (call === REMOVE.call) found.delete(id)
      return removed
    })
  }
}
