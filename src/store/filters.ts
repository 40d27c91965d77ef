// The filters of tasks as SQL: which index leads to a window of rows, and which rows of that window match.
import type { Filters } from '../core/view.ts'
import { boundValues, withId, withinBounds } from './sql.ts'
import { kindOfError } from './words.ts'

/** What leads to the rows of a window. */
export const ALONGS = ['ids', 'label', 'schedule', 'caller', 'status', 'service', 'all'] as const
export type Along = (typeof ALONGS)[number]

export type Direction = 'newest first' | 'oldest first'

/** The parameters of a statement with filters, after which its own begin: the id beyond which the window begins, and the filters. */
export const FILTER_TYPES = [
  'bigint',
  'bigint[]',
  'text',
  'text[]',
  'text',
  'text',
  'jsonb',
  'timestamptz',
  'timestamptz',
  'text',
  'text',
  'boolean',
  'text',
  'text',
  'text[]',
]
const [EDGE, IDS, LABEL, STATUSES, SERVICE, ACTION, LABELS, AFTER, BEFORE, ERROR, KIND, RETRIED, SCHEDULE, ...BOUNDS] =
  FILTER_TYPES.map((_, i) => `$${i + 1}`) as [string, ...string[]]

/** The values of these parameters. */
export const filterValues = (edge: string | undefined, filters: Filters): unknown[] => [
  edge ?? null,
  filters.ids ?? null,
  labelsOf(filters)[0] ?? null,
  statusesOf(filters) ?? null,
  filters.service ?? null,
  filters.action ?? null,
  filters.labels === undefined ? null : JSON.stringify(filters.labels),
  filters.createdAfter ?? null,
  filters.createdBefore ?? null,
  filters.error ?? null,
  filters.kind ?? null,
  filters.retried ?? null,
  filters.schedule ?? null,
  ...boundValues(filters),
]

/** Only what has failed has a code of a failure. */
const statusesOf = ({ status, error, kind }: Filters): readonly string[] | undefined =>
  status ?? (error === undefined && kind === undefined ? undefined : ['failed'])

const labelsOf = ({ labels = {} }: Filters): string[] =>
  Object.entries(labels).map(([name, value]) => `${name}=${value}`)

/**
 * The index to go along: the one that is likely to have the fewest rows. For one caller it is that of the caller's rows: time and `next`
 * would tell of the rows of others that are passed over.
 */
export function alongOf(filters: Filters): Along {
  if (filters.ids !== undefined) return 'ids'
  if (filters.caller !== undefined) return 'caller'
  if (filters.labels !== undefined) return 'label'
  if (filters.schedule !== undefined) return 'schedule'
  if (filters.service !== undefined) return 'service'
  return statusesOf(filters)?.length === 1 ? 'status' : 'all'
}

/** Whether each row of the window matches. */
export function isExact(filters: Filters): boolean {
  const along = alongOf(filters)
  const given = Object.entries(filters).filter(([, value]) => value !== undefined)
  if (given.length === 0) return true
  if (along === 'all' || filters.error !== undefined || filters.kind !== undefined) return false
  return given.length === 1 && (along !== 'label' || labelsOf(filters).length === 1)
}

const COLUMNS = `t.id, t.service, t.action, t.status, t.payload_bytes, t.labels, t.created_at, t.error, t.retried_as, t.schedule, t.caller`

/**
 * The rows of a window, in the order of ids, beyond EDGE. \`nulls\` is the order of the two filter indexes, and not that of the primary
 * key. Without it the planner may walk the primary key and filter by status, and the next match may be 50,000 rows away.

 * @param until an SQL expression: only ids below it, of a window with the oldest first
 */
export function windowOf(along: Along, direction: Direction, most: string, until?: string): string {
  const newest = direction === 'newest first'
  const beyond = (id: string): string =>
    newest ? below(id, EDGE) : `${id} > coalesce(${EDGE}, 0)${until === undefined ? '' : ` and ${below(id, until)}`}`
  const order = newest ? 'desc' : 'asc'
  const nulls = newest ? 'desc nulls last' : 'asc nulls first'
  switch (along) {
    case 'ids':
      return `select ${COLUMNS} from unnest(${IDS}) as w(id) cross join lateral (select * from tasks t where ${withId('w.id')} offset 0) t
        where ${beyond('t.id')} order by t.id ${order} limit ${most}`
    case 'label':
      return `select ${COLUMNS} from (
        select l.task from task_labels l where l.label = ${LABEL} and ${beyond('l.task')} order by l.task ${order} limit ${most}
      ) l join tasks t on ${withId('l.task')}`
    case 'schedule':
      return `select ${COLUMNS} from tasks t where ${beyond('t.id')} and t.schedule = ${SCHEDULE} order by t.id ${nulls} limit ${most}`
    case 'caller':
      return `select ${COLUMNS} from tasks t where ${beyond('t.id')} and t.caller = ${BOUNDS[0]} order by t.id ${nulls} limit ${most}`
    case 'status':
      return `select ${COLUMNS} from tasks t where ${beyond('t.id')} and t.status = (${STATUSES})[1] order by t.id ${nulls} limit ${most}`
    case 'service':
      return `select ${COLUMNS} from tasks t where ${beyond('t.id')} and t.service = ${SERVICE} order by t.id ${nulls} limit ${most}`
    case 'all':
      return `select ${COLUMNS} from tasks t where ${beyond('t.id')} order by t.id ${order} limit ${most}`
  }
}

const below = (id: string, edge: string): string => `${id} < coalesce(${edge}, 9223372036854775807)`

/** A condition on the rows of a window. */
export const MATCHES = `(${STATUSES} is null or status = any(${STATUSES})) and (${SERVICE} is null or service = ${SERVICE})
    and (${ACTION} is null or action = ${ACTION}) and (${LABELS} is null or labels @> ${LABELS})
    and (${AFTER} is null or created_at > ${AFTER}) and (${BEFORE} is null or created_at < ${BEFORE})
    and (${ERROR} is null or error::text ~ ('^\\{"code" *: *"' || ${ERROR} || '"') and status = 'failed')
    and (${KIND} is null or status = 'failed' and ${kindOfError('error')} = ${KIND})
    and (${RETRIED} is null or (retried_as is not null) = ${RETRIED}) and (${SCHEDULE} is null or schedule = ${SCHEDULE})
    and ${withinBounds('seen', BOUNDS)}`
