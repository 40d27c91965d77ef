// The commands of services: how they are doing, and what holds for them at run time.
import { SERVICE_NAME } from '../core/service.ts'
import { call, objectOf } from './api.ts'
import type { Context } from './context.ts'
import { CommandError, type Exit } from './exits.ts'
import { ageText } from './list.ts'
import { objectText } from './tasks.ts'
import { elementsOf, membersOf, oneLine, visible } from './text.ts'

/** The path of a service. Throws a `CommandError` for what no service can be called. */
function pathOf(name: string): string {
  if (!SERVICE_NAME.test(name) || name === '.' || name === '..')
    throw new CommandError('usage', `${JSON.stringify(name)} is not the name of a service: A-Z a-z 0-9 . _ -`)
  return `/services/${name}`
}

/** `services`: one, or a table of all. */
export async function services(context: Context, name?: string): Promise<Exit> {
  return name === undefined ? list(context) : show(context, name)
}

async function list(context: Context): Promise<Exit> {
  const { text } = await call(context.api, { method: 'GET', path: '/services', expect: [200] })
  const found = elementsOf(text)
  if (found === undefined) throw new CommandError('unreachable', `${context.api.url} did not answer with a list`)
  if (context.json) for (const one of found) context.print(oneLine(one))
  else {
    context.print(columns(['NAME', 'STATE', 'RUNNING', 'WAITING', 'DELAYED', 'OLDEST', 'LIMIT']))
    for (const one of found) context.print(visible(lineOf(objectOf(one))))
  }
  return 'ok'
}

function lineOf({ name, paused, gatedUntil, running, waiting, delayed, oldestSeconds, limit }: Shown): string {
  const state = paused ? 'paused' : gatedUntil ? 'gated' : 'open'
  const oldest = typeof oldestSeconds === 'number' ? ageText(oldestSeconds * 1000) : '-'
  return columns([...[name, state, running, waiting, delayed].map(String), oldest, limitText(limit)])
}

type Shown = Readonly<Record<string, unknown>>

function limitText(limit: unknown): string {
  const members = Object.entries({ ...(limit as Shown | null) })
  return members.map(([name, value]) => `${name} ${String(value)}`).join(', ') || '-'
}

const WIDTHS = [24, 8, 9, 9, 9, 8]
const columns = (texts: readonly string[]): string =>
  texts.map((text, i) => (i < WIDTHS.length ? `${text.padEnd((WIDTHS[i] ?? 0) - 1)} ` : text)).join('')

async function show({ api, json, print }: Context, name: string): Promise<Exit> {
  const { text } = await call(api, { method: 'GET', path: pathOf(name), expect: [200] })
  const members = membersOf(text)
  if (members === undefined) throw new CommandError('unreachable', `${api.url} did not answer with a service`)
  if (json) print(oneLine(text))
  else
    for (const [member, value] of members) if (value !== 'null') print(visible(`${member.padEnd(14)}${oneLine(value)}`))
  return 'ok'
}

/** `pause` */
export function pause(context: Context, name = ''): Promise<Exit> {
  const body = JSON.stringify({ reason: context.values.reason })
  return changed(context, { method: 'POST', path: `${pathOf(name)}/pause`, body }, `service ${name} paused`)
}

/** `resume` */
export const resume = (context: Context, name = ''): Promise<Exit> =>
  changed(context, { method: 'POST', path: `${pathOf(name)}/resume` }, `service ${name} resumed`)

/** `limit` */
export function limit(context: Context, name = ''): Promise<Exit> {
  const { none, concurrency, rate, burst } = context.values
  const members = [
    ...numberOf('concurrency', concurrency),
    ...(rate === undefined ? [] : [['rate', JSON.stringify(rate)] as const]),
    ...numberOf('burst', burst),
  ]
  if ((none === undefined) === (members.length === 0))
    throw new CommandError('usage', 'limit needs --concurrency, --rate or both, or --none')
  const value = none === undefined ? objectText(members) : 'null'
  const past = none === undefined ? 'limited' : 'has the limit of its file'
  const body = objectText([['limit', value]])
  return changed(context, { method: 'PATCH', path: pathOf(name), body }, `service ${name} ${past}`)
}

/** A number as JSON text, unless it is absent. Throws a `CommandError`. */
function numberOf(option: 'concurrency' | 'burst', text?: string): (readonly [name: string, json: string])[] {
  if (text === undefined) return []
  if (/^[1-9][0-9]{0,8}$/.test(text)) return [[option, text]]
  throw new CommandError('usage', `--${option} must be a whole number, such as 10`)
}

async function changed(
  { api, json, print }: Context,
  asked: Omit<Parameters<typeof call>[1], 'expect'>,
  told: string,
): Promise<Exit> {
  const { text } = await call(api, { ...asked, expect: [200] })
  print(json ? oneLine(text) : told)
  return 'ok'
}
