// What callers are shown of the last 48 hours: minutes of all nodes, added up, and the percentiles of their times.
import { setImmediate } from 'node:timers/promises'
import { addPacked, BUCKETS, percentile } from '../core/buckets.ts'
import { type Columns, namedValuesOf, type RowOf } from './columns.ts'
import type { Query } from './database.ts'
import { time } from './reads.ts'

/** Rows of nodes that one answer is made of; the newest are shown. */
const MOST_ROWS = 20_000
/** After so many rows others have their turn. */
const TURN_ROWS = 500

/** Since when: a time, or so many ms ago by Postgres' clock. */
export type Since = { readonly at: string } | { readonly ago: number }

/** Since when, and of which service; undefined: of all. */
export interface StatsQuery {
  readonly since: Since
  readonly service: string | undefined
}

/** Percentiles of a time, ms; null: nothing was counted. */
type Times = Readonly<Record<'p50' | 'p95', number | null>>

/** One minute of a service. */
export interface Stat {
  readonly minute: string
  readonly service: string
  readonly created: number
  readonly complete: number
  readonly failed: number
  readonly queueMs: Times
  readonly requestMs: Times
}

const ROW = {
  minute: time('m.minute'),
  service: ['text', 'm.service'],
  created: ['integer', 'm.created'],
  complete: ['integer', 'm.complete'],
  failed: ['integer', 'm.failed'],
} as const satisfies Columns

/** Nodes of the release before write no times. */
interface Row extends RowOf<typeof ROW> {
  readonly queue: readonly number[] | null
  readonly request: readonly number[] | null
}

// A range of the primary key, whose first column is the minute.
const READ = `
  select ${namedValuesOf(ROW)}, m.queue, m.request
  from minutes m
  where m.minute >= date_trunc('minute', coalesce($1::timestamptz, now() - $2::double precision * interval '1 millisecond'))
    and ($3::text is null or m.service = $3)
  order by m.minute desc, m.service desc limit ${MOST_ROWS}`

/** The values of two parameters, of which one is null. */
export const sinceValues = (since: Since): unknown[] => [
  'at' in since ? since.at : null,
  'ago' in since ? since.ago : null,
]

/** Reads the minutes, the oldest first. Throws a `StoreError`. */
export async function readStats(query: Query, { since, service }: StatsQuery): Promise<Stat[]> {
  const rows = await query<Row>(READ, [...sinceValues(since), service ?? null])
  // Of the oldest minute there may be more.
  const cut = rows.length === MOST_ROWS ? rows.at(-1)?.minute : undefined
  const sums = new Map<string, Sum>()
  for (const [place, row] of rows.toReversed().entries()) {
    if (place % TURN_ROWS === 0) await setImmediate()
    if (row.minute === cut) continue
    const name = `${row.minute} ${row.service}`
    const sum = sums.get(name) ?? newSum(row)
    sums.set(name, sum)
    for (const count of ['created', 'complete', 'failed'] as const) sum[count] += row[count]
    if (row.queue) addPacked(sum.queue, row.queue)
    if (row.request) addPacked(sum.request, row.request)
  }
  return [...sums.values()].map(({ queue, request, ...sum }) => ({
    ...sum,
    queueMs: timesOf(queue),
    requestMs: timesOf(request),
  }))
}

interface Sum {
  readonly minute: string
  readonly service: string
  created: number
  complete: number
  failed: number
  readonly queue: Float64Array
  readonly request: Float64Array
}

const newSum = ({ minute, service }: Row): Sum => ({
  minute,
  service,
  created: 0,
  complete: 0,
  failed: 0,
  queue: new Float64Array(BUCKETS),
  request: new Float64Array(BUCKETS),
})

const timesOf = (counts: Float64Array): Times => ({ p50: percentile(counts, 0.5), p95: percentile(counts, 0.95) })
