// Tasks as the options of the command line describe them, and the filters that choose tasks.
import { Buffer, isUtf8 } from 'node:buffer'
import type { Context } from './context.ts'
import { CommandError } from './exits.ts'

/** The options that are members of a task, and their names there. */
const MEMBERS = {
  delay: 'delay',
  'run-at': 'runAt',
  priority: 'priority',
  deadline: 'deadline',
  unique: 'unique',
} as const

/** The options that filter tasks, and the parameters that they are. */
const FILTERS = {
  status: 'status',
  service: 'service',
  action: 'action',
  error: 'error',
  'created-after': 'createdAfter',
  'created-before': 'createdBefore',
  retried: 'retried',
  schedule: 'schedule',
} as const

/** The members of a task that options name, as JSON text. Throws a `CommandError`. */
export function membersOf({ values }: Context): [name: string, json: string][] {
  const members: [string, string][] = Object.entries(MEMBERS).flatMap(([option, member]) => {
    const value = values[option as keyof typeof MEMBERS]
    return value === undefined ? [] : [[member, JSON.stringify(value)]]
  })
  const labels = labelsOf(values.label)
  if (labels.length > 0) members.push(['labels', JSON.stringify(Object.fromEntries(labels))])
  if (values.callback !== undefined) {
    const [, service, action] = /^([^/]+)\/([^/]+)$/.exec(values.callback) ?? []
    if (service === undefined) throw new CommandError('usage', '--callback must be SERVICE/ACTION, such as audit/seen')
    members.push(['callback', JSON.stringify({ service, action })])
  }
  return members
}

/** The parameters that options name. Throws a `CommandError`. */
export function filtersOf({ values }: Context): URLSearchParams {
  const query = new URLSearchParams()
  for (const [option, parameter] of Object.entries(FILTERS)) {
    const value = values[option as keyof typeof FILTERS]
    if (value !== undefined) query.set(parameter, value)
  }
  for (const [name, value] of labelsOf(values.label)) query.set(`label.${name}`, value)
  return query
}

function labelsOf(option: readonly string[] = []): [name: string, value: string][] {
  const labels = new Map<string, string>()
  for (const given of option) {
    const [, name, value] = /^([^=]+)=(.*)$/s.exec(given) ?? []
    if (name === undefined || value === undefined)
      throw new CommandError('usage', '--label must be NAME=VALUE, such as order=7')
    if (labels.has(name)) throw new CommandError('usage', `--label ${name}=… is given twice`)
    labels.set(name, value)
  }
  return [...labels]
}

/** The bytes of a payload; undefined where there is none. Throws a `CommandError` when they are not JSON. */
export async function payloadOf(context: Context, word?: string): Promise<Buffer | undefined> {
  const bytes = word === undefined ? await context.piped() : word === '-' ? await context.input() : Buffer.from(word)
  if (word === undefined && bytes.length === 0) return undefined
  if (isJson(bytes)) return bytes
  const marked = bytes.subarray(0, 3).toString('hex') === 'efbbbf'
  throw new CommandError(
    'usage',
    marked ? 'PAYLOAD begins with a byte order mark: remove it' : 'PAYLOAD is not JSON text in UTF-8',
  )
}

/** A JSON object of members, each JSON text as it is. */
export const objectText = (members: readonly (readonly [name: string, json: string | Buffer])[]): Buffer =>
  Buffer.concat([
    Buffer.from('{'),
    ...members.flatMap(([name, json], i) => [
      Buffer.from(`${i === 0 ? '' : ','}${JSON.stringify(name)}:`),
      Buffer.from(json),
    ]),
    Buffer.from('}'),
  ])

function isJson(bytes: Buffer): boolean {
  try {
    JSON.parse(bytes.toString('utf8'))
    return isUtf8(bytes)
  } catch {
    return false
  }
}
