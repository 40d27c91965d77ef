// `batch`: submits the tasks of a file a thousand at a time, and tells how they ended. Each thousand has a key of its own, made from
// its bytes: a second run after a break creates nothing twice.
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { MAX_BATCH, MAX_BATCH_BODY } from '../core/limits.ts'
import { call } from './api.ts'
import type { Context } from './context.ts'
import { CommandError, type Exit } from './exits.ts'
import { elementsOf, oneLine } from './text.ts'

/** How often a request is sent again that had no answer, and the pause before, ms. */
const RETRIES = 20
const RETRY_WAIT_MS = 1_000
/** Between two looks at tasks that have not ended, ms. */
const LOOK_WAIT_MS = { least: 200, most: 2_000 }

export async function batch(context: Context, file = '-'): Promise<Exit> {
  const text = file === '-' ? (await context.input(Infinity)).toString('utf8') : await read(file)
  const tasks = tasksIn(text)
  if (tasks.length === 0) throw new CommandError('usage', `${file} has no tasks`)
  const ids: string[] = []
  for (const [place, body] of bodies(tasks).entries()) {
    ids.push(...(await submitted(context, body, place)))
    context.progress(`${ids.length} of ${tasks.length} submitted`)
  }
  if (context.values['no-wait'] !== undefined) return told(context, { submitted: ids.length })
  const ends = await ended(context, ids)
  const exit = ends.failed + ends.gone > 0 ? 'failed' : 'ok'
  return told(context, { submitted: ids.length, ...ends }, exit)
}

async function read(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((error: unknown) => {
    throw new CommandError('usage', `${file} cannot be read: ${(error as NodeJS.ErrnoException).code ?? String(error)}`)
  })
}

/** The tasks of a text, one JSON object a line or a JSON array of them, as they are. */
function tasksIn(text: string): readonly string[] {
  const tasks = text.trimStart().startsWith('[') ? arrayOf(text) : text.split('\n').map((line) => line.trim())
  return tasks.filter((task) => task !== '')
}

function arrayOf(text: string): readonly string[] {
  try {
    JSON.parse(text)
  } catch {
    throw new CommandError('usage', 'the array of tasks is not JSON')
  }
  return elementsOf(text) ?? []
}

/** The tasks as the bodies of requests. */
function bodies(tasks: readonly string[]): string[] {
  const made: string[][] = [[]]
  let bytes = 2
  for (const task of tasks) {
    const size = Buffer.byteLength(task) + 1
    if ((made.at(-1)?.length ?? 0) >= MAX_BATCH || bytes + size > MAX_BATCH_BODY) {
      made.push([])
      bytes = 2
    }
    made.at(-1)?.push(task)
    bytes += size
  }
  return made.map((one) => `[${one.join(',')}]`)
}

/** Submits one body, again and again while nobody answers, and returns the ids of its tasks. */
async function submitted(context: Context, body: string, place: number): Promise<string[]> {
  const name = context.values['idempotency-key'] ?? 'batch'
  const key = `${name}.${place}.${createHash('sha256').update(body).digest('hex')}`
  for (let tries = 1; ; tries += 1)
    try {
      const headers = { 'idempotency-key': key }
      const { text } = await call(context.api, { method: 'POST', path: '/tasks/batch', body, headers, expect: [201] })
      return (JSON.parse(text) as { location: string }[]).map(({ location }) => location.slice('/tasks/'.length))
    } catch (error) {
      const passes =
        error instanceof CommandError && (error.exit === 'unreachable' || /_in_progress/.test(error.problem ?? ''))
      if (!passes || tries > RETRIES) throw placed(error, place)
      context.warn(`${error.message}; trying again`)
      await context.wait(RETRY_WAIT_MS)
    }
}

/** Says of which thousand a refusal is: its pointers count from there. */
function placed(error: unknown, place: number): unknown {
  if (!(error instanceof CommandError) || place === 0) return error
  return new CommandError(error.exit, `of the tasks from ${place * MAX_BATCH} on: ${error.message}`, error.problem)
}

interface Ends {
  readonly complete: number
  readonly failed: number
  readonly gone: number
}

/** Waits until all tasks have ended, and counts how. */
async function ended(context: Context, ids: readonly string[]): Promise<Ends> {
  const ends = { complete: 0, failed: 0, gone: 0 }
  let wait = LOOK_WAIT_MS.least
  for (let waiting = [...new Set(ids)]; waiting.length > 0;) {
    const still: string[] = []
    for (let i = 0; i < waiting.length; i += MAX_BATCH) {
      const asked = waiting.slice(i, i + MAX_BATCH)
      const statuses = await statusesOf(context, asked)
      if (statuses === undefined) still.push(...asked)
      else
        for (const id of asked) {
          const status = statuses.get(id)
          if (status === undefined) ends.gone += 1
          else if (status === 'complete' || status === 'failed') ends[status] += 1
          else still.push(id)
        }
    }
    context.progress(`${ids.length} submitted, ${ends.complete} complete, ${ends.failed} failed, ${still.length} left`)
    wait = still.length < waiting.length ? LOOK_WAIT_MS.least : Math.min(LOOK_WAIT_MS.most, wait * 1.5)
    waiting = still
    if (waiting.length > 0) await context.wait(wait)
  }
  return ends
}

/** The status of each of these tasks that is there; undefined: nobody answers for the moment. */
async function statusesOf({ api, warn }: Context, ids: readonly string[]): Promise<Map<string, string> | undefined> {
  try {
    const found = new Map<string, string>()
    for (let path: string | undefined = `/tasks?ids=${ids.join(',')}`; path !== undefined;) {
      const { text, header } = await call(api, { method: 'GET', path, expect: [200] })
      for (const task of JSON.parse(text) as { location: string; status: string }[])
        found.set(task.location.slice('/tasks/'.length), task.status)
      path = /<([^>]+)>; *rel="?next/.exec(header('link') ?? '')?.[1]
    }
    return found
  } catch (error) {
    if (!(error instanceof CommandError) || error.exit !== 'unreachable') throw error
    warn(`${error.message}; trying again`)
    return undefined
  }
}

function told(context: Context, counts: Readonly<Record<string, number>>, exit: Exit = 'ok'): Exit {
  context.progress('')
  const words = Object.entries(counts).map(([name, count]) => `${count} ${name}`)
  context.print(context.json ? oneLine(JSON.stringify(counts)) : words.join(', '))
  return exit
}
