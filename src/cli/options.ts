// The options of the command line: one row an option, and the reader of an argument list.
import { parseArgs } from 'node:util'
import { nearest } from '../core/suggest.ts'
import { CommandError } from './exits.ts'

/** One option. `value`: what stands for its value in the help; absent: it takes none. */
interface Option {
  readonly value?: string
  readonly short?: string
  /** Whether it may be given several times; its value then has a line for each. */
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
  json: { meaning: 'print JSON, one value a line: answers of the API on stdout, errors on stderr' },
  status: { value: 'STATUS', meaning: 'only tasks that are pending, running, complete or failed' },
  service: { value: 'NAME', meaning: 'only tasks of this service' },
  action: { value: 'NAME', meaning: 'only tasks of this action' },
  limit: { value: 'N', meaning: 'the most tasks to list, 1 to 1000; default: 100' },
  before: { value: 'ID', meaning: 'only tasks older than the task with this ID' },
  help: { short: 'h', meaning: 'print this text' },
  version: { short: 'v', meaning: 'print the version of task_api' },
} as const satisfies Record<string, Option>

export type OptionName = keyof typeof OPTIONS
export type Values = Partial<Record<OptionName, string>>

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
  const values: Values = {}
  for (const token of tokens) {
    if (token.kind === 'positional') words.push(token.value)
    if (token.kind !== 'option') continue
    if (!isOption(token.name)) throw unknown(token.rawName)
    const { value, many }: Option = OPTIONS[token.name]
    if (value === undefined && token.value !== undefined)
      throw new CommandError('usage', `${token.rawName} takes no value`)
    if (value !== undefined && !token.value)
      throw new CommandError('usage', `${token.rawName} needs a value: ${token.rawName} ${value}`)
    const before = many && values[token.name]
    values[token.name] = (before ? `${before}\n` : '') + (token.value ?? '')
  }
  return { words, values }
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
