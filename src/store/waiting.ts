// How many tasks of a caller wait: what the quota of a key is judged by.
import type { Query } from './database.ts'
import { routineOf } from './routine.ts'

/** The conditions are those of `tasks_waiting_of_callers`, written so that no other index serves. */
export const WAITING = routineOf({
  name: 'waiting',
  types: ['text', 'integer'],
  returns: 'waiting integer',
  ordered: true,
  sql: `
  select count(*)::integer from (
    select from tasks t
    where coalesce(t.caller, '') = $1 and (t.caller is not null and t.status = 'pending') is true limit $2
  ) t`,
})

/** Counts the tasks of a caller that have not begun, to `most`. Throws a `StoreError`. */
export async function readWaiting(query: Query, caller: string, most: number): Promise<number> {
  const [row] = await query<{ waiting: number }>(WAITING.call, [caller, most])
  return row?.waiting ?? 0
}
