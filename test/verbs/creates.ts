// Creating with a key and with a `unique`: the calls, and what must hold of keys and uniques in whatever order they are made.
import { createHash } from 'node:crypto'
import { create } from '../../src/lifecycle/create.ts'
import type { Heard } from './interleave.ts'
import { type Asked, ended } from './model.ts'
import type { Report } from './report.ts'
import { isUnknown } from './truth.ts'
import type { Op, Rows, SimNode, World } from './world.ts'

type Creating = Extract<Asked, { readonly verb: 'create' }>

/** Each key has one service and one `unique`. Two keys, and who has none, meet at one `unique`; it is another one in the other service. */
const CREATORS = [
  { name: 'a', service: 'timed', unique: null },
  { name: 'b', service: 'endless', unique: null },
  { name: 'c', service: 'timed', unique: 'u' },
  { name: 'd', service: 'timed', unique: 'u' },
  { name: 'e', service: 'endless', unique: 'u' },
  { name: null, service: 'timed', unique: 'u' },
] as const
/** After so many numbers keys are new ones. */
const EPOCH = 60

/** `other`: with another body than the key's. */
export function createOf(world: World, by: SimNode, pick: number, other: boolean): Op {
  world.count += 1
  const { name, service, unique } = CREATORS[pick % CREATORS.length] ?? CREATORS[0]
  const key = name && `${name}${Math.floor(world.count / EPOCH)}`
  const payload = key === null ? `{"n": ${world.count}}` : `{"key": "${key}", "body": ${other ? 2 : 1}}`
  const hash = createHash('sha256').update(payload).digest()
  const task = { service, action: 'ok', payload, ...(unique && { options: { unique } }) }
  return {
    asked: { verb: 'create', service, payload, key, body: hash.toString('hex'), unique },
    by,
    run: async () => {
      const pushed: string[] = []
      const queue = { push: async (_service: string, id: string) => pushed.push(id) > 0 }
      const supervision = { pushed: () => {}, pushFailed: () => {}, due: () => {} }
      const request = key === null ? undefined : { scope: '/tasks', key, hash }
      const made = await create({ store: by.store, queue, supervision, services: new Map() }, [task], request)
      const [{ id, existing } = { id: '', existing: false }] = made.tasks
      return { kind: 'made', id, existing, replayed: made.replayed, pushed }
    },
  }
}

/** What is wrong with keys, uniques, and what was told of them; undefined when nothing is. */
export function keysAreTrue(before: Rows, now: Rows, heard: Heard): string | undefined {
  for (const [key, kept] of before.keys)
    if (JSON.stringify(now.keys.get(key)) !== JSON.stringify(kept))
      return `the key ${key} stands for something else now`
  const holders = new Map<string, string>()
  for (const [id, unique] of now.uniques) {
    const task = now.tasks.get(id)
    if (!task || ended(task)) continue
    if (holders.has(unique)) return `tasks ${id} and ${holders.get(unique)} both have the unique "${unique}"`
    holders.set(unique, id)
  }
  const firsts = new Map<string, number>()
  for (const [op, report] of heard.reports) {
    const { asked } = op
    if (asked.verb !== 'create' || op.standsFor) continue
    const own = heard.sent.filter(({ covers }) => covers.includes(op))
    const unknown = own.some(({ statement }) => isUnknown(statement))
    const wrong = createIsTrue(asked, report, before, now, unknown, heard.held) ?? taskIsKeyed(asked, now)
    if (wrong !== undefined) return `${op.by?.name}: create of ${asked.payload} by ${asked.key}: ${wrong}`
    if (asked.key === null || report.kind !== 'made' || report.replayed) continue
    firsts.set(asked.key, (firsts.get(asked.key) ?? 0) + 1)
    if ((firsts.get(asked.key) ?? 0) > 1) return `two were told that they are the first of ${asked.key}`
  }
  return undefined
}

/** All tasks of a body with a key are the one that the key stands for. */
function taskIsKeyed({ payload, key }: Creating, now: Rows): string | undefined {
  const made = [...now.tasks.values()].filter((task) => task.payload === payload).map(({ id }) => id)
  if (made.length > 1) return `made ${made.join(' and ')}`
  if (key === null || made.length === 0) return undefined
  return now.keys.get(key)?.id === made[0] ? undefined : `made ${made.join()}, and the key stands for another`
}

function createIsTrue(
  asked: Creating,
  report: Report,
  before: Rows,
  now: Rows,
  unknown: boolean,
  held: boolean,
): string | undefined {
  const kept = asked.key === null ? undefined : now.keys.get(asked.key)
  if (report.kind === 'failed')
    switch (report.because) {
      case 'idempotency_mismatch':
        return kept && kept.body !== asked.body ? undefined : 'the key has this very body'
      case 'outcome_unknown':
        return unknown ? undefined : 'its outcome was heard'
      case 'unavailable':
        return unknown ? 'its outcome was not heard' : undefined
      case 'idempotency_in_progress':
      case 'unique_pending':
        return held ? 'nobody else was under way' : undefined
      default:
        return `failed as ${report.because}`
    }
  if (report.kind !== 'made') return `told ${report.kind}`
  const { id, existing, replayed, pushed } = report
  if (asked.key !== null) {
    if (kept?.id !== id || kept.existing !== existing) return `told ${id}, and the key has ${JSON.stringify(kept)}`
    if (kept.body !== asked.body) return 'the key has another body'
    if (before.keys.has(asked.key) && !replayed) return 'told that it is the first, and it is a replay'
  } else if (replayed) return 'a replay without a key'
  if (pushed.join() !== (replayed || existing ? '' : id)) return `pushed ${pushed.join()}`
  if (replayed || !existing) return undefined
  const unique = before.uniques.get(id) ?? now.uniques.get(id)
  return unique === `${asked.service} ${asked.unique}` ? undefined : `led to ${id}, which has ${unique ?? 'no unique'}`
}
