// The command `schedules`: lists and shows schedules, writes them, and runs, pauses, resumes and deletes them.
import { SERVICE_NAME } from '../core/service.ts'
import { call, objectOf } from './api.ts'
import type { Context } from './context.ts'
import { CommandError, type Exit } from './exits.ts'
import type { OptionName } from './options.ts'
import { membersOf, objectText, payloadOf } from './tasks.ts'
import { elementsOf, membersOf as membersIn, oneLine, visible } from './text.ts'
import { watch } from './watch.ts'

interface Verb {
  /** How its words are written. */
  readonly words: string
  /** How many words there must be. */
  readonly least: number
  readonly most: number
  /** Its options beside those of every command. */
  readonly options: readonly OptionName[]
  readonly run: (context: Context, ...words: string[]) => Promise<Exit>
}

const EVERYWHERE: readonly OptionName[] = ['url', 'header', 'key-file', 'json', 'help']
/** What `schedules set` takes: the members of a schedule and of its task. */
const SET_OPTIONS = ['timezone', 'overlap', 'missed', 'paused', 'priority', 'deadline', 'label', 'callback'] as const
const RUN_OPTIONS = ['idempotency-key', 'wait'] as const

/** The options of the command, whatever its verb. */
export const SCHEDULE_OPTIONS = [...SET_OPTIONS, ...RUN_OPTIONS] as const

const ofNames = (
  run: (context: Context, name: string) => Promise<Exit>,
  options: readonly OptionName[] = [],
): Verb => ({
  words: 'NAME...',
  least: 1,
  most: Infinity,
  options,
  run: (context, ...names) => each(context, names, run),
})

const VERBS: Readonly<Record<string, Verb>> = {
  show: ofNames(show),
  set: { words: 'NAME CRON SERVICE ACTION [PAYLOAD]', least: 4, most: 5, options: SET_OPTIONS, run: set },
  delete: ofNames(async ({ api, json, print }, name) => {
    await call(api, { method: 'DELETE', path: pathOf(name), expect: [204] })
    if (!json) print(`schedule ${name} deleted`)
    return 'ok'
  }),
  run: ofNames(runNow, RUN_OPTIONS),
  pause: ofNames((context, name) => changed(context, name, 'pause', 'paused')),
  resume: ofNames((context, name) => changed(context, name, 'resume', 'resumed')),
}

/** The verbs, as the help shows them. */
export const SCHEDULE_VERBS = Object.keys(VERBS)

/** Without a verb lists all. */
export async function schedules(context: Context, verb?: string, ...words: string[]): Promise<Exit> {
  const row = verb !== undefined && Object.hasOwn(VERBS, verb) ? VERBS[verb] : undefined
  if (verb !== undefined && row === undefined)
    throw new CommandError('usage', `schedules knows ${SCHEDULE_VERBS.join(', ')}, and not ${JSON.stringify(verb)}`)
  const own = [...EVERYWHERE, ...(row?.options ?? [])]
  const foreign = Object.keys(context.values).find((option) => !own.some((name) => name === option))
  const name = `schedules${verb === undefined ? '' : ` ${verb}`}`
  if (foreign !== undefined) throw new CommandError('usage', `${name} has no option --${foreign}`)
  if (row === undefined) return list(context)
  if (words.length < row.least || words.length > row.most)
    throw new CommandError(
      'usage',
      `${words.length < row.least ? 'too few' : 'too many'} words: task_api ${name} ${row.words}`,
    )
  return row.run(context, ...words)
}

/** The path of a schedule. Throws a `CommandError` for what no schedule can be called. */
function pathOf(name: string): string {
  if (!SERVICE_NAME.test(name) || name === '.' || name === '..')
    throw new CommandError('usage', `${JSON.stringify(name)} is not the name of a schedule: A-Z a-z 0-9 . _ -`)
  return `/schedules/${name}`
}

/** Does something to each schedule; after a failure the others are still done, unless the API cannot be reached. */
async function each(
  context: Context,
  names: readonly string[],
  act: (context: Context, name: string) => Promise<Exit>,
): Promise<Exit> {
  for (const name of names) pathOf(name)
  let end: Exit = 'ok'
  for (const name of names) {
    const exit = await act(context, name).catch((error: unknown) => {
      if (!(error instanceof CommandError) || names.length === 1 || error.exit === 'unreachable') throw error
      context.fail(new CommandError(error.exit, `schedule ${name}: ${error.message}`, error.problem))
      return error.exit
    })
    if (end === 'ok') end = exit
  }
  return end
}

async function list(context: Context): Promise<Exit> {
  for (let path: string | undefined = '/schedules', first = true; path !== undefined; first = false) {
    const reply = await call(context.api, { method: 'GET', path, expect: [200] })
    const found = elementsOf(reply.text)
    if (found === undefined) throw new CommandError('unreachable', `${context.api.url} did not answer with a list`)
    if (context.json) for (const one of found) context.print(oneLine(one))
    else if (first && found.length === 0) context.warn('no schedules')
    else {
      if (first) context.print(columns('NAME', 'NEXT', 'LAST TASK', 'CRON'))
      for (const one of found) context.print(visible(lineOf(objectOf(one))))
    }
    path = /<([^>]+)>; *rel="?next/.exec(reply.header('link') ?? '')?.[1]
  }
  return 'ok'
}

function lineOf({ name, paused, nextAt, lastTask, cron, timezone }: Readonly<Record<string, unknown>>): string {
  const last = typeof lastTask === 'string' ? lastTask.replace(/^.*\//, '') : '-'
  return columns(
    String(name),
    paused === true ? 'paused' : String(nextAt),
    last,
    `${String(cron)}  ${String(timezone)}`,
  )
}

const columns = (name: string, next: string, last: string, cron: string): string =>
  `${name.padEnd(24)}  ${next.padEnd(26)}${last.padEnd(12)}${cron}`

async function show(context: Context, name: string): Promise<Exit> {
  const { text } = await call(context.api, { method: 'GET', path: pathOf(name), expect: [200] })
  const members = membersIn(text)
  if (members === undefined) throw new CommandError('unreachable', `${context.api.url} did not answer with a schedule`)
  if (context.json) context.print(oneLine(text))
  else
    for (const [member, value] of members)
      if (value !== 'null') context.print(visible(`${member.padEnd(14)}${oneLine(value)}`))
  return 'ok'
}

async function set(context: Context, name = '', cron = '', service = '', action = '', payload?: string): Promise<Exit> {
  const { values } = context
  const path = pathOf(name)
  const bytes = await payloadOf(context, payload)
  const task = objectText([
    ['service', JSON.stringify(service)],
    ['action', JSON.stringify(action)],
    ...(bytes === undefined ? [] : [['payload', bytes] as const]),
    ...membersOf(context),
  ])
  const texts = (['timezone', 'overlap', 'missed'] as const).flatMap((member) => {
    const value = values[member]
    return value === undefined ? [] : [[member, JSON.stringify(value)] as const]
  })
  const paused = values.paused === undefined ? [] : [['paused', 'true'] as const]
  const body = objectText([['cron', JSON.stringify(cron)], ...texts, ...paused, ['task', task]])
  const reply = await call(context.api, { method: 'PUT', path, body, expect: [200, 201] })
  const next = paused.length > 0 ? 'paused' : `next at ${String(objectOf(reply.text).nextAt)}`
  const what = reply.header('location') === undefined ? 'replaced' : 'created'
  context.print(context.json ? oneLine(reply.text) : `schedule ${name} ${what}, ${next}`)
  return 'ok'
}

async function runNow(context: Context, name: string): Promise<Exit> {
  const key = context.values['idempotency-key']
  const headers = key === undefined ? {} : { 'idempotency-key': key }
  const reply = await call(context.api, { method: 'POST', path: `${pathOf(name)}/run`, headers, expect: [302] })
  const id = /\/tasks\/([1-9][0-9]*)$/.exec(reply.header('location') ?? '')?.[1]
  if (id === undefined)
    throw new CommandError('unreachable', `${context.api.url} did not answer with the location of a task`)
  const there = reply.header('idempotency-replayed') === 'true'
  context.print(context.json ? oneLine(reply.text) : `schedule ${name}: task ${id} ${there ? 'was there' : 'created'}`)
  return context.values.wait === undefined ? 'ok' : watch(context, id)
}

async function changed({ api, json, print }: Context, name: string, verb: string, past: string): Promise<Exit> {
  const { text } = await call(api, { method: 'POST', path: `${pathOf(name)}/${verb}`, expect: [200] })
  print(json ? oneLine(text) : `schedule ${name} ${past}`)
  return 'ok'
}
