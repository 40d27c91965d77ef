// The query parameters: a table of them, and the reader of query strings.
import { type Schema, wholeSchema } from '../core/json-schema.ts'
import { RATE_PATTERN, rateOf } from '../core/limit.ts'
import { FAILURES } from '../core/failures.ts'
import { LIST_LIMIT } from '../core/limits.ts'
import type { Fault } from '../core/refusal.ts'
import { ACTION, isAction, SERVICE_NAME } from '../core/service.ts'
import { DURATION_PATTERN, parseDuration } from '../core/units.ts'
import { MAX_WAIT_SECONDS } from './preferences.ts'
import { ID, isStatus, isTaskId, STATUSES } from '../core/task.ts'
import { RFC_3339, timeOf } from '../core/time.ts'
import { VIEWS } from '../core/view.ts'
import { refuseFaults } from './faults.ts'

/** A label as a parameter, and its name. */
export const LABEL = /^label\.[A-Za-z0-9._-]{1,64}$/
const KIND = /^[0-9a-f]{12}$/
const TIME = 'a time of RFC 3339 with an offset, such as 2026-12-24T18:00:00Z'

/** The longest durations of `since`: statistics are kept no longer, nor failed tasks by default. */
export const MOST_SINCE = { stats: '48h', failures: '90d' }

/** Postgres knows no year 0, and its timestamps end before those of JavaScript. */
const isTime = (value: string): boolean => {
  const at = timeOf(value) ?? NaN
  return at >= Date.UTC(1970) && at < Date.UTC(10_000)
}

interface Parameter {
  accepts(value: string): boolean
  readonly expected: string
  /** What it does, for the OpenAPI document. */
  readonly meaning: string
  /** Of the value: of an array the items stand with commas between. Accepts all that `accepts` does, and little more. */
  readonly schema: Schema
}

const matching = (pattern: RegExp): Schema => ({ type: 'string', pattern: pattern.source })

type Rule = Omit<Parameter, 'meaning'>

const oneOf = (values: readonly string[], expected = `one of ${values.join(', ')}`): Rule => ({
  accepts: (value) => values.includes(value),
  expected,
  schema: { type: 'string', enum: values },
})
const YES_OR_NO = oneOf(['true', 'false'], 'true or false')
const A_TIME: Rule = { accepts: isTime, expected: TIME, schema: matching(RFC_3339) }
const A_NAME = (expected: string): Rule => ({
  accepts: (value) => SERVICE_NAME.test(value),
  expected,
  schema: matching(SERVICE_NAME),
})

export const PARAMETERS = {
  limit: {
    accepts: (value) => /^[1-9][0-9]{0,3}$/.test(value) && Number(value) <= LIST_LIMIT.max,
    expected: `a whole number from 1 to ${LIST_LIMIT.max}`,
    meaning: 'The most entries of the page.',
    schema: wholeSchema(1, LIST_LIMIT.max),
  },
  after: {
    accepts: (value) => value === '0' || isTaskId(value),
    expected: 'the place of an entry',
    meaning: 'Where the page before ended. `Link` or `next` gives it.',
    schema: { type: 'string', pattern: '^(?:0|[1-9][0-9]{0,18})$' },
  },
  before: {
    accepts: isTaskId,
    expected: 'the id of a task',
    meaning: 'Only tasks with a smaller id.',
    schema: matching(ID),
  },
  afterName: {
    ...A_NAME('the name of a schedule'),
    meaning: 'The last name of the page before. `Link` gives it.',
  },
  ids: {
    accepts: (value) => value.split(',').length <= LIST_LIMIT.max && value.split(',').every(isTaskId),
    expected: `at most ${LIST_LIMIT.max} ids of tasks, with commas between`,
    meaning: 'These tasks. Ids without a task are left out.',
    schema: { type: 'array', items: matching(ID), minItems: 1, maxItems: LIST_LIMIT.max },
  },
  status: {
    accepts: (value) => value.split(',').every(isStatus) && new Set(value.split(',')).size === value.split(',').length,
    expected: `one or more of ${Object.keys(STATUSES).join(', ')}, with commas between`,
    meaning: 'Tasks with one of these statuses.',
    schema: { type: 'array', items: { enum: Object.keys(STATUSES) }, minItems: 1, uniqueItems: true },
  },
  label: {
    accepts: (value) => value.length <= 512 && !value.includes('\0'),
    expected: 'the value of a label',
    meaning: 'Tasks with this label: `label.<name>=<value>`. Several labels are and-ed.',
    schema: {
      type: 'object',
      propertyNames: { pattern: LABEL.source },
      additionalProperties: { type: 'string', maxLength: 512, pattern: '^[^\\u0000]*$' },
    },
  },
  createdAfter: { ...A_TIME, meaning: 'Tasks that were created after this time.' },
  createdBefore: { ...A_TIME, meaning: 'Tasks that were created before this time.' },
  error: { ...oneOf(Object.keys(FAILURES)), meaning: 'Tasks that failed with this code.' },
  kind: {
    accepts: (value) => KIND.test(value),
    expected: 'the kind of a failure, as GET /failures names it',
    meaning: 'Tasks that failed with the same words. `GET /failures` names them.',
    schema: matching(KIND),
  },
  retried: { ...YES_OR_NO, meaning: 'Whether the tasks have been retried.' },
  schedule: { ...A_NAME('the name of a schedule'), meaning: 'Tasks that this schedule has made.' },
  service: { ...A_NAME('1 to 100 characters of A-Z a-z 0-9 . _ -'), meaning: 'Tasks of this service.' },
  action: {
    accepts: isAction,
    expected: '1 to 200 characters of A-Z a-z 0-9 . _ ~ - (not just . or ..)',
    meaning: 'Tasks with this action.',
    schema: matching(ACTION),
  },
  wait: {
    accepts: (value) => (parseDuration(value) ?? Infinity) <= MAX_WAIT_SECONDS * 1000,
    expected: `a duration of at most ${MAX_WAIT_SECONDS}s, such as 30s`,
    meaning: 'How long the answer waits for the end of the task. It counts before `Prefer: wait`.',
    schema: { type: 'string', pattern: DURATION_PATTERN },
  },
  since: {
    accepts: (value) =>
      (parseDuration(value) ?? (isTime(value) ? 0 : Infinity)) <= (parseDuration(MOST_SINCE.failures) ?? 0),
    expected: `a duration of at most ${MOST_SINCE.failures} (of statistics ${MOST_SINCE.stats}), such as 6h, or ${TIME}`,
    meaning: 'From when on, or for how long until now.',
    schema: { type: 'string', anyOf: [{ pattern: DURATION_PATTERN }, A_TIME.schema] },
  },
  dryRun: { ...YES_OR_NO, meaning: '`true`: tasks are only counted.' },
  rate: {
    accepts: (value) => rateOf(value) !== undefined,
    expected: 'a number by second, minute or hour, such as 20/s',
    meaning: 'How many retries begin in a time. Without it they begin at once.',
    schema: { type: 'string', pattern: RATE_PATTERN },
  },
  spread: {
    accepts: (value) => /^(?:0|[1-9][0-9]{0,12})$/.test(value),
    expected: 'a whole number',
    meaning: 'How many retries earlier calls have spread. `next` gives it.',
    schema: { type: 'string', pattern: '^(?:0|[1-9][0-9]{0,12})$' },
  },
  view: { ...oneOf(VIEWS), meaning: '`full`: all members of the task. `brief`: those that are short.' },
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
  'kind',
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
