// The options of the command line: one row an option, and the reader of an argument list.
import { parseArgs } from 'node:util'
import { nearest } from '../core/suggest.ts'
import { CommandError } from './exits.ts'

/** One option. `value`: what stands for its value in the help; absent: it takes none. */
interface Option {
  readonly value?: string
  readonly short?: string
  /** Whether it may be given several times: its value is a list. */
  readonly many?: true
  readonly meaning: string
}

/** One row an option. */
export const OPTIONS = {
  url: { value: 'URL', meaning: 'the address of the API; default: TASK_API_URL, then http://127.0.0.1:3000' },
  header: {
    value: "'NAME: VALUE'",
    short: 'H',
    many: true,
    meaning:
      'a header of every request, for example for a proxy; can be repeated; default: TASK_API_HEADERS, one a line',
  },
  'key-file': {
    value: 'FILE',
    meaning: 'the file that holds the key of every request; default: TASK_API_KEY, which holds the key itself',
  },
  json: { meaning: 'print JSON, one value a line: answers of the API on stdout, errors on stderr' },
  delay: { value: 'DURATION', meaning: 'not before so long from now, such as 15m' },
  'run-at': { value: 'TIME', meaning: 'not before this time, such as 2026-12-24T18:00:00+01:00' },
  priority: { value: 'LEVEL', meaning: 'high, normal or low' },
  deadline: { value: 'DURATION', meaning: 'the age at which the task fails, in place of that of its service' },
  label: { value: 'NAME=VALUE', many: true, meaning: 'a label of the task, or only tasks with it; can be repeated' },
  unique: { value: 'TEXT', meaning: 'create nothing while a task of the service with this text has not ended' },
  callback: { value: 'SERVICE/ACTION', meaning: 'the task that is created when this one ends' },
  'idempotency-key': { value: 'KEY', meaning: 'makes a repeat safe: the same key creates nothing twice' },
  wait: { meaning: 'watch the task until it ends; the exit code says how it ended' },
  'no-wait': { meaning: 'do not wait until the tasks have ended' },
  timezone: { value: 'ZONE', meaning: 'the time zone of the schedule, such as Europe/Berlin; default: UTC' },
  overlap: { value: 'allow|skip', meaning: 'skip: no task while the newest one has not ended; default: allow' },
  missed: { value: 'one|none', meaning: 'one task for all times that were missed, or none; default: one' },
  paused: { meaning: 'the schedule makes no tasks until it is resumed' },
  from: { value: 'STEP', meaning: 'where the retry begins: failure, start, or the number of a step' },
  payload: { value: 'JSON', meaning: 'what the first request of the retry carries; - reads stdin' },
  rate: { value: 'RATE', meaning: 'how fast the retries, or the requests of the service, begin, such as 20/s' },
  concurrency: { value: 'N', meaning: 'the most requests of the service that are open at once, over all nodes' },
  burst: { value: 'N', meaning: 'the most requests that begin together after a rest; default: the number of the rate' },
  none: { meaning: 'end the limit that was set: that of the services file counts again' },
  reason: { value: 'TEXT', meaning: 'why the service is paused, for whoever looks' },
  'dry-run': { meaning: 'count the tasks, and change none' },
  status: { value: 'STATUS', meaning: 'only tasks that are pending, running, complete or failed; several with commas' },
  error: { value: 'CODE', meaning: 'only tasks that failed so, such as timeout' },
  'created-after': { value: 'TIME', meaning: 'only tasks created after this time' },
  'created-before': { value: 'TIME', meaning: 'only tasks created before this time' },
  retried: { value: 'true|false', meaning: 'only tasks that have been retried, or have not' },
  schedule: { value: 'NAME', meaning: 'only tasks of this schedule' },
  service: { value: 'NAME', meaning: 'only tasks of this service; key new: only these services, with commas' },
  action: { value: 'NAME', meaning: 'only tasks of this action' },
  limit: { value: 'N', meaning: 'the most tasks to list, 1 to 1000; default: 100' },
  before: { value: 'ID', meaning: 'only tasks older than the task with this ID' },
  scope: { value: 'SCOPES', meaning: 'what the new key allows, with commas; default: submit,read' },
  own: { meaning: 'the new key sees and changes only the tasks that it has created' },
  expires: { value: 'TIME', meaning: 'from then on the new key is refused, such as 2027-12-31' },
  help: { short: 'h', meaning: 'print this text' },
  version: { short: 'v', meaning: 'print the version of task_api' },
} as const satisfies Record<string, Option>

export type OptionName = keyof typeof OPTIONS
export type Values = {
  readonly [Name in OptionName]?: (typeof OPTIONS)[Name] extends { readonly many: true } ? readonly string[] : string
}

/** What an argument list says: words, and options with their values (`''` for one that takes none). */
export interface Arguments {
  readonly words: readonly string[]
  readonly values: Values
}

/** Reads an argument list. Throws a `CommandError` for an unknown option, or for a value too many or too few. */
export function readArguments(argv: readonly string[]): Arguments {
  const rows = Object.entries<Option>(OPTIONS)
  const options = Object.fromEntries(
    rows.map(([name, { value, short }]) => [
      name,
      {
        type: value === undefined ? ('boolean' as const) : ('string' as const),
        ...(short === undefined ? {} : { short }),
      },
    ]),
  )
  const { tokens } = parseArgs({ args: [...argv], options, strict: false, allowPositionals: true, tokens: true })
  const words: string[] = []
  const values: Partial<Record<OptionName, string | readonly string[]>> = {}
  for (const token of tokens) {
    if (token.kind === 'positional') words.push(token.value)
    if (token.kind !== 'option') continue
    if (!isOption(token.name)) throw unknown(token.rawName)
    const { value, many }: Option = OPTIONS[token.name]
    if (value === undefined && token.value !== undefined)
      throw new CommandError('usage', `${token.rawName} takes no value`)
    if (value !== undefined && !token.value)
      throw new CommandError('usage', `${token.rawName} needs a value: ${token.rawName} ${value}`)
    const given = token.value ?? ''
    const before = values[token.name]
    values[token.name] = many ? [...(Array.isArray(before) ? before : []), given] : given
  }
  return { words, values: values as Values }
}

const isOption = (name: string): name is OptionName => Object.hasOwn(OPTIONS, name)

function unknown(rawName: string): CommandError {
  const meant = nearest(
    rawName,
    Object.keys(OPTIONS).map((name) => `--${name}`),
  )
  const hint = /^-[0-9]/.test(rawName) ? ' (write -- before a payload that begins with -)' : ''
  return new CommandError(
    'usage',
    `there is no option ${rawName}${meant === undefined ? hint : `: did you mean ${meant}?`}`,
  )
}
