// `batch`: submits the tasks of a file a thousand at a time, and tells how they ended. Each thousand has a key of its own, made from
// its bytes: a second run after a break creates nothing twice.
import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import { call, objectOf } from './api.ts'
import type { Context } from './context.ts'
import { CommandError, type Exit } from './exits.ts'
import { type Given, portionsOf, readGiven } from './given.ts'
import { oneLine } from './text.ts'

/** How often a request is sent again that had no answer, and the pause before, ms: for a minute at the least. */
const RETRIES = 60
const RETRY_WAIT_MS = 1_000
/** Refusals that pass by themselves. */
const PASSING: readonly unknown[] = ['idempotency_in_progress', 'unique_pending']
/** Between two looks at tasks that have not ended, ms; and the looks take a fifth of the time at most. */
const LOOK_WAIT_MS = { least: 200, most: 2_000 }
const WAIT_PER_LOOK = 4
/** So many ids fit into the 8 KiB that proxies allow for the first line of a request. */
const IDS_PER_LOOK = 400

/** Submits the tasks of a file, waits until all have ended, and says how many ended how. */
export async function batch(context: Context, file = '-'): Promise<Exit> {
  const tasks = await readGiven(context, file)
  try {
    const { ids, existing } = await submitted(context, tasks)
    const counts = { submitted: tasks.length, existing }
    if (context.values['no-wait'] !== undefined) return told(context, counts)
    const ends = await ended(context, [...new Set(ids)])
    return told(context, { ...counts, ...ends }, ends.failed + ends.gone > 0 ? 'failed' : 'ok')
  } finally {
    context.progress('')
  }
}

interface Submitted {
  readonly ids: string[]
  /** How many tasks were there already. */
  readonly existing: number
}

async function submitted(context: Context, tasks: readonly Given[]): Promise<Submitted> {
  const ids: string[] = []
  let existing = 0
  let turn = 0
  for (const portion of portionsOf(tasks)) {
    const made = await created(context, portion, turn)
    ids.push(...made.ids)
    existing += made.existing
    turn += 1
    context.progress(bar(ids.length, tasks.length, 'submitted'))
  }
  return { ids, existing }
}

/** Creates the tasks of one request, and returns their ids. */
async function created(context: Context, portion: readonly Given[], turn: number): Promise<Submitted> {
  const { api, values } = context
  const body = Buffer.concat([...portion.flatMap(({ bytes }, i) => [Buffer.from(i === 0 ? '[' : ','), bytes]), END])
  const name = values['idempotency-key'] ?? 'batch'
  const headers = { 'idempotency-key': `${name}.${turn}.${createHash('sha256').update(body).digest('hex')}` }
  const reply = await patiently(context, () =>
    call(api, { method: 'POST', path: '/tasks/batch', body, headers, expect: [201] }),
  ).catch((error: unknown) => {
    throw error instanceof CommandError ? placed(error, portion) : error
  })
  const made = JSON.parse(reply.text) as { location: string; existing?: true }[]
  const replayed = reply.header('idempotency-replayed') === 'true'
  return {
    ids: made.map(({ location }) => location.slice('/tasks/'.length)),
    existing: replayed ? made.length : made.filter((task) => task.existing).length,
  }
}

const END = Buffer.from(']')

/** Says where in the file the tasks stand that an error is of. */
function placed({ exit, message, problem }: CommandError, portion: readonly Given[]): CommandError {
  const text = message.replaceAll(/^ {2}\/(\d+)/gm, (_, i) => `  ${portion[Number(i)]?.place ?? i} `)
  const from = `${portion[0]?.place} to ${portion.at(-1)?.place}: ${text}`
  const hint = exit === 'unreachable' ? '\nRun the same command again: it goes on, and creates nothing twice.' : ''
  return new CommandError(exit, from + hint, problem)
}

/** Asks again while nobody answers, or another request is in the way. */
async function patiently<T>(context: Context, ask: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1)
    try {
      return await ask()
    } catch (error) {
      if (!(error instanceof CommandError)) throw error
      const passes = error.exit === 'unreachable' || PASSING.includes(objectOf(error.problem ?? '').code)
      if (!passes || tries > RETRIES) throw error
      if (tries === 1) context.warn(`${error.message}; trying again`)
      await context.wait(RETRY_WAIT_MS)
    }
}

interface Ends {
  readonly complete: number
  readonly failed: number
  readonly gone: number
}

/** Waits until all tasks have ended, and counts how. */
async function ended(context: Context, ids: readonly string[]): Promise<Ends> {
  const ends = { complete: 0, failed: 0, gone: 0 }
  let parts = Array.from({ length: Math.ceil(ids.length / IDS_PER_LOOK) }, (_, i) => {
    const part = ids.slice(i * IDS_PER_LOOK, (i + 1) * IDS_PER_LOOK)
    return { ids: part, left: part.length }
  })
  let left = ids.length
  for (let wait = LOOK_WAIT_MS.least; ;) {
    const [before, begun] = [left, performance.now()]
    for (const part of parts) {
      const now = await count(context, part.ids, 'pending,running')
      left += now - part.left
      part.left = now
      context.progress(bar(ids.length - left, ids.length, 'ended'))
      if (now > 0) continue
      const [complete, failed] = [await count(context, part.ids, 'complete'), await count(context, part.ids, 'failed')]
      ends.complete += complete
      ends.failed += failed
      ends.gone += part.ids.length - complete - failed
    }
    parts = parts.filter((part) => part.left > 0)
    if (parts.length === 0) return ends
    wait = left < before ? LOOK_WAIT_MS.least : Math.min(LOOK_WAIT_MS.most, wait * 1.5)
    await context.wait(Math.max(wait, WAIT_PER_LOOK * (performance.now() - begun)))
  }
}

/** How many of these tasks have such a status. A change that is a dry run only counts: no payload is read. */
async function count(context: Context, ids: readonly string[], status: string): Promise<number> {
  let sum = 0
  for (
    let next: unknown = `/tasks/retry?ids=${ids.join(',')}&status=${status}&dryRun=true`;
    typeof next === 'string';
  ) {
    const path = next
    const { text } = await patiently(context, () => call(context.api, { method: 'POST', path, expect: [200] }))
    const told = objectOf(text)
    if (typeof told.matched !== 'number')
      throw new CommandError('unreachable', `${context.api.url} did not answer with a count`)
    sum += told.matched
    next = told.next
  }
  return sum
}

/** A bar, its percentage, and what it counts. */
function bar(done: number, of: number, what: string): string {
  const full = Math.floor((done / of) * BAR_WIDTH)
  const percent = String(Math.floor((done / of) * 100)).padStart(3)
  return `[${'#'.repeat(full)}${'.'.repeat(BAR_WIDTH - full)}] ${percent} %  ${done} of ${of} ${what}`
}

const BAR_WIDTH = 30

function told(context: Context, counts: Readonly<Record<string, number>>, exit: Exit = 'ok'): Exit {
  context.progress('')
  const shown = Object.entries(counts).filter(([name, number]) => name !== 'existing' || number > 0)
  const words = shown.map(([name, number]) => (name === 'existing' ? `${number} of them before` : `${number} ${name}`))
  context.print(context.json ? oneLine(JSON.stringify(counts)) : words.join(', '))
  return exit
}
