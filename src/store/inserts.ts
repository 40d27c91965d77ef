// New plain tasks, batched: their callers wait for an answer.
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Stored } from '../core/ports.ts'
import { isTaskId, type NewTask } from '../core/task.ts'
import type { ClaimRef } from './fenced.ts'
import type { Query } from './database.ts'
import { type Routine, routineOf } from './routine.ts'
import type { Seals } from './seal.ts'
import { sealName } from './sealed.ts'
import { StoreError } from './trouble.ts'

/** How long an insert of unknown outcome is looked for, ms, beside the last look itself; the first and longest pause between two looks. */
const READ_BACK = { limit: 5_000, first: 50, most: 500 }
/** So many are looked for at once; later inserts wait while there are so many. */
export const MOST_READ_BACKS = 2

/** Who claims a row as it is inserted: the fence of its first claim. */
export type Taker = Omit<ClaimRef, 'id'>

export interface NewRow extends Pick<NewTask, 'service' | 'action' | 'payload'> {
  readonly key: string
  readonly taker: Taker | undefined
  /** The name of the key; null: there are no keys. */
  readonly caller: string | null
}

/** The size of a row in memory, in characters: the payload, and the most that the rest has. */
export const bytesOf = ({ payload }: NewRow): number => 600 + payload.length

export const newRow = ({ service, action, payload }: NewTask, taker?: Taker, caller: string | null = null): NewRow => ({
  service,
  action,
  payload,
  key: randomUUID(),
  taker,
  caller,
})

/** `called`: whether the tasks have callers. Without keys they have none, and pay for none. */
const inserting = (name: string, called: boolean): Routine =>
  routineOf({
    name,
    types: ['uuid[]', 'text[]', 'text[]', 'json[]', 'integer[]', 'uuid[]', 'bigint[]', ...(called ? ['text[]'] : [])],
    returns: 'id bigint, key uuid, node uuid, token bigint',
    sql: `
  insert into tasks (key, service, action, payload, payload_bytes, status, node, token, attempt, started_at${called ? ', caller' : ''})
  select w.key, w.service, w.action, w.payload, w.bytes, case when me.id is null then 'pending' else 'running' end, me.id,
    case when me.id is null then 0 else w.token end, (me.id is not null)::integer, case when me.id is not null then now() end${called ? ', w.caller' : ''}
  from unnest($1, $2, $3, $4, $5, $6, $7${called ? ', $8' : ''})
      as w(key, service, action, payload, bytes, node, token${called ? ', caller' : ''})
    left join nodes me on me.id = w.node and me.lease_until > now()
  returning id, key, node, token`,
  })

export const INSERT = inserting('insert', false)
export const INSERT_CALLED = inserting('insert_called', true)

/** What an insert, or a look for its rows, says of each. */
interface FoundRow {
  readonly id: string
  readonly key: string
  readonly node: string | null
  readonly token: string
  /** Absent: it was created just now. */
  readonly age?: number
}
type Found = ReadonlyMap<string, FoundRow>
const byKey = (rows: readonly FoundRow[]): Found => new Map(rows.map((row) => [row.key, row]))

/** The highest id that this node has seen: a lost insert's rows are above it. */
export class HighestId {
  #seen = 0n

  get value(): bigint {
    return this.#seen
  }

  saw(id: string): void {
    const seen = BigInt(id)
    if (seen > this.#seen) this.#seen = seen
  }
}

/**
 * Makes the flush of inserts. One whose reply was lost is never repeated: its rows are looked for by key, while the next flush goes
 * on. Those not found in time come back as undefined: nobody knows.
 * @param looking the looks that are under way; kept up to date
 */
export function insertFlush(query: Query, seals: Seals, highest: HighestId, looking: Set<Promise<unknown>>) {
  /** The rows are looked for; never rejects. */
  const lookFor = (keys: readonly string[], above: bigint): Promise<Found> => {
    const found = readBack(query, keys, above).finally(() => looking.delete(found))
    looking.add(found)
    return found
  }
  return async (rows: readonly NewRow[]): Promise<(Stored | undefined | Promise<Stored | undefined>)[]> => {
    while (looking.size >= MOST_READ_BACKS) await Promise.race(looking)
    const above = highest.value
    const keys = rows.map(({ key }) => key)
    const values = [
      keys,
      rows.map(({ service }) => service),
      rows.map(({ action }) => action),
      rows.map(({ key, payload }) => seals.close(payload, sealName(key, 'payload'))),
      rows.map(({ payload }) => Buffer.byteLength(payload)),
      rows.map(({ taker }) => taker?.node ?? null),
      rows.map(({ taker }) => taker?.token ?? null),
    ]
    const inserted = ({ key, service, action, payload, taker }: NewRow, found: Found): Stored | undefined => {
      const row = found.get(key)
      if (row === undefined || !isTaskId(row.id)) return undefined
      highest.saw(row.id)
      const claimed = taker !== undefined && row.node === taker.node && Number(row.token) === taker.token
      return { id: row.id, key, service, action, payload, claimed, age: row.age ?? 0 }
    }
    try {
      const called = rows.some(({ caller }) => caller !== null)
      const found = byKey(
        called
          ? await query<FoundRow>(INSERT_CALLED.call, [...values, rows.map(({ caller }) => caller)])
          : await query<FoundRow>(INSERT.call, values),
      )
      return rows.map((row) => inserted(row, found))
    } catch (error) {
      if (!(error instanceof StoreError) || error.trouble !== 'unknown') throw error
      const found = lookFor(keys, above)
      return rows.map(async (row) => inserted(row, await found))
    }
  }
}

/** Makes the flush of inserts of several tasks each, likewise: those of one entry are in one commit. */
export function insertAllFlush(flush: ReturnType<typeof insertFlush>) {
  return async (entries: readonly (readonly NewRow[])[]): Promise<Promise<(Stored | undefined)[]>[]> => {
    const inserted = (await flush(entries.flat())).map((one) => Promise.resolve(one))
    let end = 0
    return entries.map(({ length }) => Promise.all(inserted.slice(end, (end += length))))
  }
}

// The rows are locked: so the look is a commit, and is not believed before the synchronous standby has the rows.
export const FIND = routineOf({
  name: 'find',
  types: ['bigint', 'uuid[]'],
  returns: 'id bigint, key uuid, node uuid, token bigint, age double precision',
  sql: `
  select t.id, t.key, t.node, t.token, (extract(epoch from now() - t.created_at) * 1000)::double precision
  from tasks t where t.id > $1 and t.key = any($2) for key share`,
})

async function readBack(query: Query, keys: readonly string[], above: bigint): Promise<Found> {
  const end = performance.now() + READ_BACK.limit
  for (let pause = READ_BACK.first; ; pause = Math.min(READ_BACK.most, pause * 2)) {
    // Only rows that are there prove anything: the statement may still be under way in its backend.
    const found = await query<FoundRow>(FIND.call, [String(above), keys]).catch(() => [])
    if (found.length > 0 || performance.now() + pause > end) return byKey(found)
    await sleep(pause)
  }
}

/** Inserts a task and takes it back at once, in one statement: throws a `StoreError` where Postgres takes no new task. No id is used up. */
export async function tryInsert(query: Query): Promise<void> {
  await query(`do $$ begin
    insert into tasks (id, key, service, action, payload, payload_bytes) overriding system value
    values (0, '00000000-0000-0000-0000-000000000000', '', '', '{}', 2);
    raise exception using errcode = 'TA000';
  exception when sqlstate 'TA000' then null;
  end $$`)
}
