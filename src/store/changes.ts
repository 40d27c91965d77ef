// Changes when a task that waits begins, and how important it is.
import { LEVELS, type Level } from '../core/task.ts'
import type { Query } from './database.ts'
import { routineOf } from './routine.ts'
import { UNOWNED, withId } from './sql.ts'

/** What to change. Undefined: nothing. Milliseconds: from now, or since 1970. */
export interface Change {
  readonly id: string
  readonly delay?: number
  readonly runAt?: number
  readonly priority?: Level
}

// A task that never began is due for the first time then: its age counts from there. A stamped one is stamped anew, or by the chore.
export const CHANGE = routineOf({
  name: 'change',
  types: ['bigint', 'double precision', 'double precision', 'smallint'],
  returns: 'service text, waits boolean',
  sql: `
  with found as materialized (select t.id, t.service, ${UNOWNED} as waits from tasks t where t.id = any(array[$1]) for update),
  due as (
    select case when coalesce($2, $3) is not null
      then greatest(now(), coalesce(to_timestamp($3 / 1000), now() + $2 * interval '1 millisecond')) end as at
  ),
  changed as (
    update tasks t set run_at = coalesce(due.at, t.run_at), priority = coalesce($4, t.priority),
      due_at = case when t.status = 'pending' then coalesce(due.at, t.due_at) else t.due_at end,
      expires_at = case when t.status <> 'pending' or due.at is null then t.expires_at
        when t.deadline_ms is not null then due.at + t.deadline_ms * interval '1 millisecond' end
    from found, due where ${withId('found.id')} and found.waits returning t.id
  )
  select service, waits from found`,
})

/** Changes a task; undefined where there is none. \`waits\`: false where it runs or has ended, and nothing was changed. Throws a \`StoreError\`. */
export async function changeTask(
  query: Query,
  { id, delay, runAt, priority }: Change,
): Promise<{ readonly service: string; readonly waits: boolean } | undefined> {
  const level = priority === undefined ? null : LEVELS[priority]
  const rows = await query<{ service: string; waits: boolean }>(CHANGE.call, [id, delay ?? null, runAt ?? null, level])
  return rows[0]
}
