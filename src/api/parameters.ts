// The query parameters: a table of them, and the reader of query strings.
import { LIST_LIMIT } from '../core/limits.ts'
import type { Fault } from '../core/refusal.ts'
import { isAction, SERVICE_NAME } from '../core/service.ts'
import { isStatus, isTaskId, STATUSES } from '../core/task.ts'
import type { ListQuery } from '../core/view.ts'
import { refuseFaults } from './faults.ts'

interface Parameter {
  accepts(value: string): boolean
  readonly expected: string
}

export const PARAMETERS = {
  limit: {
    accepts: (value) => /^[1-9][0-9]{0,3}$/.test(value) && Number(value) <= LIST_LIMIT.max,
    expected: `a whole number from 1 to ${LIST_LIMIT.max}`,
  },
  before: { accepts: isTaskId, expected: 'the id of a task' },
  status: { accepts: isStatus, expected: `one of ${Object.keys(STATUSES).join(', ')}` },
  service: { accepts: (value) => SERVICE_NAME.test(value), expected: '1 to 100 characters of A-Z a-z 0-9 . _ -' },
  action: { accepts: isAction, expected: '1 to 200 characters of A-Z a-z 0-9 . _ ~ - (not just . or ..)' },
  view: { accepts: (value) => value === 'full', expected: 'full' },
} as const satisfies Record<string, Parameter>

export type ParameterName = keyof typeof PARAMETERS
export type Parameters = ReadonlyMap<ParameterName, string>

const NONE: Parameters = new Map()

/**
 * Reads a query string. Each allowed parameter may occur once. Malformed percent-encoding is taken literally.
 * Throws a Refusal `invalid_parameter` that names every fault.
 */
export function readParameters(query: string, allowed: readonly ParameterName[]): Parameters {
  if (query === '') return NONE
  const parameters = new Map<ParameterName, string>()
  const faults: Fault[] = []
  // URLSearchParams removes one leading question mark; a question mark of the query itself belongs to a name.
  for (const [key, value] of new URLSearchParams(`?${query}`)) {
    const name = allowed.find((name) => name === key)
    const detail = name === undefined ? unknown(key) : faultOf(name, value, parameters)
    if (detail !== undefined) faults.push({ parameter: key, detail })
    if (name !== undefined) parameters.set(name, value)
  }
  if (faults.length > 0) throw refuseFaults('invalid_parameter', faults)
  return parameters
}

/** The list query of these parameters. */
export function listQueryOf(parameters: Parameters): ListQuery {
  const { limit, ...filters } = Object.fromEntries(parameters) as { limit?: string } & Omit<ListQuery, 'limit'>
  return { ...filters, limit: limit === undefined ? LIST_LIMIT.default : Number(limit) }
}

/** The path of the next page: the same filters, and tasks older than `before`. */
export function nextPageOf(query: ListQuery, before: string): string {
  const { limit, ...filters } = query
  return '/tasks?' + new URLSearchParams({ limit: String(limit), ...filters, before }).toString()
}

function faultOf(name: ParameterName, value: string, seen: Parameters): string | undefined {
  if (seen.has(name)) return `\`${name}\` is given twice.`
  return PARAMETERS[name].accepts(value) ? undefined : `\`${name}\` must be ${PARAMETERS[name].expected}.`
}

const unknown = (key: string): string => `There is no parameter \`${key.slice(0, 50)}\` here.`
