// Forgets the keys of POSTs: those of callers after the window that they are promised, those of nodes soon.
import type { Query } from './database.ts'
import { routineOf } from './routine.ts'

/** A node asks again for some seconds. */
const OWN_WINDOW = `interval '10 minutes'`
const BATCH = 5_000

const old = (scope: string, age: string): string =>
  `as materialized (select scope, key from idempotency_keys where ${scope} and created_at < now() - ${age} order by created_at limit ${BATCH} for update skip locked)`

export const FORGET_KEYS = routineOf({
  name: 'forget_keys',
  types: ['double precision'],
  returns: 'deleted bigint',
  ordered: true,
  sql: `
  with callers ${old(`scope <> ''`, `$1 * interval '1 millisecond'`)},
  nodes ${old(`scope = ''`, OWN_WINDOW)},
  gone as (select * from callers union all select * from nodes),
  deleted as (delete from idempotency_keys k using gone where k.scope = gone.scope and k.key = gone.key returning 1)
  select count(*) from deleted`,
})

/** Deletes keys that are old; `window`, ms, is that of callers. Tells whether there may be more. Throws a `StoreError`. */
export async function forgetKeys(query: Query, window: number): Promise<boolean> {
  const [row] = await query<{ deleted: string }>(FORGET_KEYS.call, [window])
  return Number(row?.deleted ?? 0) >= BATCH
}
