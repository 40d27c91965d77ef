// New rows and deleted ones, batched: the two writes whose callers wait for an answer.
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { NewTask, Submitted } from '../core/task.ts'
import type { Query } from './database.ts'
import { StoreError } from './trouble.ts'

/** How long an insert of unknown outcome is looked for, ms, beside the last look itself; the first and longest pause between two looks. */
const READ_BACK = { limit: 5_000, first: 50, most: 500 }
/** So many are looked for at once; later inserts wait while there are so many. */
export const MOST_READ_BACKS = 2

interface NewRow extends NewTask {
  readonly key: string
}

export const newRow = (task: NewTask): NewRow => ({ ...task, key: randomUUID() })

const INSERT = `
  insert into tasks (key, service, action, payload, payload_bytes)
  select key, service, action, payload, bytes
  from unnest($1::uuid[], $2::text[], $3::text[], $4::json[], $5::integer[]) as w(key, service, action, payload, bytes)
  returning id, key`

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
 */
export function insertFlush(query: Query, highest: HighestId) {
  const looking = new Set<Promise<unknown>>()
  /** Each row's id is looked for; never rejects. */
  const lookFor = (keys: readonly string[], above: bigint): Promise<Map<string, string>> => {
    const found = readBack(query, keys, above).finally(() => looking.delete(found))
    looking.add(found)
    return found
  }
  return async (rows: readonly NewRow[]): Promise<(Submitted | undefined | Promise<Submitted | undefined>)[]> => {
    while (looking.size >= MOST_READ_BACKS) await Promise.race(looking)
    const above = highest.value
    const keys = rows.map(({ key }) => key)
    const values = [
      keys,
      rows.map(({ service }) => service),
      rows.map(({ action }) => action),
      rows.map(({ payload }) => payload),
      rows.map(({ payload }) => Buffer.byteLength(payload)),
    ]
    const submitted = ({ key, service, action, payload }: NewRow, ids: Map<string, string>): Submitted | undefined => {
      const id = ids.get(key)
      if (id === undefined) return undefined
      highest.saw(id)
      return { id, service, action, payload }
    }
    try {
      const found = await query<{ id: string; key: string }>(INSERT, values)
      const ids = new Map(found.map(({ id, key }) => [key, id]))
      return rows.map((row) => submitted(row, ids))
    } catch (error) {
      if (!(error instanceof StoreError) || error.trouble !== 'unknown') throw error
      const ids = lookFor(keys, above)
      return rows.map(async (row) => submitted(row, await ids))
    }
  }
}

async function readBack(query: Query, keys: readonly string[], above: bigint): Promise<Map<string, string>> {
  const end = performance.now() + READ_BACK.limit
  for (let pause = READ_BACK.first; ; pause = Math.min(READ_BACK.most, pause * 2)) {
    // Only rows that are there prove anything: the statement may still be under way in its backend.
    const found = await query<{ id: string; key: string }>(
      'select id, key from tasks where id > $1 and key = any($2::uuid[])',
      [String(above), keys],
    ).catch(() => [])
    if (found.length > 0 || performance.now() + pause > end) return new Map(found.map(({ id, key }) => [key, id]))
    await sleep(pause)
  }
}

/** A deleted task: the node that held it, or null. */
export interface Removed {
  readonly node: string | null
}

const REMOVE = `
  with gone as materialized (select id from tasks where id = any($1::bigint[]) order by id for update)
  delete from tasks t using gone where t.id = gone.id returning t.id, t.node`

/** Makes the flush of deletions; undefined where there is no such row. The second of two deletions of one id finds none. */
export function removeFlush(query: Query) {
  return async (ids: readonly string[]): Promise<(Removed | undefined)[]> => {
    const rows = await query<{ id: string; node: string | null }>(REMOVE, [ids])
    const gone = new Map(rows.map(({ id, node }) => [id, { node }]))
    return ids.map((id) => {
      const removed = gone.get(id)
      gone.delete(id)
      return removed
    })
  }
}
