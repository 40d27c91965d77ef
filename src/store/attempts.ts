// Reads the log of a task's tries.
import { type Columns, typesOf, valuesOf } from './columns.ts'
import type { Query } from './database.ts'
import { time } from './reads.ts'
import { routineOf } from './routine.ts'
import type { Seals } from './seal.ts'
import { bodyName, type Opened } from './sealed.ts'

const ATTEMPT = {
  id: ['bigint', 'a.id', 'or null'],
  step: ['integer', 'a.step'],
  attempt: ['integer', 'a.attempt'],
  startedAt: time('a.started_at'),
  ms: ['integer', 'a.ms'],
  node: ['text', 'a.node', 'or null'],
  outcome: ['text', 'a.outcome'],
  detail: ['text', 'a.detail', 'or null'],
  waitMs: ['double precision', 'round(a.wait_ms)', 'or null'],
  body: ['text', 'a.body', 'or null'],
  key: ['uuid', 'there.key'],
} as const satisfies Columns

/** A try as the log has it. */
export interface LoggedAttempt extends Opened {
  readonly id: string
  readonly step: number
  readonly attempt: number
  readonly startedAt: string
  readonly ms: number
  readonly node: string | null
  readonly outcome: string
  readonly detail: string | null
  readonly waitMs: number | null
  readonly body: string | null
}

export const ATTEMPTS = routineOf({
  name: 'attempts',
  types: ['bigint', 'bigint', 'integer'],
  returns: typesOf(ATTEMPT),
  ordered: true,
  sql: `
  select ${valuesOf(ATTEMPT)} from (select t.key from tasks t where t.id = any(array[$1])) there left join lateral (
    select a.* from attempts a where a.task = $1 and a.id > $2 order by a.id limit $3
  ) a on true`,
})

/** The tries after one, the oldest first, at most so many; undefined where there is no such task. Throws a `StoreError`. */
export async function readAttempts(
  query: Query,
  seals: Seals,
  { task, after, limit }: { readonly task: string; readonly after: string; readonly limit: number },
): Promise<readonly LoggedAttempt[] | undefined> {
  const rows = await query<Row | { id: null }>(ATTEMPTS.call, [task, after, limit])
  if (rows.length === 0) return undefined
  return rows.filter((row): row is Row => row.id !== null).map((row) => opened(seals, row))
}

interface Row extends LoggedAttempt {
  readonly key: string
}

function opened(seals: Seals, { key, ...row }: Row): LoggedAttempt {
  if (row.body === null) return row
  const body = seals.open(row.body, [bodyName(key, row)])
  return body === undefined ? { ...row, body: null, cannotDecrypt: ['body'] } : { ...row, body }
}
