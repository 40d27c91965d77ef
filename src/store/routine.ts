// Statements as functions in the database. A function is planned once per connection, and has planner settings of its own.
// A prepared statement would also be planned once, but a pooler between the node and Postgres may not support it.
import { createHash } from 'node:crypto'
import type { Prepared } from './database.ts'
import { INDEX_LOOKUPS, INDEX_ORDER } from './sql.ts'

/** A statement to be made a function. */
export interface Statement {
  readonly name: string
  /** The types of $1, $2 … */
  readonly types: readonly string[]
  /** The columns that the statement returns, with their types. */
  readonly returns: string
  /** One statement, or with `declared` the statements of PL/pgSQL. */
  readonly sql: string
  /** The variables of a routine of several statements. */
  readonly declared?: string
  /** Further settings. */
  readonly settings?: readonly string[]
  /** SQL: how many rows there must be for the answer to need no commit of its own (`CERTAIN`). */
  readonly expects?: string
  /** Set where the statement reads some rows in the order of an index: it must not read all rows to sort them. */
  readonly ordered?: true
}

/** A statement as a function of the database. */
export interface Routine {
  /** The function's name. It ends with a hash of the function and its call, so that nodes of two releases use different functions. */
  readonly name: string
  /** The statement that creates the function. */
  readonly create: string
  /** The statement that calls the function, with the same $1, $2 … */
  readonly call: Prepared
}

/**
 * PL/pgSQL: where rows are missing, that answer is a commit. So it is not believed of a server that has lost its role: a standby and a
 * read-only server refuse it, and an old primary waits for its synchronous standby, which is the new primary.
 */
const CERTAIN = (expects: string): string => `
  get diagnostics rows_there = row_count;
  if rows_there < ${expects} then
    if current_setting('transaction_read_only')::boolean then raise read_only_sql_transaction; end if;
    perform pg_logical_emit_message(true, 'task_api', '');
  end if;`

/** Makes a statement a function. */
export function routineOf({
  name,
  types,
  returns,
  sql,
  ordered,
  declared,
  expects,
  settings = [],
}: Statement): Routine {
  const all = [...INDEX_LOOKUPS, ...(ordered ? INDEX_ORDER : []), ...settings]
  const text = `(${types.join(', ')}) returns table (${returns}) language plpgsql ${all.map((setting) => `set ${setting}`).join(' ')} as $body$
#variable_conflict use_column
${
  declared === undefined
    ? `${expects === undefined ? '' : 'declare\n  rows_there bigint;\n'}begin
  return query ${sql};${expects === undefined ? '' : CERTAIN(expects)}`
    : `declare
  ${declared}
begin
  ${sql}`
}
end
$body$`
  const call = (of: string): string => `select * from ${of}(${types.map((type, i) => `$${i + 1}::${type}`).join(', ')})`
  // The hash covers the call as well, because the prepared call has the same name.
  const full = `task_api_${name}_${createHash('sha256').update(call(text)).digest('hex').slice(0, 8)}`
  return { name: full, create: `create function ${full}${text}`, call: { name: full, text: call(full) } }
}
