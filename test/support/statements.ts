// Every statement of src/store that is sent while a node runs, and how much of a large table it may look at.
import { randomUUID } from 'node:crypto'
import { SERVICE_DEFAULTS } from '../../src/core/service.ts'
import type { Created, TaskOptions } from '../../src/core/task.ts'
import { readAttempts } from '../../src/store/attempts.ts'
import { retryMany } from '../../src/store/bulk.ts'
import { changeTask } from '../../src/store/changes.ts'
import { type ClaimQuery, claimDue } from '../../src/store/claims.ts'
import { createTasks } from '../../src/store/creations.ts'
import { grantDue } from '../../src/store/grants.ts'
import { readFacts } from '../../src/store/facts.ts'
import { forgetKeys } from '../../src/store/keys.ts'
import { Minutes } from '../../src/store/minutes.ts'
import { retryTask } from '../../src/store/retries.ts'
import { purge } from '../../src/store/purges.ts'
import { readServices } from '../../src/store/services.ts'
import type { Asks } from '../../src/store/idempotent.ts'
import { Turns } from '../../src/store/turns.ts'
import { reviveClaims } from '../../src/store/revivals.ts'
import { sealsOf } from '../../src/store/seal.ts'
import type { Query } from '../../src/store/database.ts'
import { expireTasks } from '../../src/store/deadlines.ts'
import { FENCED, type ClaimRef, fencedFlush } from '../../src/store/fenced.ts'
import { HighestId, insertFlush, newRow } from '../../src/store/inserts.ts'
import { CANCEL, REMOVE, removalFlush } from '../../src/store/removals.ts'
import * as nodes from '../../src/store/nodes.ts'
import { readFlush, readStanding, readVersions, seesFlush } from '../../src/store/reads.ts'
import { StoreError } from '../../src/store/trouble.ts'
import { readWaiting } from '../../src/store/waiting.ts'
import { asking } from './bench.ts'
import { type Ground, LAST_LISTS, LATE_LISTS, LISTS, type Row } from './lists.ts'

/** How many rows are this node's. */
export const MINE = 10
/** This node, the token of its claims, and an hour in milliseconds. */
export const ME = randomUUID()
export const TOKEN = 7
export const HOUR = 3_600_000

/** What the statements are about. */
const removal = (id: string) => ({ id, services: ['svc'], actions: ['undo'], callbacks: [undefined] })

const by = (node: string) => ({ node, token: TOKEN + 1, takesOver: true })
const TERMS = { concurrency: 50, interval: 1, burst: 1_000 }
const FORGET = `update nodes set services = '{}'`
/** The write of each kind, and then the look at those that were not found. */
const write = async <Entry extends ClaimRef>(
  { query, mine }: Ground,
  kind: Parameters<typeof fencedFlush<Entry>>[1],
  entry: Omit<Entry, keyof ClaimRef>,
): Promise<number> => {
  const entries = mine.map((claim, i) => ({ ...claim, ...entry, token: i === 0 ? 1 : claim.token }) as Entry)
  return (await fencedFlush({ query, seals: sealsOf() }, kind)(entries, true)).filter((one) => one === 'written').length
}
const lost = (query: Query): Query => {
  let calls = 0
  return async (sql, values) => {
    const rows = await query<never>(sql, values)
    if (calls++ === 0) throw new StoreError('unknown', new Error('the answer is lost'))
    return rows
  }
}
const inserts = async (query: Query, highest: string, caller: string | null = null): Promise<number> => {
  const seen = new HighestId()
  seen.saw(highest)
  const task = { service: 'svc', action: 'a', payload: '{}' }
  const rows = await insertFlush(
    query,
    sealsOf(),
    seen,
    new Set(),
  )([newRow(task, undefined, caller), newRow(task, { node: ME, token: TOKEN }, caller)])
  return (await Promise.all(rows.map((row) => Promise.resolve(row)))).filter((one) => one !== undefined).length
}
const TRIED = { step: 0, attempt: 1, ms: 5, outcome: '503', detail: null, wait: null, body: null }
/** Our claims have ended, as far as a retry can see. */
const ENDED_TASK = `update tasks set status = 'complete', finished_at = now(), node = null where node = '${ME}'`
const asksOf = (query: Query): Asks => ({ first: query, again: query, turns: new Turns(), seals: sealsOf() })
const create = (query: Query, count: number, options: TaskOptions): Promise<Created> => {
  const task = { service: 'svc', action: 'a', payload: '{}', options }
  return createTasks(asksOf(query), {
    tasks: Array.from({ length: count }, () => task),
    key: undefined,
    caller: null,
    services: new Map([['svc', { ...SERVICE_DEFAULTS, name: 'svc', url: 'http://svc', deadline: HOUR }]]),
  })
}
const inTurns = (count: number, service = 'svc'): ClaimQuery => ({
  wanted: new Map([[service, { count, begun: 9 }]]),
  limit: count,
  grace: 0,
})
const WAITS = `where node is null and status = 'pending' and service = 'svc'`
/** Ten rows of each other level wait for long. */
const LEVELLED = `update tasks set priority = id % 10 / 9 * 2, run_at = run_at - interval '1 hour' ${WAITS} and id % 10 > 7`
const PARKED = `update tasks set status = 'running' where service = 'other'`
const OWN = `update tasks set deadline_ms = 1, expires_at = now() where service = 'other'`
const CALLED = `update tasks set caller = 'shop' ${WAITS} and id % 10 = 0`
const OLD = `update tasks set finished_at = now() - interval '1 hour' where id % 10 = 0 and finished_at is not null`
const RETAINED = { services: { svc: { complete: HOUR / 2 } }, others: {} }
const TURN = { node: ME, turn: HOUR, retained: RETAINED, marks: {}, most: 500 }
const DEADLINE = { service: 'svc', error: '{}' }

/** Every statement of src/store that is sent while a node runs; the reads first, as what is rolled back leaves entries in the indexes. */
export const STATEMENTS: Readonly<Record<string, Row>> = {
  ...LISTS,
  'purge, with nothing old': { finds: 0, run: async ({ query }) => (await purge(query, TURN)).length },
  enroll: { finds: 1, run: async ({ query }) => Number((await nodes.enroll(query, { id: randomUUID(), name: 'n', services: [] }, 9)).held) }, // prettier-ignore
  beat: { finds: 1, run: async ({ query }) => Number((await nodes.beat(query, ME, 9)) !== undefined) },
  holdings: { finds: MINE, run: async ({ query }) => (await nodes.holdings(query, ME)).held.length },
  resign: { run: ({ query }) => nodes.resign(query, ME).then(() => 0) },
  'resign others': { run: ({ query }) => nodes.resignOthers(query, ME).then(() => 0) },
  'adopt owners': { run: ({ query }) => nodes.adoptOwners(query).then(() => 0) },
  'forget nodes': { run: ({ query }) => nodes.forgetNodes(query).then(() => 0) },
  'fail unknown, with nothing forgotten': { finds: 0, run: async ({ query }) => (await nodes.failUnknown(query, HOUR)).length }, // prettier-ignore
  'fail unknown, with all forgotten': { before: FORGET, most: 10_000, finds: 1_000 + MINE, run: async ({ query }) => (await nodes.failUnknown(query, 0)).length }, // prettier-ignore
  expire: { finds: 0, run: async ({ query }) => (await expireTasks(query, [{ ...DEADLINE, deadline: 100 * HOUR }], 500)).length }, // prettier-ignore
  'expire, with all expired': { most: 10_000, finds: 500, run: async ({ query }) => (await expireTasks(query, [{ ...DEADLINE, deadline: 1 }], 500)).length }, // prettier-ignore
  claim: {
    most: 5_000,
    finds: 50,
    run: async ({ query }) => (await claimDue(query, by(ME), asking({ svc: 50 }, { limit: 50 }))).length,
  },
  'claim with a look': {
    finds: 1,
    run: async ({ query }) => {
      let seen = 0
      await claimDue(query, by(ME), { ...asking({ other: 50 }), look: ([one]) => (seen = Number(one?.next !== null)) })
      return seen
    },
  },
  grant: { most: 5_000, finds: 50, run: async ({ query }) => (await grantDue(query, by(ME), 'svc', { count: 100 }, TERMS)).rows.length }, // prettier-ignore
  'grant, with nothing due': { finds: 0, run: async ({ query }) => (await grantDue(query, by(ME), 'other', { count: 50 }, TERMS)).rows.length }, // prettier-ignore
  'claim, with nothing due': { finds: 0, run: async ({ query }) => (await claimDue(query, by(ME), asking({ other: 50 }))).length }, // prettier-ignore
  revive: { finds: MINE, run: async ({ query, mine }) => (await reviveClaims(query, mine.map((one) => ({ ...one, attempt: 1 })))).length }, // prettier-ignore
  versions: { finds: 10, run: async ({ query, waiting }) => (await readVersions(query, waiting)).length },
  standing: { finds: 10, run: async ({ query, waiting }) => (await readStanding(query, waiting)).length },
  checkpoint: { finds: MINE - 1, run: (ground) => write(ground, FENCED.checkpoint, { step: 0, state: '{}', repeats: 0, wait: null }) }, // prettier-ignore
  retry: { finds: MINE - 1, run: (ground) => write(ground, FENCED.retry, { attempt: 1, error: '{}' }) },
  park: { finds: MINE - 1, run: (ground) => write(ground, FENCED.park, { wait: 5, fails: 1, error: '{}' }) },
  settle: { finds: MINE - 1, run: (ground) => write(ground, FENCED.settle, { status: 'complete', step: 1, result: '{}', omitted: false, error: null }) }, // prettier-ignore
  release: { finds: MINE - 1, run: (ground) => write(ground, FENCED.release, {}) },
  insert: { finds: 2, run: ({ query, highest }) => inserts(query, highest) },
  'insert of a caller': { finds: 2, run: ({ query, highest }) => inserts(query, highest, 'app') },
  'insert whose answer is lost': { finds: 2, run: ({ query, highest }) => inserts(lost(query), highest) },
  remove: {
    finds: 10,
    run: async ({ query, waiting }) => (await removalFlush(query, REMOVE)(waiting.map(removal))).filter(Boolean).length,
  },
  cancel: {
    finds: 10,
    run: async ({ query, waiting }) => (await removalFlush(query, CANCEL)(waiting.map(removal))).filter(Boolean).length,
  },
  'checkpoint with a try': { finds: MINE - 1, most: 600, run: (ground) => write(ground, FENCED.checkpoint, { step: 0, state: '{}', repeats: 0, wait: null, keep: 2, tried: TRIED }) }, // prettier-ignore
  'retry with a try': {
    finds: MINE - 1,
    run: (ground) => write(ground, FENCED.retry, { attempt: 1, error: '{}', tried: TRIED }),
  },
  'park with a try': { finds: MINE - 1, run: (ground) => write(ground, FENCED.park, { wait: 5, fails: 1, error: '{}', tried: TRIED }) }, // prettier-ignore
  'settle with a try': { finds: MINE - 1, run: (ground) => write(ground, FENCED.settle, { status: 'complete', step: 1, result: '{}', omitted: false, error: null, tried: TRIED }) }, // prettier-ignore
  'release with a try': { finds: MINE - 1, run: (ground) => write(ground, FENCED.release, { tried: TRIED }) },
  create: { finds: 2, run: async ({ query }) => (await create(query, 2, { delay: 1 })).tasks.length },
  'create with a `unique`': { finds: 2, run: async ({ query }) => (await create(query, 2, { unique: 'u', labels: { a: 'b' } })).tasks.length }, // prettier-ignore
  'retry a task': { before: ENDED_TASK, finds: 1, run: async ({ query, mine }) => Number((await retryTask(asksOf(query), { id: mine[0]?.id ?? '', from: 'default', payload: undefined, delay: 0, key: undefined, caller: null, services: ['svc'] })).task !== undefined) }, // prettier-ignore
  'retry many': { before: ENDED_TASK, finds: MINE, run: async ({ query, mine }) => (await retryMany(query, { ids: mine.map(({ id }) => id), place: 1, apart: 5, services: ['svc'], caller: null })).length }, // prettier-ignore
  change: {
    finds: 1,
    run: async ({ query, waiting }) => Number((await changeTask(query, { id: waiting[0] ?? '', delay: 5 }))?.waits),
  },
  attempts: { finds: 1, run: async ({ query, waiting }) => Number((await readAttempts(query, sealsOf(), { task: waiting[0] ?? '', after: '0', limit: 9 })) !== undefined) }, // prettier-ignore
  facts: { most: 2_000, finds: 1, run: async ({ query, waiting }) => Number((await readFacts(query, waiting.at(-1) ?? '')) !== undefined) }, // prettier-ignore
  services: { most: 3_000, finds: 1_001, run: async ({ query }) => (await readServices(query, ['svc'], true))[1]?.waiting ?? 0 }, // prettier-ignore
  'forget minutes': { finds: 0, run: ({ query }) => new Minutes(query).forget().then(Number) },
  'forget keys': { finds: 0, run: async ({ query }) => Number(await forgetKeys(query, HOUR)) },
  ...LATE_LISTS,
  sees: { finds: 10, run: async ({ query, waiting }) => (await seesFlush(query)(waiting.map((id) => ({ id, services: ['svc'] })))).filter(Boolean).length }, // prettier-ignore
  read: { finds: 10, run: async ({ query, waiting }) => (await readFlush(query, sealsOf())(waiting)).filter(Boolean).length }, // prettier-ignore
  // These leave many entries in the indexes.
  'count of tasks that wait': { before: CALLED, finds: 5, run: ({ query }) => readWaiting(query, 'shop', 5) },
  'expire, with all parked': { before: PARKED, most: 10_000, finds: 500, run: async ({ query }) => (await expireTasks(query, [{ ...DEADLINE, service: 'other', deadline: 1 }], 500)).length }, // prettier-ignore
  'expire, with deadlines of their own': { before: OWN, most: 10_000, finds: 500, run: async ({ query }) => (await expireTasks(query, [{ ...DEADLINE, service: 'other', deadline: 0 }], 500)).length }, // prettier-ignore
  'purge, with very many old': { before: OLD, most: 10_000, finds: 500, run: async ({ query }) => (await purge(query, TURN))[0]?.count ?? 0 }, // prettier-ignore
  'claim in turns': { before: LEVELLED, most: 7_000, finds: 50, run: async ({ query }) => (await claimDue(query, by(ME), inTurns(50))).length }, // prettier-ignore
  'grant in turns': { before: LEVELLED, most: 7_000, finds: 50, run: async ({ query }) => (await grantDue(query, by(ME), 'svc', { count: 100, begun: 0 }, TERMS)).rows.length }, // prettier-ignore
  'claim in turns, with nothing due': { finds: 0, run: async ({ query }) => (await claimDue(query, by(ME), inTurns(50, 'other'))).length }, // prettier-ignore
  ...LAST_LISTS,
}
