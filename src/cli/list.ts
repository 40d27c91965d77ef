// The list of tasks: as the API gives it, or a line for each, with its age and what went wrong.
import { call, objectOf, type Reply } from './api.ts'
import type { Context } from './context.ts'
import { CommandError, type Exit } from './exits.ts'
import { filtersOf } from './tasks.ts'
import { elementsOf, oneLine, visible } from './text.ts'

/** How many tasks are read at the same time. */
const PARALLEL_REQUESTS = 8
/** The most characters of an error that a line shows. */
const MAX_ERROR_CHARS = 80

/** One page of tasks. */
export async function list(context: Context): Promise<Exit> {
  const query = filtersOf(context)
  for (const name of ['limit', 'before'] as const) {
    const value = context.values[name]
    if (value !== undefined) query.set(name, value)
  }
  const path = query.size === 0 ? '/tasks' : `/tasks?${query.toString()}`
  const reply = await call(context.api, { method: 'GET', path, expect: [200] })
  const tasks = elementsOf(reply.text)
  if (tasks === undefined) throw new CommandError('unreachable', `${context.api.url} did not answer with a list`)
  if (context.json) for (const task of tasks) context.print(oneLine(task))
  else await printLines(context, tasks, Date.parse(reply.header('date') ?? ''))
  const next = /[?&]before=([0-9]+)[^>]*>; *rel="?next/.exec(reply.header('link') ?? '')?.[1]
  if (next !== undefined) context.warn(`there may be more: --before ${next}`)
  return 'ok'
}

/** `now` is the API's time, because the clock of this machine may differ. */
async function printLines(context: Context, tasks: readonly string[], now: number): Promise<void> {
  if (tasks.length === 0) return context.warn('no tasks')
  context.print(columns('ID', 'STATUS', 'AGE', 'SERVICE/ACTION', 'ERROR'))
  for (let at = 0; at < tasks.length; at += PARALLEL_REQUESTS)
    for (const line of await Promise.all(
      tasks.slice(at, at + PARALLEL_REQUESTS).map((task) => lineOf(context, task, now)),
    ))
      context.print(visible(line))
}

async function lineOf({ api }: Context, task: string, now: number): Promise<string> {
  const { location, status, service, action } = objectOf(task)
  // The list has only five members of each task, so the others are read task by task.
  const path = `${String(location)}?view=full`
  const full = objectOf((await call(api, { method: 'GET', path, expect: [200] }).catch(deleted))?.text ?? '')
  return columns(
    String(location).replace(/^.*\//, ''),
    String(full.status ?? status),
    ageText(now - Date.parse(String(full.createdAt))),
    `${String(service)}/${String(action)}`,
    errorText(full.lastError),
  )
}

function deleted(error: unknown): Reply | undefined {
  if (error instanceof CommandError && error.exit === 'no_task') return undefined
  throw error
}

/** A time in the largest unit that fits: 59s, 59m, 47h, 2d. */
export function ageText(milliseconds: number): string {
  if (Number.isNaN(milliseconds)) return '-'
  const seconds = Math.max(0, Math.floor(milliseconds / 1000))
  if (seconds < 60) return `${seconds}s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`
  return seconds < 48 * 3600 ? `${Math.floor(seconds / 3600)}h` : `${Math.floor(seconds / 86_400)}d`
}

function errorText(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('code' in error)) return ''
  const text = oneLine(`${String(error.code)}: ${'detail' in error ? String(error.detail) : ''}`)
  return text.length > MAX_ERROR_CHARS ? `${text.slice(0, MAX_ERROR_CHARS)}…` : text
}

const columns = (id: string, status: string, age: string, target: string, error: string): string =>
  `${id.padEnd(12)}${status.padEnd(10)}${age.padEnd(6)}${target}${error === '' ? '' : `  ${error}`}`
