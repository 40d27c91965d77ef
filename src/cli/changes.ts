// The commands that change tasks: by their IDs, or all that the filters choose.
import { call, objectOf } from './api.ts'
import type { Context } from './context.ts'
import { each } from './each.ts'
import { CommandError, type Exit } from './exits.ts'
import { filtersOf, membersOf, objectText, payloadOf } from './tasks.ts'
import { oneLine } from './text.ts'

type Verb = 'cancel' | 'retry' | 'delete'

/** Runs `one` for each ID; without IDs changes all tasks that the filters choose. */
async function changed(
  context: Context,
  words: readonly string[],
  verb: Verb,
  one: (context: Context, id: string) => Promise<Exit>,
): Promise<Exit> {
  const filters = filtersOf(context)
  const { values } = context
  if (words.length > 0 && (filters.size > 0 || values['dry-run'] !== undefined || values.rate !== undefined))
    throw new CommandError('usage', `${verb} takes IDs or filters, not both`)
  if (words.length > 0) return each(context, words, one)
  if (filters.size === 0) throw new CommandError('usage', `${verb} needs an ID, or a filter such as --status failed`)
  if (values['dry-run'] !== undefined) filters.set('dryRun', 'true')
  if (values.rate !== undefined) filters.set('rate', values.rate)
  let [matched, done] = [0, 0]
  for (let path: unknown = `/tasks/${verb}?${filters.toString()}`; typeof path === 'string';) {
    const { text } = await call(context.api, { method: 'POST', path, expect: [200] })
    const told = objectOf(text)
    matched += Number(told.matched)
    done += Number(told.done)
    path = told.next
  }
  if (context.json) context.print(JSON.stringify({ matched, done }))
  else context.print(`${matched} tasks match, ${done} ${PAST[verb]}`)
  return 'ok'
}

const PAST: Readonly<Record<Verb, string>> = { cancel: 'cancelled', retry: 'retried', delete: 'deleted' }

export const cancel = (context: Context, ...words: string[]): Promise<Exit> =>
  changed(context, words, 'cancel', async (own, id) => {
    const { text } = await call(own.api, { method: 'POST', path: `/tasks/${id}/cancel`, expect: [200] })
    own.print(own.json ? oneLine(text) : `task ${id} cancelled`)
    return 'ok'
  })

export const remove = (context: Context, ...words: string[]): Promise<Exit> =>
  changed(context, words, 'delete', async (own, id) => {
    await call(own.api, { method: 'DELETE', path: `/tasks/${id}`, expect: [204] })
    if (!own.json) own.print(`task ${id} deleted`)
    return 'ok'
  })

export async function retry(context: Context, ...words: string[]): Promise<Exit> {
  const { from, delay, payload } = context.values
  if (words.length === 0 && (from ?? delay ?? payload) !== undefined)
    throw new CommandError('usage', '--from, --delay and --payload need IDs: with filters there is --rate')
  // Once, as all of these tasks get the same one.
  const bytes = payload === undefined ? undefined : await payloadOf(context, payload)
  const body = objectText([
    ...(from === undefined ? [] : [['from', /^\d+$/.test(from) ? from : JSON.stringify(from)] as const]),
    ...(delay === undefined ? [] : [['delay', JSON.stringify(delay)] as const]),
    ...(bytes === undefined ? [] : [['payload', bytes] as const]),
  ])
  return changed(context, words, 'retry', async (own, id) => {
    const reply = await call(own.api, { method: 'POST', path: `/tasks/${id}/retry`, body, expect: [302] })
    const made = /\/tasks\/([1-9][0-9]*)$/.exec(reply.header('location') ?? '')?.[1]
    const before = reply.header('task-existing') === 'true' ? ' before' : ''
    own.print(own.json ? oneLine(reply.text) : `task ${id} retried${before} as task ${made}`)
    return 'ok'
  })
}

/** `patch`: when a task that waits begins, and its importance. */
export const patch = (context: Context, ...words: string[]): Promise<Exit> =>
  each(context, words, async (own, id) => {
    const members = membersOf(own).filter(([name]) => ['delay', 'runAt', 'priority'].includes(name))
    if (members.length === 0) throw new CommandError('usage', 'patch needs --delay, --run-at or --priority')
    const body = objectText(members)
    const { text } = await call(own.api, { method: 'PATCH', path: `/tasks/${id}`, body, expect: [200] })
    own.print(own.json ? oneLine(text) : `task ${id} changed`)
    return 'ok'
  })
