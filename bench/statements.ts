// The statements of a task's life, and of those who look: each as something that can be done again and again on any table.
import { ERROR_ROWS, PAGE_ROWS } from '../src/core/limits.ts'
import type { ClaimQuery } from '../src/store/claims.ts'
import { markOf } from '../src/store/purges.ts'
import { type Ground, LABELLED, PENDING, RARITY, SERVICES } from './ground.ts'

/** Rows that one statement of a batch carries. */
export const BATCH = 50
/** Tasks of a page. */
const PAGE = 100

/** A statement to measure. */
export interface Statement {
  readonly name: string
  /** Rows of the smallest table on which it looks at as much as it ever does: from there on its cost is not to grow. */
  readonly from?: number
  /** Whether it needs the unique index, which a table in partitions cannot have. */
  readonly unique?: true
  /** Makes what the next run needs. */
  before?(): Promise<void>
  /** Does it once, which is timed; for how many rows. */
  run(): Promise<number>
}

/** From so many rows on a service has as many as are looked at for a page that several filters choose from. */
const FULL_WINDOW = PAGE_ROWS * SERVICES
/** From so many rows on half of those that have failed fill a page. */
const FULL_PAGE = 2 * PAGE * RARITY + PENDING
/** From so many rows on there are as many with a label as are looked at for a page that two labels choose from. */
const FULL_LABEL = PAGE_ROWS * LABELLED + PENDING
/** From so many rows on as many have failed as are looked at for a page by an error. */
const FULL_ERROR = ERROR_ROWS * RARITY + PENDING
/** Rows that a change of many looks at in one statement. */
const WINDOW = 1_000
const TOKEN = 7
const TASK = { service: 's1', action: 'usual', payload: '{"n":1}' }

/** Services that nothing waits for. */
const IDLE = Array.from({ length: 500 }, (_, i) => [`idle${i}`, { count: BATCH }] as const)

/** All of them, on one table. */
export function statementsOn(ground: Ground): Statement[] {
  return [
    ...writesOn(ground),
    ...changesOn(ground),
    purgeOn(ground),
    ...readsOn(ground),
    ...filtersOn(ground),
    ...windowsOn(ground),
  ]
}

/** A claim of a full batch. */
const asking = (service: string, mark: number): ClaimQuery => ({
  wanted: new Map([[service, { count: BATCH, marks: [mark, mark, mark] }]]),
  limit: BATCH,
  grace: 0,
})

function writesOn({ store, node }: Ground): Statement[] {
  const by = { node, token: TOKEN, takesOver: false }
  // What was there before is left to the full pass, however soon the bench comes to it.
  const opened = Date.now()
  let ids: string[] = []
  let turn = 0
  const insert = async (): Promise<void> => {
    const rows = await Promise.all(Array.from({ length: BATCH }, () => store.insert(TASK)))
    ids = rows.map(({ id }) => id)
  }
  const claim = async (): Promise<number> => {
    const rows = await store.claim(by, asking(TASK.service, opened))
    ids = rows.map(({ id }) => id)
    return all(rows, () => true)
  }
  const claimed = async (): Promise<void> => {
    await insert()
    await claim()
  }
  const isWritten = (one: unknown): boolean => one === 'written'
  const next = { step: 0, state: '{"n":2}', repeats: 0, wait: null }
  const end = { status: 'complete', step: 0, result: '{"ok":true}', omitted: false, error: null } as const
  const fence = (id: string) => ({ id, token: TOKEN, node })
  const each = <T>(write: (id: string) => Promise<T>): Promise<T[]> => Promise.all(ids.map(write))
  return [
    { name: 'insert', run: () => insert().then(() => BATCH) },
    { name: 'claim', before: insert, run: claim },
    {
      name: 'checkpoint',
      before: claimed,
      run: async () => all(await each((id) => store.checkpoint.add({ ...fence(id), ...next })), isWritten),
    },
    {
      name: 'settle',
      before: claimed,
      run: async () => all(await each((id) => store.settle.add({ ...fence(id), ...end })), isWritten),
    },
    {
      name: 'DELETE',
      before: insert,
      run: async () =>
        all(
          await each((id) => store.remove({ id, services: [], actions: [], callbacks: [] })),
          (one) => one !== undefined,
        ),
    },
    {
      name: 'full pass',
      // What the last one took is given back, so that each finds as many.
      before: async () => {
        await Promise.all(ids.map((id) => store.release.add(fence(id))))
      },
      run: async () => {
        turn += 1
        const rows = await store.claim(by, asking(`s${turn % SERVICES}`, 0))
        ids = rows.map(({ id }) => id)
        return all(rows, () => true)
      },
    },
    {
      name: 'full pass of 500 services without tasks',
      run: () =>
        store.claim(by, { wanted: new Map(IDLE), limit: BATCH, grace: 0, look: () => undefined }).then(() => 1),
    },
    { name: 'sync', run: () => store.holdings(node).then(() => 1) },
  ]
}

/** What changes many tasks: as many as one batch. */
function changesOn({ store }: Ground): Statement[] {
  let ids: string[] = []
  const insert = async (): Promise<void> => {
    const rows = await Promise.all(Array.from({ length: BATCH }, () => store.insert(TASK)))
    ids = rows.map(({ id }) => id)
  }
  const cancel = async (): Promise<number> =>
    all(
      await Promise.all(ids.map((id) => store.cancel({ id, services: [], actions: [], callbacks: [] }))),
      (one) => one?.cancelled === true,
    )
  return [
    { name: 'cancel', before: insert, run: cancel },
    {
      name: 'retry',
      unique: true,
      before: async () => {
        await insert()
        await cancel()
      },
      run: async () =>
        all(await store.retryMany({ ids, place: 0, apart: 0, services: [TASK.service], caller: null }), () => true),
    },
  ]
}

/** Tasks of one service that ended a day ago are deleted. */
function purgeOn({ store, database, node }: Ground): Statement {
  const retained = { services: { old: { complete: 3_600_000 } }, others: {} }
  let marks: Record<string, string> = {}
  return {
    name: 'purge',
    before: async () => {
      await database.run(
        `insert into tasks (key, service, action, payload, payload_bytes, status, finished_at)
         select gen_random_uuid(), 'old', 'usual', '{}', 2, 'complete', now() - interval '1 day' from generate_series(1, ${BATCH})`,
      )
    },
    run: async () => {
      const rows = await store.purge({ node, turn: 60_000, retained, marks, most: BATCH })
      marks = Object.fromEntries(rows.map((row) => [markOf(row), row.last]))
      return all(
        rows.flatMap(({ count }) => Array.from({ length: count })),
        () => true,
      )
    },
  }
}

function readsOn({ store, ended }: Ground): Statement[] {
  const middle = String(Math.floor(ended / 2))
  const some = (): string => String(1 + Math.floor(Math.random() * ended))
  const page = (name: string, query: Omit<Parameters<typeof store.list>[0], 'limit'>, from = 0): Statement => ({
    name: `page ${name}`,
    from,
    run: () => store.list({ limit: PAGE, ...query }).then(() => 1),
  })
  return [
    { name: 'GET a task', run: () => store.get(some()).then(() => 1) },
    page('of all', {}),
    page('of all, in the middle', { before: middle }),
    page('by status', { status: ['failed'] }),
    page('by status, in the middle', { status: ['failed'], before: middle }, FULL_PAGE),
    page('by service', { service: 's3' }),
    page('by service, in the middle', { service: 's3', before: middle }),
    page('by status and service', { status: ['failed'], service: 's4' }, FULL_WINDOW),
    page('by action', { action: 'rare' }),
    page('by all three, nothing matches', { status: ['complete'], service: 's5', action: 'none' }, FULL_WINDOW),
  ]
}

/** Pages by the other filters. */
function filtersOn({ store, ended }: Ground): Statement[] {
  const before = String(Math.floor(ended / 2))
  const page = (name: string, query: Omit<Parameters<typeof store.list>[0], 'limit'>, from = 0): Statement => ({
    name: `page ${name}`,
    from,
    run: () => store.list({ limit: PAGE, ...query }).then(() => 1),
  })
  const some = (): string[] => Array.from({ length: PAGE }, () => String(1 + Math.floor(Math.random() * ended)))
  return [
    { name: 'page by ids', run: () => store.list({ limit: PAGE, ids: [...new Set(some())] }).then(() => 1) },
    page('by a label', { labels: { kind: 'x' } }),
    page('by a label, in the middle', { labels: { kind: 'x' }, before }),
    page('by a label that none has', { labels: { kind: 'y' } }),
    page('by two labels', { labels: { kind: 'x', run: '7' } }, FULL_LABEL),
    page('by an error', { error: 'service_error' }, FULL_ERROR),
    page('by an error that none has', { error: 'timeout' }, FULL_ERROR),
    page('by service and error', { service: 's3', error: 'timeout' }, ERROR_ROWS * SERVICES),
    page('by two statuses, nothing matches', { status: ['running', 'failed'], action: 'none' }),
    page('by time, nothing matches', { createdAfter: '2999-01-01T00:00:00Z' }),
    page('by retried, nothing matches', { retried: true }),
    page('by a schedule, nothing matches', { schedule: 'none' }),
  ]
}

/** Where a change of many looks for its tasks; that of one in the middle goes on where another call has ended. */
function windowsOn({ store, ended }: Ground): Statement[] {
  const middle = String(Math.floor(ended / 2))
  const window = (name: string, filters: Parameters<typeof store.window>[0], from = 0, after = '0'): Statement => ({
    name: `1,000 to change, ${name}`,
    from,
    run: () => store.window(filters, { after, until: undefined, most: WINDOW }).then(() => 1),
  })
  return [
    window('by action', { action: 'rare' }),
    window('by action, in the middle', { action: 'rare' }, 0, middle),
    window('by status', { status: ['failed'] }, WINDOW * RARITY + PENDING),
    window('by service', { service: 's3' }, WINDOW * SERVICES),
    window('by a label', { labels: { kind: 'x' } }, WINDOW * LABELLED + PENDING),
  ]
}

/** The number of rows, each of which must be as it should: a batch that is not whole measures something else. */
function all<T>(rows: readonly T[], is: (row: T) => boolean): number {
  const count = rows.filter(is).length
  if (count !== BATCH) throw new Error(`${count} rows, not ${BATCH}`)
  return count
}
