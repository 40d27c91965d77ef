// How a node takes rows: the first that are due of each service, and those of nodes that are gone.
import { isAction } from '../core/service.ts'
import { isTaskId } from '../core/task.ts'
import { CLAIM_BYTES, CLAIMS } from './claim-routine.ts'
import { type ClaimedRow, EVERY_LEVEL, FROM_START, type StoredRow } from './claimed.ts'
import type { Query } from './database.ts'
import { StoreError } from './trouble.ts'

/** Who claims, and what it may take. */
export interface Claimant {
  readonly node: string
  /** Random, 53 bits, one for each statement. */
  readonly token: number
  /** Whether rows of owners whose lease has run out may be taken. */
  readonly takesOver: boolean
  /**
   * From this time of Postgres' clock on the claim takes nothing; default: never. A statement that arrives late, after an outage, must
   * not judge leases that ran out meanwhile.
   */
  readonly validUntil?: string
}

const NEVER = 'infinity'

/** What to claim of one service. */
export interface Wanted {
  /** Rows at most. */
  readonly count: number
  /**
   * Rows that became due before this time are passed over, ms since 1970 by Postgres' clock, for each level; 0: none. Claimed rows leave
   * dead entries in the index. A claim that begins behind those of earlier claims need not step over them. What committed late lies up to
   * 100 ms behind the last row that was taken; what lies further back is found by a claim from 0, the default.
   */
  readonly marks?: readonly number[]
  /** Which levels to look at, as bits; default: all. */
  readonly levels?: number
  /** Whether the log keeps a try that was lost with its node; default: yes. */
  readonly logged?: boolean
  /** Where several levels wait: how many tasks have begun since the last turn of a lower level. Default: none has a turn. */
  readonly begun?: number | undefined
}

/** One claim, for several services. */
export interface ClaimQuery {
  /** In the order in which the services are served. */
  readonly wanted: ReadonlyMap<string, Wanted>
  /** How many rows in all. */
  readonly limit: number
  /** Rows that were never claimed are taken only when they have been due for this long, ms. */
  readonly grace: number
  /** Hears what else waits; without it nobody looks. */
  readonly look?: ((seen: readonly Seen[]) => void) | undefined
}

/** What a look has found of a service. */
export interface Seen {
  readonly service: string
  /** The levels of rows that are due, as bits. */
  readonly levels: number
  /** When the next row becomes due, ms from now; null: no row waits for its time. */
  readonly next: number | null
}

/** The rows of tasks among those of a claim. Throws a `StoreError`. */
export function tasksOf(rows: readonly StoredRow[]): StoredRow[] {
  const found = rows.filter(({ id }) => id !== null)
  // Each later statement that names such an id would fail, that of the sync among them. No request can name such an action.
  if (!found.every(({ id, action }) => isTaskId(id) && isAction(action)))
    throw new StoreError('unknown', new Error('Postgres sent an id or an action that is none'))
  return found
}

/** The values of $1 to $13. */
export function valuesOfClaim(by: Claimant, { wanted, limit, grace, look }: ClaimQuery): unknown[] {
  const asked = [...wanted.values()]
  return [
    by.node,
    by.token,
    [...wanted.keys()],
    asked.map(({ count }) => count),
    asked.flatMap(({ marks = FROM_START }) => marks),
    asked.map(({ levels = EVERY_LEVEL }) => levels),
    asked.map(({ begun = null }) => begun),
    limit,
    by.takesOver,
    grace,
    by.validUntil ?? NEVER,
    look !== undefined,
    asked.map(({ logged = true }) => logged),
  ]
}

/** Claims the oldest due rows of each service, and those of nodes that are gone before them. Throws a `StoreError`. */
export async function claimDue(
  query: Query,
  by: Claimant,
  { wanted, limit, grace, look }: ClaimQuery,
): Promise<StoredRow[]> {
  const asked = [...wanted.values()]
  const { call } = asked.some(({ begun }) => begun !== undefined) ? CLAIMS.inTurns : CLAIMS.plain
  const rows = await query<StoredRow>(call, valuesOfClaim(by, { wanted, limit, grace, look }))
  const found = tasksOf(rows)
  look?.(
    rows.flatMap(({ id, service, level, deadline }) =>
      id === null ? [{ service, levels: level, next: deadline }] : [],
    ),
  )
  return found
}

/** A state that is sealed counts as it is stored, and is longer than what it says: more than this part of it is base64. */
const FULL_BYTES = CLAIM_BYTES * 0.7

/** Whether a claim may have left rows for want of room in bytes. */
export function isFull(rows: readonly ClaimedRow[]): boolean {
  const characters = rows.reduce((sum, { body }) => sum + body.length, 0)
  // A character has at most three bytes, so nothing small is measured.
  if (characters * 3 < FULL_BYTES) return false
  return rows.reduce((bytes, { body }) => bytes + Buffer.byteLength(body), 0) >= FULL_BYTES
}
