// The query parameters: a table of them, and the reader of query strings.
import { rateOf } from '../core/limit.ts'
import { FAILURES } from '../core/failures.ts'
import { LIST_LIMIT } from '../core/limits.ts'
import type { Fault } from '../core/refusal.ts'
import { isAction, SERVICE_NAME } from '../core/service.ts'
import { parseDuration } from '../core/units.ts'
import { MAX_WAIT_SECONDS } from './preferences.ts'
import { isStatus, isTaskId, type Status, STATUSES } from '../core/task.ts'
import { timeOf } from '../core/time.ts'
import type { Filters, ListQuery } from '../core/view.ts'
import { refuseFaults } from './faults.ts'

/** A label as a parameter, and its name. */
const LABEL = /^label\.[A-Za-z0-9._-]{1,64}$/
const TIME = 'a time of RFC 3339 with an offset, such as 2026-12-24T18:00:00Z'

/** What is kept of statistics: 48 hours. */
const MOST_SINCE_MS = 48 * 3_600_000

/** Postgres knows no year 0, and its timestamps end before those of JavaScript. */
const isTime = (value: string): boolean => {
  const at = timeOf(value) ?? NaN
  return at >= Date.UTC(1970) && at < Date.UTC(10_000)
}

interface Parameter {
  accepts(value: string): boolean
  readonly expected: string
}

export const PARAMETERS = {
  limit: {
    accepts: (value) => /^[1-9][0-9]{0,3}$/.test(value) && Number(value) <= LIST_LIMIT.max,
    expected: `a whole number from 1 to ${LIST_LIMIT.max}`,
  },
  after: { accepts: (value) => value === '0' || isTaskId(value), expected: 'the place of an entry' },
  before: { accepts: isTaskId, expected: 'the id of a task' },
  afterName: { accepts: (value) => SERVICE_NAME.test(value), expected: 'the name of a schedule' },
  ids: {
    accepts: (value) => value.split(',').length <= LIST_LIMIT.max && value.split(',').every(isTaskId),
    expected: `at most ${LIST_LIMIT.max} ids of tasks, with commas between`,
  },
  status: {
    accepts: (value) => value.split(',').every(isStatus) && new Set(value.split(',')).size === value.split(',').length,
    expected: `one or more of ${Object.keys(STATUSES).join(', ')}, with commas between`,
  },
  label: { accepts: (value) => value.length <= 512 && !value.includes('\0'), expected: 'the value of a label' },
  createdAfter: { accepts: isTime, expected: TIME },
  createdBefore: { accepts: isTime, expected: TIME },
  error: { accepts: (value) => Object.hasOwn(FAILURES, value), expected: `one of ${Object.keys(FAILURES).join(', ')}` },
  retried: { accepts: (value) => value === 'true' || value === 'false', expected: 'true or false' },
  schedule: { accepts: (value) => SERVICE_NAME.test(value), expected: 'the name of a schedule' },
  service: { accepts: (value) => SERVICE_NAME.test(value), expected: '1 to 100 characters of A-Z a-z 0-9 . _ -' },
  action: { accepts: isAction, expected: '1 to 200 characters of A-Z a-z 0-9 . _ ~ - (not just . or ..)' },
  wait: {
    accepts: (value) => (parseDuration(value) ?? Infinity) <= MAX_WAIT_SECONDS * 1000,
    expected: `a duration of at most ${MAX_WAIT_SECONDS}s, such as 30s`,
  },
  since: {
    accepts: (value) => (parseDuration(value) ?? (isTime(value) ? 0 : Infinity)) <= MOST_SINCE_MS,
    expected: `a duration of at most 48h, such as 6h, or ${TIME}`,
  },
  dryRun: { accepts: (value) => value === 'true' || value === 'false', expected: 'true or false' },
  rate: {
    accepts: (value) => rateOf(value) !== undefined,
    expected: 'a number by second, minute or hour, such as 20/s',
  },
  spread: { accepts: (value) => /^(?:0|[1-9][0-9]{0,12})$/.test(value), expected: 'a whole number' },
  view: { accepts: (value) => value === 'full', expected: 'full' },
} as const satisfies Record<string, Parameter>

export type ParameterName = keyof typeof PARAMETERS
/** By name; labels as `label.<name>`. */
export type Parameters = ReadonlyMap<string, string>

/** The parameters that choose tasks. */
export const FILTERS = [
  'ids',
  'status',
  'service',
  'action',
  'label',
  'createdAfter',
  'createdBefore',
  'error',
  'retried',
  'schedule',
] as const satisfies readonly ParameterName[]

const NONE: Parameters = new Map()

/**
 * Reads a query string. Each allowed parameter may occur once. Malformed percent-encoding is taken literally.
 * Throws a Refusal `invalid_parameter` that names every fault.
 */
export function readParameters(query: string, allowed: readonly ParameterName[]): Parameters {
  if (query === '') return NONE
  const parameters = new Map<string, string>()
  const faults: Fault[] = []
  // URLSearchParams removes one leading question mark; a question mark of the query itself belongs to a name.
  for (const [key, value] of new URLSearchParams(`?${query}`)) {
    const name = nameOf(key, allowed)
    const detail = name === undefined ? unknown(key) : faultOf(name, key, value, parameters)
    if (detail !== undefined) faults.push({ parameter: key, detail })
    if (name !== undefined) parameters.set(key, value)
  }
  if (faults.length > 0) throw refuseFaults('invalid_parameter', faults)
  return parameters
}

/** The parameter that a key of the query means: `label.<name>` is the parameter `label`. */
function nameOf(key: string, allowed: readonly ParameterName[]): ParameterName | undefined {
  const name = LABEL.test(key) ? 'label' : key
  return name === 'label' && name === key ? undefined : allowed.find((one) => one === name)
}

/** The filters of these parameters. */
export function filtersOf(parameters: Parameters): Filters {
  const given = (name: ParameterName): string | undefined => parameters.get(name)
  const labels = [...parameters]
    .filter(([key]) => LABEL.test(key))
    .map(([key, value]) => [key.slice('label.'.length), value])
  const texts = ['service', 'action', 'error', 'schedule'] as const
  const times = ['createdAfter', 'createdBefore'] as const
  const retried = given('retried')
  return {
    ...Object.fromEntries(texts.flatMap((name) => (parameters.has(name) ? [[name, parameters.get(name)]] : []))),
    ...Object.fromEntries(
      times.flatMap((name) =>
        parameters.has(name) ? [[name, new Date(timeOf(given(name) ?? '') ?? 0).toISOString()]] : [],
      ),
    ),
    ...(parameters.has('ids') && { ids: [...new Set(given('ids')?.split(','))] }),
    ...(parameters.has('status') && { status: (given('status')?.split(',') ?? []) as Status[] }),
    ...(retried !== undefined && { retried: retried === 'true' }),
    ...(labels.length > 0 && { labels: Object.fromEntries(labels) as Record<string, string> }),
  }
}

/** The list query of these parameters. With ids it shows all of them. */
export function listQueryOf(parameters: Parameters): ListQuery {
  const filters = filtersOf(parameters)
  const limit = parameters.get('limit') ?? filters.ids?.length ?? LIST_LIMIT.default
  const before = parameters.get('before')
  return {
    ...filters,
    limit: Number(limit),
    ...(before !== undefined && { before }),
    ...(parameters.has('view') && { full: true }),
  }
}

/** A path with the same parameters, but for those that are changed: the limit first, the other changes last. */
export function pathOf(path: string, parameters: Parameters, changed: Readonly<Record<string, string>>): string {
  const { limit, ...last } = changed
  const kept = [...parameters].filter(([name]) => !Object.hasOwn(changed, name))
  const all = [...(limit === undefined ? [] : [['limit', limit]]), ...kept, ...Object.entries(last)]
  return `${path}?${new URLSearchParams(all as [string, string][]).toString()}`
}

function faultOf(name: ParameterName, key: string, value: string, seen: Parameters): string | undefined {
  if (seen.has(key)) return `\`${key}\` is given twice.`
  return PARAMETERS[name].accepts(value) ? undefined : `\`${key}\` must be ${PARAMETERS[name].expected}.`
}

const unknown = (key: string): string => `There is no parameter \`${key.slice(0, 50)}\` here.`
