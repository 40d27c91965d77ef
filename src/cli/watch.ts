// Watching a task until it ends.
import { call } from './api.ts'
import type { Context } from './context.ts'
import { CommandError, type Exit } from './exits.ts'
import { membersOf, oneLine, visible } from './text.ts'

const FIRST_POLL_WAIT_MS = 200
const MAX_POLL_WAIT_MS = 2000
/** How many polls in a row may fail before `watch` ends. A server that restarts is away for a moment. */
const MAX_FAILED_POLLS = 5

/** Polls a task, prints each change of its status, step or attempt, and says how it ended. */
export async function watch(context: Context, id: string): Promise<Exit> {
  let seen = ''
  let misses = 0
  for (let wait = FIRST_POLL_WAIT_MS; ; wait = Math.min(MAX_POLL_WAIT_MS, wait * 1.5)) {
    const text = await polled(context, id, seen === '' ? 0 : MAX_FAILED_POLLS - misses)
    misses = text === undefined ? misses + 1 : 0
    const task = text === undefined ? undefined : membersOf(text)
    const now = task === undefined ? seen : standing(task)
    if (text !== undefined && task !== undefined && now !== seen) {
      wait = FIRST_POLL_WAIT_MS
      context.print(context.json ? oneLine(text) : visible(now))
    }
    seen = now
    const status = task?.get('status')
    if (status === '"complete"') return 'ok'
    if (status === '"failed"') return ended(context, task)
    await context.wait(wait)
  }
}

/** Reads the task once. Undefined: the server did not answer, and `patience` (the failures still allowed) is above 0. */
async function polled(context: Context, id: string, patience: number): Promise<string | undefined> {
  try {
    const { text } = await call(context.api, { method: 'GET', path: `/tasks/${id}?view=full`, expect: [200] })
    if (membersOf(text)?.has('status') === true) return text
    throw new CommandError('unreachable', `${context.api.url} did not answer with a task`)
  } catch (error) {
    if (!(error instanceof CommandError) || error.exit !== 'unreachable' || patience <= 0) throw error
    context.warn(`${error.message}; trying again`)
    return undefined
  }
}

function standing(task: ReadonlyMap<string, string>): string {
  const status = task.get('status')?.replaceAll('"', '') ?? ''
  const counts = ['step', 'attempt'].map((name) => `${name} ${task.get(name) ?? '?'}`)
  return [status.padEnd(8), ...counts].join('  ')
}

function ended(context: Context, task: ReadonlyMap<string, string> | undefined): Exit {
  const error = task?.get('error')
  if (!context.json && error !== undefined) context.print(visible(oneLine(error)))
  return 'failed'
}
