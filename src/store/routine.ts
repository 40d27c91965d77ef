// Statements as functions of the database: planned once a connection, where a plain one is each time, and with settings of their own.
// A prepared statement alone would be planned once as well, but there may be a pooler between that knows none.
import { createHash } from 'node:crypto'
import type { Prepared } from './database.ts'

/** A statement of ours. */
export interface Statement {
  readonly name: string
  /** The types of $1, $2 … */
  readonly types: readonly string[]
  /** The columns of what it returns, with their types. */
  readonly returns: string
  readonly sql: string
  /** Whether it reads some rows in the order of an index, and must not read all of them to sort them. */
  readonly ordered?: true
}

/** A statement as a function of the database. */
export interface Routine {
  /** The function's name. It ends with a hash of all that the function and its call are, so that nodes of two releases have each their own. */
  readonly name: string
  /** The statement that creates it. */
  readonly create: string
  /** The statement that runs it, with the same $1, $2 … */
  readonly call: Prepared
}

// One plan for all calls, made when the table may still be empty: it goes along the indexes, so that it is right for any size.
const SETTINGS = [
  'plan_cache_mode = force_generic_plan',
  'enable_seqscan = off',
  'enable_hashjoin = off',
  'enable_mergejoin = off',
]
// What is sorted all the same makes the plan look dear: so dear that Postgres would compile it.
const ORDERED = ['enable_sort = off', 'enable_bitmapscan = off', 'jit = off']

/**
 * The row of `tasks t` with this id, in words for which Postgres knows no plan but to look it up: neither can the table be gone
 * through for a join, nor, where all else that is asked of the row is put so that no index answers it, another index be taken. A plan
 * that was made when the table had one row would, and would be kept.
 */
export const withId = (id: string): string => `t.id = any(array[${id}])`

/** Whether a row of `tasks t` has not ended, in words that no index answers. */
export const ALIVE = `(t.status in ('pending', 'running')) is true`

/** Makes a function of a statement. */
export function routineOf({ name, types, returns, sql, ordered }: Statement): Routine {
  const settings = ordered ? [...SETTINGS, ...ORDERED] : SETTINGS
  const text = `(${types.join(', ')}) returns table (${returns}) language plpgsql ${settings.map((setting) => `set ${setting}`).join(' ')} as $body$
#variable_conflict use_column
begin
  return query ${sql};
end
$body$`
  const call = (of: string): string => `select * from ${of}(${types.map((type, i) => `$${i + 1}::${type}`).join(', ')})`
  // Of the call as well, which has the same name.
  const full = `task_api_${name}_${createHash('sha256').update(call(text)).digest('hex').slice(0, 8)}`
  return { name: full, create: `create function ${full}${text}`, call: { name: full, text: call(full) } }
}
