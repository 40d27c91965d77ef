// Reads tasks: by id, and as pages of the list. The cost of a page does not depend on the number of tasks.
import { PAGE_BYTES, PAGE_ROWS } from '../core/limits.ts'
import type { FullView, ListQuery, Page, TaskView } from '../core/view.ts'
import { type Columns, typesOf, valuesOf } from './columns.ts'
import type { Query } from './database.ts'
import { type Routine, routineOf } from './routine.ts'
import { UNOWNED, withId } from './sql.ts'
import { StoreError } from './trouble.ts'

const time = (of: string) => ['text', `to_char(${of} at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`] as const

/** What the list shows of a task. */
const SHOWN = {
  id: ['bigint', 't.id'],
  service: ['text', 't.service'],
  action: ['text', 't.action'],
  payload: ['json', 't.payload'],
  status: ['text', 't.status'],
} as const satisfies Columns

/** What GET of one task can show. */
const FULL = {
  ...SHOWN,
  result: ['json', 't.result'],
  resultOmitted: ['boolean', 't.result_omitted'],
  error: ['json', 't.error'],
  state: ['json', 't.state'],
  step: ['integer', 't.step'],
  attempt: ['integer', 't.attempt'],
  fails: ['integer', 't.fails'],
  createdAt: time('t.created_at'),
  startedAt: time('t.started_at'),
  finishedAt: time('t.finished_at'),
  runAt: time(`case when ${UNOWNED} then t.run_at end`),
} as const satisfies Columns & Record<keyof FullView, unknown>

/** The most tasks that one statement reads. */
export const MAX_TASKS_PER_READ = 16
/** After a read of this many characters, or a failed read, the next statement reads one task: the answer must arrive in time. */
const LARGE_READ_CHARS = 1024 * 1024

export const READ = routineOf({
  name: 'read',
  types: ['bigint[]'],
  returns: typesOf(FULL),
  sql: `
  select ${valuesOf(FULL)}
  from unnest($1) as w(id) join tasks t on ${withId('w.id')}`,
})

/** A read that fails sooner than this had a broken connection; Postgres was not slow. */
const QUICK_FAILURE_MS = 500

/** Makes the flush of a batch of reads, one task each. A result is undefined where there is no such task. */
export function readFlush(query: Query) {
  let most = MAX_TASKS_PER_READ
  return async (ids: readonly string[]): Promise<(FullView | undefined)[]> => {
    const found = new Map<string, FullView>()
    for (const wanted = [...new Set(ids)]; wanted.length > 0;) {
      const asked = wanted.splice(0, most)
      most = 1
      const rows = await readOnce(query, asked)
      for (const row of rows) found.set(row.id, row)
      if (charactersOf(rows) < LARGE_READ_CHARS) most = MAX_TASKS_PER_READ
    }
    return ids.map((id) => found.get(id))
  }
}

/** Runs one statement. When its connection breaks, the statement is repeated once on another connection. */
async function readOnce(query: Query, ids: readonly string[]): Promise<FullView[]> {
  const begun = performance.now()
  return query<FullView>(READ.call, [ids]).catch((error: unknown) => {
    const broke =
      error instanceof StoreError && error.trouble === 'unknown' && performance.now() - begun < QUICK_FAILURE_MS
    if (!broke) throw error
    return query<FullView>(READ.call, [ids])
  })
}

const charactersOf = (rows: readonly FullView[]): number =>
  rows.reduce(
    (sum, { payload, state, result }) => sum + payload.length + (state?.length ?? 0) + (result?.length ?? 0),
    0,
  )

/** The claim that a row names. */
export interface Standing {
  readonly id: string
  readonly token: number
  readonly node: string | null
}

/** Reads which of these rows exist, and the claim that each of them names. */
export async function readStanding(query: Query, ids: readonly string[]): Promise<Standing[]> {
  const rows = await query<{ id: string; token: string; node: string | null }>(
    'select id, token, node from tasks where id = any($1::bigint[])',
    [ids],
  )
  return rows.map(({ id, token, node }) => ({ id, token: Number(token), node }))
}

// `nulls last` is the order of the two filter indexes, and not that of the primary key. Without it the planner may walk the
// primary key and filter by status, and the next match may be 50,000 rows away.
const WINDOWS = {
  all: pageOf('all', 'order by id desc'),
  status: pageOf('status', 'and status = $2 order by id desc nulls last'),
  service: pageOf('service', 'and service = $3 order by id desc nulls last'),
} as const
/** The statements that read a page. */
export const PAGES = Object.values(WINDOWS)

function pageOf(along: string, window: string): Routine {
  return routineOf({
    name: `page_by_${along}`,
    types: ['bigint', 'text', 'text', 'text', 'integer', 'integer'],
    returns: `${typesOf(SHOWN)}, count bigint, last bigint, matched bigint`,
    ordered: true,
    sql: `
  with seen as materialized (
    select id, service, action, status, payload_bytes from tasks where id < coalesce($1, 9223372036854775807)
    ${window} limit $5
  ),
  matching as (
    select id, sum(payload_bytes) over (order by id desc) - payload_bytes as before from seen
    where ($2 is null or status = $2) and ($3 is null or service = $3) and ($4 is null or action = $4)
    order by id desc limit $6
  ),
  shown as (
    select ${valuesOf(SHOWN)} from matching m join tasks t on ${withId('m.id')}
    where m.before < ${PAGE_BYTES}
  )
  select shown.*, looked.count, looked.last, (select count(*) from matching) as matched
  from (select count(*), min(id) as last from seen) looked left join shown on true
  order by shown.id desc`,
  })
}

interface PageRow extends TaskView {
  readonly count: string
  readonly last: string | null
  readonly matched: string
}

/**
 * Reads a page. It reads a bounded window of rows, in the order of the index that fits the filters. With a filter by status
 * alone or by service alone every row in the window matches, so the page is full.
 */
export async function readPage(query: Query, { limit, before, status, service, action }: ListQuery): Promise<Page> {
  const exact = action === undefined && (status === undefined || service === undefined)
  const window = exact ? limit + 1 : PAGE_ROWS
  const along = service !== undefined ? 'service' : status !== undefined ? 'status' : 'all'
  const values = [before ?? null, status ?? null, service ?? null, action ?? null, window, limit + 1]
  const rows = await query<PageRow>(WINDOWS[along].call, values)
  const found = rows.filter(({ id }) => id !== null).slice(0, limit)
  const tasks = found.map(({ id, service, action, payload, status }) => ({ id, service, action, payload, status }))
  const next = nextOf(rows[0], tasks, window)
  return next === undefined ? { tasks } : { tasks, next }
}

/** Where the next page begins: after the last task shown if more rows of the window match, else after a full window. */
function nextOf(looked: PageRow | undefined, tasks: readonly TaskView[], window: number): string | undefined {
  if (!looked) return undefined
  if (Number(looked.matched) > tasks.length) return tasks.at(-1)?.id ?? looked.last ?? undefined
  return Number(looked.count) === window ? (looked.last ?? undefined) : undefined
}
