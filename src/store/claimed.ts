// What a claim returns of each row, and of each service that it looks at.
import { CRASHES } from '../core/crashes.ts'
import { crashed } from '../core/failures.ts'
import { LEVELS } from '../core/task.ts'
import { type Columns, type RowOf } from './columns.ts'
import type { Unopened } from './sealed.ts'
import { failureLiteral, UNOWNED } from './sql.ts'

/** The levels of importance, the first begins first. */
export const ALL_LEVELS = Object.values(LEVELS)
/** All levels, as bits. */
export const EVERY_LEVEL = ALL_LEVELS.reduce((bits: number, level) => bits | (1 << level), 0)
/** The marks of a claim from the start. */
export const FROM_START: readonly number[] = ALL_LEVELS.map(() => 0)
const waitsFor = (level: number): string => `${UNOWNED} and t.service = w.service and t.priority = ${level}`

/** How late a row may be committed, behind one that became due after it, and still be found from the mark. */
const LATE_COMMIT = `interval '100 milliseconds'`

/** What a claim returns of each row. */
export const CLAIMED = {
  id: ['bigint', 't.id'],
  key: ['uuid', 't.key'],
  service: ['text', 't.service'],
  action: ['text', 't.action'],
  /** The payload of the next request. */
  body: ['json', 'coalesce(t.state, t.payload)'],
  inState: ['boolean', 't.state is not null'],
  /** The name under which a body that SQL has copied is sealed. */
  bodyOf: ['text', 'case when t.state is null then t.payload_of else t.state_of end', 'or null'],
  step: ['integer', 't.step'],
  attempt: ['integer', 't.attempt'],
  fails: ['integer', 't.fails'],
  repeats: ['integer', 't.repeats'],
  crashes: ['integer', 't.crashes'],
  /** Milliseconds since the task was first due. */
  age: ['double precision', '(extract(epoch from now() - coalesce(t.due_at, t.created_at)) * 1000)::double precision'],
  /** The task's own deadline, ms. */
  deadline: ['double precision', 't.deadline_ms::double precision', 'or null'],
  /** The step at which it began: a retry goes on where another task has ended. */
  firstStep: ['integer', 'coalesce(t.first_step, 0)'],
  retryOf: ['bigint', 't.retry_of', 'or null'],
  /** Whether the task had been lost too often, and has ended with this statement. */
  failed: ['boolean', `t.status = 'failed'`],
  /** Whether it was taken over from an owner whose lease had run out. */
  lost: ['boolean', 'due.lost'],
  /** Whether Postgres has granted its next request, as a limit of the service wants. */
  granted: ['boolean', 't.granted is true and not due.lost'],
  /** The trace that it goes on with: see core/trace.ts. */
  trace: ['text', 't.trace', 'or null'],
  level: ['smallint', 't.priority'],
  /** Where the next claim of the service and level may begin: see `Wanted.marks`. */
  mark: [
    'double precision',
    `floor(extract(epoch from least(t.run_at, now() - ${LATE_COMMIT})) * 1000)::double precision`,
  ],
} as const satisfies Columns

/** A row that was claimed. */
export interface ClaimedRow extends Omit<RowOf<typeof CLAIMED>, 'inState' | 'bodyOf'> {
  /** Its body cannot be decrypted. */
  readonly cannotDecrypt?: Unopened
}

/** A row as Postgres returns it. */
export type StoredRow = RowOf<typeof CLAIMED>

/** The row of a look: it has no id. */
export const LOOK = {
  ...Object.fromEntries(Object.entries(CLAIMED).map(([name, [type]]) => [name, [type, `null::${type}`] as const])),
  service: ['text', 'w.service'],
  level: [
    'smallint',
    `(${ALL_LEVELS.map((level) => `((select t.id from tasks t where ${waitsFor(level)} and t.run_at <= now() order by t.run_at limit 1) is not null)::integer * ${1 << level}`).join(' + ')})::smallint`,
  ],
  deadline: [
    'double precision',
    `(select extract(epoch from min(soon.run_at) - now()) * 1000 from (${ALL_LEVELS.map((level) => `(select t.run_at from tasks t where ${waitsFor(level)} and t.run_at > now() order by t.run_at limit 1)`).join(' union all ')}) soon)::double precision`,
  ],
} as const

/** The error of a task that was lost too often, as SQL. */
export const CRASHED = failureLiteral(crashed(CRASHES.failed))
