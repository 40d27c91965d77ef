// The commands: one row each.
import { Buffer, isUtf8 } from 'node:buffer'
import { isTaskId } from '../core/task.ts'
import { call, objectOf } from './api.ts'
import type { Context } from './context.ts'
import { CommandError, type Exit } from './exits.ts'
import type { OptionName } from './options.ts'
import { elementsOf, membersOf, oneLine, visible } from './text.ts'
import { watch } from './watch.ts'

/** One command. Absent `run`: it is run elsewhere and stands here for the help. */
export interface Command {
  /** Words after the command; those in brackets may be left out. */
  readonly words: readonly string[]
  readonly meaning: string
  readonly options: readonly OptionName[]
  readonly run?: (context: Context, ...words: string[]) => Promise<Exit>
}

const EVERYWHERE = ['url', 'json', 'help'] as const

/** One row a command. `--help` is printed from this table. */
export const COMMANDS: Readonly<Record<string, Command>> = {
  start: { words: [], meaning: 'run a node: the API and the tasks', options: ['help'] },
  submit: {
    words: ['SERVICE', 'ACTION', '[PAYLOAD]'],
    meaning: 'create a task; PAYLOAD is JSON text, sent as it is; without it, or with -, from stdin',
    options: EVERYWHERE,
    run: submit,
  },
  show: { words: ['ID'], meaning: 'show a task', options: EVERYWHERE, run: show },
  list: {
    words: [],
    meaning: 'list tasks, the newest first',
    options: [...EVERYWHERE, 'status', 'service', 'action', 'limit', 'before'],
    run: list,
  },
  watch: {
    words: ['ID'],
    meaning: 'print each change of a task until it ends; the exit code says how',
    options: EVERYWHERE,
    run: (context, id) => watch(context, idOf(id)),
  },
  cancel: { words: ['ID'], meaning: 'delete a task, and stop it if it runs', options: EVERYWHERE, run: cancel },
}

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
    throw new CommandError('unreachable', `${context.api.url} answered without the location of a task`)
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
    marked ? 'PAYLOAD begins with a byte order mark: leave it out' : 'PAYLOAD is not JSON text in UTF-8',
  )
}

async function show(context: Context, word = ''): Promise<Exit> {
  const { text } = await call(context.api, { method: 'GET', path: `/tasks/${idOf(word)}?view=full`, expect: [200] })
  const members = membersOf(text)
  if (members === undefined)
    throw new CommandError('unreachable', `${context.api.url} answered something else than a task`)
  if (context.json) context.print(oneLine(text))
  else
    for (const [name, value] of members)
      if (value !== 'null') context.print(visible(`${name.padEnd(14)}${oneLine(value)}`))
  return 'ok'
}

async function list(context: Context): Promise<Exit> {
  const query = new URLSearchParams()
  for (const name of ['status', 'service', 'action', 'limit', 'before'] as const) {
    const value = context.values[name]
    if (value !== undefined) query.set(name, value)
  }
  const path = query.size === 0 ? '/tasks' : `/tasks?${query.toString()}`
  const reply = await call(context.api, { method: 'GET', path, expect: [200] })
  const tasks = elementsOf(reply.text)
  if (tasks === undefined)
    throw new CommandError('unreachable', `${context.api.url} answered something else than a list`)
  if (!context.json && tasks.length > 0) context.print(columns('ID', 'STATUS', 'SERVICE/ACTION'))
  for (const task of tasks) context.print(context.json ? oneLine(task) : line(task))
  if (!context.json && tasks.length === 0) context.warn('no tasks')
  const next = /[?&]before=([0-9]+)[^>]*>; *rel="?next/.exec(reply.header('link') ?? '')?.[1]
  if (next !== undefined) context.warn(`there may be more: --before ${next}`)
  return 'ok'
}

async function cancel(context: Context, word = ''): Promise<Exit> {
  const id = idOf(word)
  await call(context.api, { method: 'DELETE', path: `/tasks/${id}`, expect: [204] })
  if (!context.json) context.print(`task ${id} deleted`)
  return 'ok'
}

function line(task: string): string {
  const { location, status, service, action } = objectOf(task)
  return visible(columns(String(location).replace(/^.*\//, ''), String(status), `${String(service)}/${String(action)}`))
}

const columns = (id: string, status: string, target: string): string => `${id.padEnd(12)}${status.padEnd(10)}${target}`

/** The id of a task, given as such or as its location. */
function idOf(word = ''): string {
  const id = word.replace(/^\/tasks\//, '')
  if (isTaskId(id)) return id
  throw new CommandError('usage', `${JSON.stringify(word)} is not the id of a task: ids are whole numbers from 1`)
}

function isJson(bytes: Buffer): boolean {
  try {
    JSON.parse(bytes.toString('utf8'))
    return isUtf8(bytes)
  } catch {
    return false
  }
}
