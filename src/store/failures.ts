// What has failed, in groups: failed tasks of one service and action that ended for the same reason and with the same words.
import type { Bounds } from '../core/key.ts'
import { PAGE_BYTES, PAGE_ROWS } from '../core/limits.ts'
import { type Columns, typesOf, valuesOf } from './columns.ts'
import type { Query } from './database.ts'
import { time } from './reads.ts'
import { answeredOf, codeOf, kindOf, messageOf, textOf } from './words.ts'
import { routineOf } from './routine.ts'
import { boundValues, BOUND_TYPES, withinBounds } from './sql.ts'
import { type Since, sinceValues } from './stats.ts'

/** The most groups of an answer. */
const MOST_GROUPS = 200
/** Which failures: those that ended since then, of one service or of all, within the bounds of a caller. */
export interface FailuresQuery extends Bounds {
  readonly since: Since
  readonly service?: string
}

/** A group of failed tasks. */
export interface FailureGroup {
  readonly service: string
  readonly action: string
  readonly code: string
  /** That of the last answer; null: there was none. */
  readonly status: number | null
  /** How the last answer began, or the detail of the error. Each number and id is `#`. */
  readonly message: string
  /** Names code, status and message, for the filter `kind`. */
  readonly kind: string
  readonly count: number
  /** When the first and the last of them ended. */
  readonly first: string
  readonly last: string
  /** The id of the newest. */
  readonly task: string
}

const ROW = {
  service: ['text', 'service'],
  action: ['text', 'action'],
  code: ['text', 'code'],
  status: ['text', 'status'],
  message: ['text', 'message'],
  kind: ['text', kindOf('code', 'status', 'message')],
  count: ['integer', 'count(*)::integer'],
  first: time('min(finished_at)'),
  last: time('max(finished_at)'),
  task: ['bigint', 'max(id)'],
} as const satisfies Columns

const [SINCE, AGO, SERVICE, ...BOUNDS] = ['$1', '$2', '$3', '$4', '$5'] as const

// The newest failed tasks are read along an index, and of their errors 8 MiB as they are stored: one may have 64 KiB.
const LOOKED = {
  status: `t.status = 'failed' order by t.id desc nulls last`,
  service: `t.service = ${SERVICE} and t.status = 'failed' and t.finished_at is not null order by t.finished_at desc`,
  caller: `t.caller = ${BOUNDS[0]} order by t.id desc nulls last`,
} as const

const groupsAlong = (what: keyof typeof LOOKED) =>
  routineOf({
    name: `failures_by_${what}`,
    types: ['timestamptz', 'double precision', 'text', ...BOUND_TYPES],
    returns: typesOf(ROW),
    ordered: true,
    sql: `
  with seen as materialized (
    select t.id, t.service, t.action, t.status, t.error, t.finished_at, t.retried_as, t.caller from tasks t
    where ${LOOKED[what]} limit ${PAGE_ROWS}
  ),
  sized as (
    select seen.*, sum(pg_column_size(error)) over (order by id desc) as bytes from seen
    where status = 'failed' and retried_as is null and (${SERVICE} is null or service = ${SERVICE}) and ${withinBounds('seen', BOUNDS)}
      and finished_at >= coalesce(${SINCE}, now() - ${AGO} * interval '1 millisecond')
  ),
  texts as materialized (
    select id, service, action, finished_at, ${textOf('error')} as text from sized where bytes <= ${PAGE_BYTES}
  ),
  groups as (
    select id, service, action, finished_at, ${codeOf('text')} as code, ${answeredOf('text')} as status, ${messageOf('text')} as message from texts
  )
  select ${valuesOf(ROW)} from groups group by service, action, code, status, message
  order by max(finished_at) desc, max(id) desc limit ${MOST_GROUPS}`,
  })

const ALONG = { status: groupsAlong('status'), service: groupsAlong('service'), caller: groupsAlong('caller') } as const
/** The statements that read groups of failures. */
export const FAILURE_GROUPS = Object.values(ALONG)

/** Reads the groups, that with the latest end first. Throws a `StoreError`. */
export async function readFailures(
  query: Query,
  { since, service, ...bounds }: FailuresQuery,
): Promise<FailureGroup[]> {
  // For one caller it is that of the caller's rows: time would tell of the rows of others.
  const along = bounds.caller !== undefined ? 'caller' : service !== undefined ? 'service' : 'status'
  const { call } = ALONG[along]
  const values = [...sinceValues(since), service ?? null, ...boundValues(bounds)]
  const rows = await query<Omit<FailureGroup, 'status'> & { readonly status: string }>(call, values)
  return rows.map((row) => ({ ...row, status: parseInt(row.status) || null, message: stringOf(row.message) }))
}

const ESCAPED: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }

/**
 * The string that JSON text begins with, up to its end or to where the text was cut. Control characters and lone surrogates are U+FFFD:
 * their digits may have been replaced.
 */
const stringOf = (text: string): string =>
  (/^(?:[^"\\]|\\.)*/s.exec(text)?.[0] ?? '').replaceAll(/\\(?:u[\da-f#]{0,4}|(.))/gis, (_, one?: string) =>
    one === undefined ? '\ufffd' : (ESCAPED[one] ?? one),
  )
