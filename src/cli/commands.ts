// The commands: one row each.
import { Buffer, isUtf8 } from 'node:buffer'
import { call } from './api.ts'
import type { Context } from './context.ts'
import { each } from './each.ts'
import { CommandError, type Exit } from './exits.ts'
import { list } from './list.ts'
import type { OptionName } from './options.ts'
import { membersOf, oneLine, visible } from './text.ts'
import { watch } from './watch.ts'

/** One command. Absent `run`: it is run elsewhere and stands here for the help. */
export interface Command {
  /** Words after the command; those in brackets may be left out, and there may be more of the last if it ends in dots. */
  readonly words: readonly string[]
  readonly meaning: string
  readonly options: readonly OptionName[]
  readonly run?: (context: Context, ...words: string[]) => Promise<Exit>
}

const EVERYWHERE = ['url', 'header', 'json', 'help'] as const

/** One row a command. `--help` is printed from this table. */
export const COMMANDS: Readonly<Record<string, Command>> = {
  start: { words: [], meaning: 'run a node: the API and the tasks', options: ['help'] },
  submit: {
    words: ['SERVICE', 'ACTION', '[PAYLOAD]'],
    meaning: 'create a task; PAYLOAD is JSON text, sent unchanged; without PAYLOAD, or with -, it is read from stdin',
    options: EVERYWHERE,
    run: submit,
  },
  show: {
    words: ['ID...'],
    meaning: 'show tasks; an ID may be the location or the URL of a task',
    options: EVERYWHERE,
    run: (context, ...words) => each(context, words, show),
  },
  list: {
    words: [],
    meaning: 'list tasks, the newest first, with their age and their last error',
    options: [...EVERYWHERE, 'status', 'service', 'action', 'limit', 'before'],
    run: list,
  },
  watch: {
    words: ['ID...'],
    meaning:
      'print each change of a task until the task ends; the exit code says how it ended; several tasks: one after the other',
    options: EVERYWHERE,
    run: (context, ...words) =>
      each(context, words, (own, id) => watch(words.length > 1 ? { ...own, print: named(own, id) } : own, id)),
  },
  cancel: {
    words: ['ID...'],
    meaning: 'delete tasks, and stop those that run',
    options: EVERYWHERE,
    run: (context, ...words) => each(context, words, cancel),
  },
  help: { words: ['[COMMAND]'], meaning: 'print this text, or the help of one command', options: ['help'] },
}

/** Prints lines that say which task they are of; JSON says it anyway. */
const named =
  ({ json, print }: Context, id: string) =>
  (line: string): void =>
    print(json ? line : `task ${id}  ${line}`)

async function submit(context: Context, service = '', action = '', payload?: string): Promise<Exit> {
  const bytes = await payloadOf(context, payload)
  const head = `{"service":${JSON.stringify(service)},"action":${JSON.stringify(action)}`
  const body = Buffer.concat([
    Buffer.from(head),
    ...(bytes === undefined ? [] : [Buffer.from(',"payload":'), bytes]),
    Buffer.from('}'),
  ])
  const reply = await call(context.api, { method: 'POST', path: '/tasks', body, expect: [302, 201] })
  const id = /\/tasks\/([1-9][0-9]*)$/.exec(reply.header('location') ?? '')?.[1]
  if (id === undefined)
    throw new CommandError('unreachable', `${context.api.url} did not answer with the location of a task`)
  context.print(context.json ? oneLine(reply.text) : `task ${id} created`)
  return 'ok'
}

/** The bytes of a payload; undefined where there is none. Throws a `CommandError` when they are not JSON. */
async function payloadOf(context: Context, word?: string): Promise<Buffer | undefined> {
  const bytes = word === undefined ? await context.piped() : word === '-' ? await context.input() : Buffer.from(word)
  if (word === undefined && bytes.length === 0) return undefined
  if (isJson(bytes)) return bytes
  const marked = bytes.subarray(0, 3).toString('hex') === 'efbbbf'
  throw new CommandError(
    'usage',
    marked ? 'PAYLOAD begins with a byte order mark: remove it' : 'PAYLOAD is not JSON text in UTF-8',
  )
}

async function show(context: Context, id: string, turn: number): Promise<Exit> {
  const { text } = await call(context.api, { method: 'GET', path: `/tasks/${id}?view=full`, expect: [200] })
  const members = membersOf(text)
  if (members === undefined) throw new CommandError('unreachable', `${context.api.url} did not answer with a task`)
  if (context.json) {
    context.print(oneLine(text))
    return 'ok'
  }
  if (turn > 0) context.print('')
  for (const [name, value] of members)
    if (value !== 'null') context.print(visible(`${name.padEnd(14)}${oneLine(value)}`))
  return 'ok'
}

async function cancel(context: Context, id: string): Promise<Exit> {
  await call(context.api, { method: 'DELETE', path: `/tasks/${id}`, expect: [204] })
  if (!context.json) context.print(`task ${id} deleted`)
  return 'ok'
}

function isJson(bytes: Buffer): boolean {
  try {
    JSON.parse(bytes.toString('utf8'))
    return isUtf8(bytes)
  } catch {
    return false
  }
}
