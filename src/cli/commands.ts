// The commands: one row each.
import { call, objectOf } from './api.ts'
import { batch } from './batch.ts'
import { cancel, patch, remove, retry } from './changes.ts'
import type { Context } from './context.ts'
import { each } from './each.ts'
import { CommandError, type Exit } from './exits.ts'
import { key } from './key.ts'
import { list } from './list.ts'
import type { OptionName } from './options.ts'
import { SCHEDULE_OPTIONS, SCHEDULE_VERBS, schedules } from './schedules.ts'
import { nodes } from './nodes.ts'
import { limit, pause, resume, services } from './services.ts'
import { membersOf, objectText, payloadOf } from './tasks.ts'
import { attempts, explain } from './tells.ts'
import { membersOf as membersIn, oneLine, visible } from './text.ts'
import { watch } from './watch.ts'

/** One command. Absent `run`: it is run elsewhere and stands here for the help. */
export interface Command {
  /** Words after the command; those in brackets may be left out, and there may be more of the last if it ends in dots. */
  readonly words: readonly string[]
  readonly meaning: string
  readonly options: readonly OptionName[]
  readonly run?: (context: Context, ...words: string[]) => Promise<Exit>
}

const EVERYWHERE = ['url', 'header', 'key-file', 'json', 'help'] as const
/** What a task may ask for. */
const TASK_OPTIONS = ['delay', 'run-at', 'priority', 'deadline', 'label', 'unique', 'callback'] as const
/** What chooses tasks. */
const FILTER_OPTIONS = [
  'status',
  'service',
  'action',
  'label',
  'error',
  'created-after',
  'created-before',
  'retried',
  'schedule',
] as const

/** One row a command. `--help` is printed from this table. */
export const COMMANDS: Readonly<Record<string, Command>> = {
  start: { words: [], meaning: 'run a node: the API and the tasks', options: ['help'] },
  doctor: {
    words: [],
    meaning:
      'check this machine, the configuration, Postgres, Redis and the services, and say how to mend each fault; needs no node, and changes nothing',
    options: ['json', 'help'],
  },
  config: {
    words: ['check', 'FILE'],
    meaning: 'check a services file, with the environment, as start does',
    options: ['json', 'help'],
  },
  submit: {
    words: ['SERVICE', 'ACTION', '[PAYLOAD]'],
    meaning: 'create a task; PAYLOAD is JSON text, sent unchanged; without PAYLOAD, or with -, it is read from stdin',
    options: [...EVERYWHERE, ...TASK_OPTIONS, 'idempotency-key', 'wait'],
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
    options: [...EVERYWHERE, ...FILTER_OPTIONS, 'limit', 'before'],
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
  batch: {
    words: ['[FILE]'],
    meaning:
      'submit the tasks of a file (or - or nothing: of stdin), one JSON object a line or an array, and wait until all have ended; a second run creates nothing twice',
    options: [...EVERYWHERE, 'idempotency-key', 'no-wait'],
    run: batch,
  },
  explain: {
    words: ['ID...'],
    meaning: 'say why tasks are not running, or what they are doing',
    options: EVERYWHERE,
    run: (context, ...words) => each(context, words, explain),
  },
  attempts: {
    words: ['ID...'],
    meaning: 'list the tries of tasks, the oldest first',
    options: EVERYWHERE,
    run: (context, ...words) => each(context, words, attempts),
  },
  retry: {
    words: ['[ID...]'],
    meaning: 'retry tasks that have ended, by new ones; without ID: all that the filters choose',
    options: [...EVERYWHERE, 'from', 'delay', 'payload', ...FILTER_OPTIONS, 'rate', 'dry-run'],
    run: retry,
  },
  cancel: {
    words: ['[ID...]'],
    meaning: 'end tasks as cancelled, and keep them; without ID: all that the filters choose',
    options: [...EVERYWHERE, ...FILTER_OPTIONS, 'dry-run'],
    run: cancel,
  },
  delete: {
    words: ['[ID...]'],
    meaning: 'delete tasks, and stop those that run; without ID: all that the filters choose',
    options: [...EVERYWHERE, ...FILTER_OPTIONS, 'dry-run'],
    run: remove,
  },
  patch: {
    words: ['ID...'],
    meaning: 'change when tasks that wait begin, and their importance; --delay 0 is now',
    options: [...EVERYWHERE, 'delay', 'run-at', 'priority'],
    run: patch,
  },
  schedules: {
    words: [`[${SCHEDULE_VERBS.join('|')}]`, '[WORDS...]'],
    meaning:
      'list schedules; or show, delete, run, pause or resume those whose NAME follows; or set NAME CRON SERVICE ACTION [PAYLOAD]',
    options: [...EVERYWHERE, ...SCHEDULE_OPTIONS],
    run: schedules,
  },
  reload: {
    words: [],
    meaning: 'let the node read its services file again, and say which services this added, changed and removed',
    options: EVERYWHERE,
    run: reload,
  },
  nodes: {
    words: [],
    meaning: 'list the nodes that are alive: their release, their last beat, their slots and their services',
    options: EVERYWHERE,
    run: nodes,
  },
  services: {
    words: ['[NAME]'],
    meaning: 'list the services: their state, their tasks and their limit; or show one',
    options: EVERYWHERE,
    run: services,
  },
  pause: {
    words: ['NAME'],
    meaning: 'stop the requests of a service on all nodes; its tasks are accepted, and wait',
    options: [...EVERYWHERE, 'reason'],
    run: pause,
  },
  resume: {
    words: ['NAME'],
    meaning: 'let the requests of a service go on, whatever has stopped them',
    options: EVERYWHERE,
    run: resume,
  },
  limit: {
    words: ['NAME'],
    meaning: 'limit the requests of a service over all nodes, in place of the services file',
    options: [...EVERYWHERE, 'concurrency', 'rate', 'burst', 'none'],
    run: limit,
  },
  key: {
    words: ['new', 'NAME'],
    meaning: 'make a key for a caller: print its token, once, and its entry for the services file; no server is asked',
    options: ['scope', 'service', 'own', 'expires', 'json', 'help'],
    run: key,
  },
  help: { words: ['[COMMAND]'], meaning: 'print this text, or the help of one command', options: ['help'] },
}

/** Prints lines that say which task they are of; JSON says it anyway. */
const named =
  ({ json, print }: Context, id: string) =>
  (line: string): void =>
    print(json ? line : `task ${id}  ${line}`)

async function submit(context: Context, service = '', action = '', payload?: string): Promise<Exit> {
  const { values, api } = context
  const bytes = await payloadOf(context, payload)
  const body = objectText([
    ['service', JSON.stringify(service)],
    ['action', JSON.stringify(action)],
    ...(bytes === undefined ? [] : [['payload', bytes] as const]),
    ...membersOf(context),
  ])
  const repeatable = values['idempotency-key']
  const headers = repeatable === undefined ? {} : { 'idempotency-key': repeatable }
  const reply = await call(api, { method: 'POST', path: '/tasks', body, headers, expect: [302, 201] })
  const id = /\/tasks\/([1-9][0-9]*)$/.exec(reply.header('location') ?? '')?.[1]
  if (id === undefined) throw new CommandError('unreachable', `${api.url} did not answer with the location of a task`)
  const there = reply.header('task-existing') === 'true' || reply.header('idempotency-replayed') === 'true'
  context.print(context.json ? oneLine(reply.text) : `task ${id} ${there ? 'was there' : 'created'}`)
  return values.wait === undefined ? 'ok' : watch(context, id)
}

async function reload({ api, json, print }: Context): Promise<Exit> {
  const { text } = await call(api, { method: 'POST', path: '/services/reload', expect: [200] })
  const changes = Object.entries(objectOf(text)).filter(([, names]) => Array.isArray(names) && names.length > 0)
  if (json) print(oneLine(text))
  else if (changes.length === 0) print('nothing has changed since the file was last read')
  else for (const [change, names] of changes) print(visible(`${change.padEnd(9)}${(names as string[]).join(', ')}`))
  return 'ok'
}

async function show(context: Context, id: string, turn: number): Promise<Exit> {
  const { text } = await call(context.api, { method: 'GET', path: `/tasks/${id}?view=full`, expect: [200] })
  const members = membersIn(text)
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
