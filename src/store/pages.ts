// Reads the list page by page. The cost of a page does not depend on the number of tasks.
import { ERROR_ROWS, PAGE_BYTES, PAGE_ROWS } from '../core/limits.ts'
import type { ListQuery, Page, TaskView } from '../core/view.ts'
import { typesOf, valuesOf } from './columns.ts'
import type { Query } from './database.ts'
import { type Along, ALONGS, alongOf, FILTER_TYPES, filterValues, isExact, MATCHES, windowOf } from './filters.ts'
import { SHOWN } from './reads.ts'
import { type Routine, routineOf } from './routine.ts'
import type { Seals } from './seal.ts'
import { openTask } from './sealed.ts'
import { withId } from './sql.ts'

const [WINDOW, LIMIT, PAYLOADS] = [1, 2, 3].map((i) => `$${FILTER_TYPES.length + i}`) as [string, string, string]

/** Of a brief page no payload is read. */
const COLUMNS = { ...SHOWN, payload: ['json', `case when ${PAYLOADS} then t.payload end`] } as const

const pageOf = (along: Along): Routine =>
  routineOf({
    name: `page_by_${along}`,
    types: [...FILTER_TYPES, 'integer', 'integer', 'boolean'],
    returns: `${typesOf(COLUMNS)}, count bigint, last bigint, matched bigint`,
    ordered: true,
    sql: `
  with seen as materialized (${windowOf(along, 'newest first', WINDOW)}),
  matching as (
    select id, sum(payload_bytes) over (order by id desc) - payload_bytes as before from seen where ${MATCHES}
    order by id desc limit ${LIMIT}
  ),
  shown as (
    select ${valuesOf(COLUMNS)} from matching m join tasks t on ${withId('m.id')}
    where not ${PAYLOADS} or m.before < ${PAGE_BYTES}
  )
  select shown.*, looked.count, looked.last, (select count(*) from matching) as matched
  from (select count(*), min(id) as last from seen) looked left join shown on true
  order by shown.id desc`,
  })

const BY = Object.fromEntries(ALONGS.map((along) => [along, pageOf(along)])) as Readonly<Record<Along, Routine>>
/** The statements that read a page. */
export const PAGES = Object.values(BY)

interface PageRow extends TaskView {
  readonly key: string
  readonly payloadOf: string | null
  readonly count: string
  readonly last: string | null
  readonly matched: string
}

/**
 * Reads a page. It reads a bounded window of rows, in the order of the index that fits the filters. With one filter that has an index
 * every row in the window matches, so the page is full.
 */
export async function readPage(
  query: Query,
  seals: Seals,
  { limit, before, view, ...filters }: ListQuery,
): Promise<Page> {
  const window = isExact(filters)
    ? limit + 1
    : filters.error === undefined && filters.kind === undefined
      ? PAGE_ROWS
      : ERROR_ROWS
  const values = [...filterValues(before, filters), window, limit + 1, view !== 'brief']
  const rows = await query<PageRow>(BY[alongOf(filters)].call, values)
  const found = rows.filter(({ id }) => id !== null).slice(0, limit)
  const tasks = found.map((row): TaskView => {
    if (view === 'brief') return row
    const { id, service, action, payload, status, cannotDecrypt } = openTask(seals, row)
    return { id, service, action, payload, status, ...(cannotDecrypt && { cannotDecrypt }) }
  })
  const next = nextOf(rows[0], tasks, window)
  return next === undefined ? { tasks } : { tasks, next }
}

/** Where the next page begins: after the last task shown if more rows of the window match, else after a full window. */
function nextOf(looked: PageRow | undefined, tasks: readonly TaskView[], window: number): string | undefined {
  if (!looked) return undefined
  if (Number(looked.matched) > tasks.length) return tasks.at(-1)?.id ?? looked.last ?? undefined
  return Number(looked.count) === window ? (looked.last ?? undefined) : undefined
}
