// What callers are shown of services: their state, their tasks, and the nodes that know them.
import type { Limit } from '../core/limit.ts'
import { ALL_LEVELS } from './claimed.ts'
import { type Columns, type RowOf, typesOf, valuesOf } from './columns.ts'
import type { Query } from './database.ts'
import { time } from './reads.ts'
import { routineOf } from './routine.ts'
import { UNOWNED } from './sql.ts'

/** Tasks are counted up to one more than this. */
export const MOST_COUNTED = 1_000

/** The tasks of a service that wait, before or after now, in the order of `tasks_due`. */
const waiting = (when: string, most: number): string => `
  (values ${ALL_LEVELS.map((level) => `(${level}::smallint)`).join(', ')}) l(level) cross join lateral (
    select t.run_at, t.fails from tasks t where ${UNOWNED} and t.service = known.name and t.priority = l.level and t.run_at ${when} now()
    order by t.run_at, t.id limit ${most}
  ) t`
/** Of these how many there are, and how many wait to repeat a request that failed. */
const counted = (when: string): string => `
  select count(*)::integer as count, (count(*) filter (where t.fails > 0))::integer as retrying
  from (select t.fails from ${waiting(when, MOST_COUNTED + 1)} limit ${MOST_COUNTED + 1}) t`
const ended = (what: string): string => `coalesce(ended.${what}, 0)::integer`

const SHOWN = {
  name: ['text', 'known.name'],
  pausedAt: [...time('s.paused_at'), 'or null'],
  pausedBy: ['text', 's.paused_by', 'or null'],
  reason: ['text', 's.pause_reason', 'or null'],
  gatedUntil: [...time('s.gated_until'), 'or null'],
  running: ['integer', 'coalesce(known.running, 0)::integer'],
  waiting: ['integer', 'due.count'],
  delayed: ['integer', 'later.count'],
  retrying: ['integer', 'later.retrying'],
  oldestMs: [
    'double precision',
    `(select extract(epoch from now() - min(t.run_at)) * 1000 from ${waiting('<=', 1)})::double precision`,
    'or null',
  ],
  complete: ['integer', ended('complete')],
  failed: ['integer', ended('failed')],
} as const satisfies Columns

/** A service, as Postgres knows it. */
export interface ServiceView extends RowOf<typeof SHOWN> {
  /** Set at run time, in place of the file's. */
  readonly limit: Limit | null
  /** The live nodes that know it, by name. */
  readonly nodes: readonly string[]
}

// The minutes of an hour are looked up one by one, by the primary key.
export const SERVICES = routineOf({
  name: 'services',
  types: ['text[]'],
  returns: `${typesOf(SHOWN)}, "limit" jsonb, nodes text[]`,
  ordered: true,
  sql: `
  with live as materialized (
    select w.name, array_agg(n.name order by n.name) as nodes, sum((n.use -> w.name ->> 'running')::integer) as running
    from nodes n cross join lateral unnest(n.services) w(name) where n.lease_until > now() and w.name = any($1) group by w.name
  ),
  known as materialized (
    select w.name, live.nodes, live.running from unnest($1) w(name) left join live on live.name = w.name
  )
  select ${valuesOf(SHOWN)}, s.limits, coalesce(known.nodes, '{}') from known
    left join service_state s on s.service = any(array[known.name])
    cross join lateral (
      select sum(m.complete) as complete, sum(m.failed) as failed
      from generate_series(date_trunc('minute', now()) - interval '59 minutes', now(), interval '1 minute') past(minute)
        join minutes m on m.minute = past.minute and m.service = known.name
    ) ended
    cross join lateral (${counted('<=')}) due cross join lateral (${counted('>')}) later
  order by known.name collate "C"`,
})

/** So many are read by one statement: it must end in time also where the backlog of each is long. */
const MOST_TOGETHER = 50

/** Reads these services, and with `others` those that only other live nodes know; by name. Throws a `StoreError`. */
export async function readServices(query: Query, names: readonly string[], others: boolean): Promise<ServiceView[]> {
  const known = others ? await query<{ name: string }>(KNOWN) : []
  const all = [...new Set([...names, ...known.map(({ name }) => name)])].sort()
  const read: ServiceView[] = []
  for (let i = 0; i < all.length; i += MOST_TOGETHER)
    read.push(...(await query<ServiceView>(SERVICES.call, [all.slice(i, i + MOST_TOGETHER)])))
  return read
}

const KNOWN = 'select distinct unnest(services) as name from nodes where lease_until > now()'
