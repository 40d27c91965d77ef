// Reads tasks by their ids.
import { LEVELS } from '../core/task.ts'
import type { Bounds } from '../core/key.ts'
import type { BriefView, FullView, Version } from '../core/view.ts'
import { type Columns, namedValuesOf, typesOf, valuesOf } from './columns.ts'
import type { Query } from './database.ts'
import { type Routine, routineOf } from './routine.ts'
import type { Seals } from './seal.ts'
import { openTask } from './sealed.ts'
import { NOT_ENDED, UNOWNED, withId, withinBounds } from './sql.ts'
import { StoreError } from './trouble.ts'

/** A time as callers see it: RFC 3339, UTC. */
export const time = (of: string) =>
  ['text', `to_char(${of} at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`] as const

/** What the list shows of a task. */
export const SHOWN = {
  id: ['bigint', 't.id'],
  key: ['uuid', 't.key'],
  service: ['text', 't.service'],
  action: ['text', 't.action'],
  payload: ['json', 't.payload'],
  payloadOf: ['text', 't.payload_of', 'or null'],
  status: ['text', 't.status'],
} as const satisfies Columns

/** What GET of one task can show. */
const FULL = {
  ...SHOWN,
  result: ['json', 't.result'],
  resultOmitted: ['boolean', 't.result_omitted'],
  error: ['json', 't.error'],
  state: ['json', 't.state'],
  stateOf: ['text', 't.state_of', 'or null'],
  step: ['integer', 't.step'],
  attempt: ['integer', 't.attempt'],
  fails: ['integer', 't.fails'],
  createdAt: time('t.created_at'),
  startedAt: time('t.started_at'),
  finishedAt: time('t.finished_at'),
  runAt: time(`case when ${UNOWNED} then t.run_at end`),
  priority: [
    'text',
    `case t.priority ${Object.entries(LEVELS)
      .map(([name, level]) => `when ${level} then '${name}'`)
      .join(' ')} end`,
  ],
  firstDueAt: time('coalesce(t.due_at, t.created_at)'),
  deadline: ['double precision', 't.deadline_ms::double precision', 'or null'],
  labels: ['json', 't.labels::json', 'or null'],
  unique: ['text', 't.unique_key', 'or null'],
  callback: ['json', `t.callback::json`, 'or null'],
  caller: ['text', 't.caller', 'or null'],
  retryOf: ['bigint', 't.retry_of', 'or null'],
  retriedAs: ['bigint', 't.retried_as', 'or null'],
  callbackOf: ['bigint', 't.callback_of', 'or null'],
  schedule: ['text', 't.schedule', 'or null'],
} as const satisfies Columns & Record<Exclude<keyof FullView, 'cannotDecrypt'>, unknown>

/** A task as it is stored. */
interface ReadRow extends FullView {
  readonly key: string
  readonly payloadOf: string | null
  readonly stateOf: string | null
}

/** The most tasks that one statement reads. */
export const MAX_TASKS_PER_READ = 16
/** After a read of this many characters, or a failed read, the next statement reads one task: the answer must arrive in time. */
const LARGE_READ_CHARS = 1024 * 1024

export const READ = routineOf({
  name: 'read',
  types: ['bigint[]'],
  returns: typesOf(FULL),
  expects: 'cardinality($1)',
  sql: `
  select ${valuesOf(FULL)}
  from unnest($1) as w(id) join tasks t on ${withId('w.id')}`,
})

/** A read that fails sooner than this had a broken connection; Postgres was not slow. */
const QUICK_FAILURE_MS = 500

/** Makes the flush of a batch of reads, one task each. A result is undefined where there is no such task. */
export function readFlush(query: Query, seals: Seals) {
  let most = MAX_TASKS_PER_READ
  return async (ids: readonly string[]): Promise<(FullView | undefined)[]> => {
    const found = new Map<string, FullView>()
    for (const wanted = [...new Set(ids)]; wanted.length > 0;) {
      const asked = wanted.splice(0, most)
      most = 1
      const rows = await readOnce<ReadRow>(query, READ, [asked])
      for (const row of rows) found.set(row.id, openTask(seals, row))
      if (charactersOf(rows) < LARGE_READ_CHARS) most = MAX_TASKS_PER_READ
    }
    return ids.map((id) => found.get(id))
  }
}

/** Runs one statement. When its connection breaks, the statement is repeated once on another connection. */
async function readOnce<Row>(query: Query, { call }: Routine, values: readonly unknown[]): Promise<Row[]> {
  const begun = performance.now()
  return query<Row>(call, values).catch((error: unknown) => {
    const broke =
      error instanceof StoreError && error.trouble === 'unknown' && performance.now() - begun < QUICK_FAILURE_MS
    if (!broke) throw error
    return query<Row>(call, values)
  })
}

const charactersOf = (rows: readonly FullView[]): number =>
  rows.reduce(
    (sum, { payload, state, result }) => sum + payload.length + (state?.length ?? 0) + (result?.length ?? 0),
    0,
  )

export const SEES = routineOf({
  name: 'sees',
  types: ['bigint[]', 'text[]', 'text[]'],
  returns: 'place bigint',
  expects: 'cardinality($1)',
  sql: `
  select w.place from unnest($1, $2, $3) with ordinality as w(id, caller, services, place) join tasks t on ${withId('w.id')}
  where ${withinBounds('t', ['w.caller', `string_to_array(w.services, ' ')`])}`,
})

/** Makes the flush of looks whether tasks lie within the bounds of those who ask for them. The bounds of a task never change. */
export function seesFlush(query: Query) {
  return async (looks: readonly (Bounds & { readonly id: string })[]): Promise<boolean[]> => {
    const columns = [
      looks.map(({ id }) => id),
      looks.map(({ caller }) => caller ?? null),
      looks.map(({ services }) => services?.join(' ') ?? null),
    ]
    const seen = new Set((await readOnce<{ place: string }>(query, SEES, columns)).map(({ place }) => Number(place)))
    return looks.map((_, i) => seen.has(i + 1))
  }
}

/** What a brief list shows of a task. */
const BRIEF = {
  id: FULL.id,
  service: FULL.service,
  action: FULL.action,
  status: FULL.status,
  error: [
    'text',
    `case when t.error is not null then json_build_object('code', t.error->>'code', 'detail', t.error->>'detail', 'status', t.error->'status') end::text`,
    'or null',
  ],
  step: FULL.step,
  attempt: FULL.attempt,
  fails: FULL.fails,
  createdAt: FULL.createdAt,
  startedAt: FULL.startedAt,
  finishedAt: FULL.finishedAt,
  runAt: FULL.runAt,
  priority: FULL.priority,
  labels: FULL.labels,
  caller: FULL.caller,
  retryOf: FULL.retryOf,
  retriedAs: FULL.retriedAs,
  callbackOf: FULL.callbackOf,
  schedule: FULL.schedule,
} as const satisfies Columns & Record<keyof BriefView, unknown>

/** Reads tasks in brief; those that exist, in any order. */
export const readBriefs = (query: Query, ids: readonly string[]): Promise<BriefView[]> =>
  query<BriefView>(`select ${namedValuesOf(BRIEF)} from tasks t where t.id = any($1::bigint[])`, [ids])

/** Reads which of these rows exist, and the version of each: another one after each change. */
export const readVersions = (query: Query, ids: readonly string[]): Promise<Version[]> =>
  query<Version>(
    `select t.id, t.xmin::text as version, not (${NOT_ENDED}) as ended from tasks t where t.id = any($1::bigint[])`,
    [ids],
  )

/** The claim that a row names. */
export interface Standing {
  readonly id: string
  readonly ended: boolean
  readonly token: number
  readonly node: string | null
}

/** Reads which of these rows exist, and the claim that each of them names. */
export async function readStanding(query: Query, ids: readonly string[]): Promise<Standing[]> {
  const rows = await query<{ id: string; token: string; node: string | null; ended: boolean }>(
    `select t.id, t.token, t.node, not (${NOT_ENDED}) as ended from tasks t where t.id = any($1::bigint[])`,
    [ids],
  )
  return rows.map(({ token, ...row }) => ({ ...row, token: Number(token) }))
}
