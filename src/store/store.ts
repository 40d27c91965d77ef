// The store of a node: connections, batched writes and reads. All SQL is in this folder.
import { Refusal } from '../core/refusal.ts'
import type { Part } from '../core/part.ts'
import type { Stored } from '../core/ports.ts'
import type { NewTask } from '../core/task.ts'
import type { FullView, ListQuery, Page } from '../core/view.ts'
import type { Log } from '../telemetry/log.ts'
import { Batch } from './batch.ts'
import { type Claimant, type ClaimQuery, type ClaimedRow, type Orphan, claimDue, reviveClaims } from './claims.ts'
import { Database, type Query } from './database.ts'
import { type Deadline, type Expired, expireTasks } from './deadlines.ts'
import { FENCED, type ClaimRef, fencedFlush, type Written } from './fenced.ts'
import { Health, PROBE } from './health.ts'
import {
  HighestId,
  MOST_READ_BACKS,
  type Removed,
  type Taker,
  insertFlush,
  newRow,
  removeFlush,
  tryInsert,
} from './inserts.ts'
import { migrate } from './migrate.ts'
import * as nodes from './nodes.ts'
import { type Standing, MAX_TASKS_PER_READ, readFlush, readPage, readStanding } from './reads.ts'
import { blameOf, isSlow, StoreError } from './trouble.ts'
import { whyNot } from './unusable.ts'

/** One connection for each kind of write that may be in flight, and a pool of its own for reads, so that no other statement delays a beat. */
const WRITE_CONNECTIONS = 16 + MOST_READ_BACKS
const READ_CONNECTIONS = 4
/** How long a flush waits for more entries when there are many, ms (docs/decisions.md). Callers wait for an insert, slots for a settle. */
const GATHER_MS = { insert: 3, settle: 8 }

/** A part. `start` migrates. It throws a `StoreError` while Postgres cannot be reached, and may be called again. */
export class Store implements Part {
  readonly #url: string
  readonly #writes: Database
  readonly #reads: Database
  readonly #highest = new HighestId()
  readonly #looking = new Set<Promise<unknown>>()
  readonly #health: Health
  #probing = false
  #started = false

  readonly #insert
  readonly #remove
  readonly #get
  /** Write an actor's reports, one batch for each kind. The writes are repeated through any outage. `lost`: the claim was lost. */
  readonly checkpoint
  readonly retry
  readonly park
  readonly settle
  readonly release

  constructor({ url, log }: { url: string; log: Log }) {
    this.#url = url
    this.#health = new Health(log, () => this.#renew())
    this.#writes = new Database(url, WRITE_CONNECTIONS)
    this.#reads = new Database(url, READ_CONNECTIONS)
    const query = this.#query
    const kept = <Entry extends ClaimRef>(name: string, kind: Parameters<typeof fencedFlush<Entry>>[1], gather = 0) =>
      new Batch<Entry, Written>({ name, patience: 'keep', bytes: sizeOf, flush: fencedFlush(query, kind), gather })
    this.checkpoint = kept('checkpoint', FENCED.checkpoint)
    this.retry = kept('retry', FENCED.retry)
    this.park = kept('park', FENCED.park)
    this.settle = kept('settle', FENCED.settle, GATHER_MS.settle)
    this.release = kept('release', FENCED.release)
    this.#insert = new Batch({
      name: 'submit',
      patience: 'refuse',
      bytes: sizeOf,
      flush: insertFlush(query, this.#highest, this.#looking),
      gather: GATHER_MS.insert,
    })
    this.#remove = new Batch({ name: 'cancel', patience: 'refuse', bytes: () => 64, flush: removeFlush(query) })
    this.#get = new Batch({
      name: 'read',
      patience: 'refuse',
      bytes: () => 64,
      flush: readFlush(this.#read),
      most: MAX_TASKS_PER_READ,
    })
  }

  async start(): Promise<void> {
    await migrate(this.#url)
    // The node serves only after it has migrated and this first statement has read the highest id.
    await this.holdings('00000000-0000-0000-0000-000000000000').catch((error: unknown) => {
      throw whyNot(error instanceof StoreError ? error.cause : error)
    })
    this.#started = true
  }

  async stop(): Promise<void> {
    this.#health.end()
    for (const batch of [
      this.#get,
      this.#insert,
      this.#remove,
      this.checkpoint,
      this.retry,
      this.park,
      this.settle,
      this.release,
    ])
      batch.close()
    await Promise.all([this.#writes.close(), this.#reads.close()])
  }

  /** Whether the last statement succeeded. */
  get healthy(): boolean {
    return this.#health.through
  }

  /** Whether the store is looking for the rows of an insert with an unknown outcome. Other inserts may have to wait. */
  get looking(): boolean {
    return this.#looking.size > 0
  }

  /** Stores a new task and commits; with a `taker` the task is claimed at once. Throws a `Refusal`: `unavailable` (nothing was created) or `outcome_unknown`. */
  async insert(task: NewTask, taker?: Taker): Promise<Stored> {
    this.#admit()
    const inserted = await this.#insert.add(newRow(task, taker)).catch(refuse)
    if (!inserted) throw new Refusal('outcome_unknown', 'The connection to Postgres broke during the commit.')
    return inserted
  }

  /** Deletes a task; undefined when there is no such task. Throws a `Refusal`: `unavailable` or `outcome_unknown`. */
  async remove(id: string): Promise<Removed | undefined> {
    this.#admit()
    return this.#remove.add(id).catch(refuse)
  }

  /** Reads a task; undefined when there is no such task. Throws a `Refusal`: `unavailable`. */
  async get(id: string): Promise<FullView | undefined> {
    this.#admit()
    return this.#get.add(id).catch(refuseRead)
  }

  /** Reads a page of the list. Throws a `Refusal`: `unavailable`. */
  async list(asked: ListQuery): Promise<Page> {
    this.#admit()
    return readPage(this.#read, asked).catch(refuseRead)
  }

  /** Whether Postgres answers and accepts writes of this node. Never throws. */
  async ping(): Promise<boolean> {
    if (!this.#started || this.#health.refusing) return false
    return this.#read('select 1').then(
      () => true,
      () => false,
    )
  }

  // One statement each; all throw a `StoreError`.
  claim = (by: Claimant, asked: ClaimQuery): Promise<ClaimedRow[]> => claimDue(this.#query, by, asked)
  revive = (claims: readonly Orphan[]): Promise<ClaimedRow[]> => reviveClaims(this.#query, claims)
  standing = (ids: readonly string[]): Promise<Standing[]> => readStanding(this.#query, ids)
  enroll = (node: nodes.NodeRow, lease: number, claimWindow?: number): Promise<nodes.Leased> =>
    nodes.enroll(this.#query, node, lease, claimWindow)
  beat = async (id: string, lease: number, claimWindow?: number): Promise<nodes.Leased | undefined> => {
    if (this.#health.refusing) void this.#probe()
    return nodes.beat(this.#query, id, lease, claimWindow)
  }
  resign = (id: string): Promise<void> => nodes.resign(this.#query, id)
  resignOthers = (id: string): Promise<void> => nodes.resignOthers(this.#query, id)
  adoptOwners = (): Promise<void> => nodes.adoptOwners(this.#query)
  forgetNodes = (): Promise<void> => nodes.forgetNodes(this.#query)
  failUnknown = (ms: number): Promise<{ id: string; service: string }[]> => nodes.failUnknown(this.#query, ms)
  expire = (deadlines: readonly Deadline[], limit: number): Promise<Expired[]> =>
    expireTasks(this.#query, deadlines, limit)

  async holdings(node: string): Promise<nodes.Holdings['held']> {
    const { held, highest } = await nodes.holdings(this.#query, node)
    if (highest !== null) this.#highest.saw(highest)
    return held
  }

  #admit(): void {
    if (!this.#started) throw new Refusal('unavailable', 'Postgres has not answered yet; nothing was changed.')
  }

  /** Tests whether writes are still refused. Callers avoid a node that is not ready, so there may be no other writes to show it. */
  async #probe(): Promise<void> {
    if (this.#probing) return
    this.#probing = true
    await tryInsert((sql, values) => this.#writes.query(sql, values)).then(
      () => this.#health.probeSucceeded(),
      (error: unknown) => this.#health.refusing || this.#health.failed(PROBE, error),
    )
    this.#probing = false
  }

  // Only writes count for the health: many reads that wait for the few connections for reads say nothing about Postgres.
  readonly #query: Query = async <Row>(...[sql, values]: Parameters<Query>): Promise<Row[]> => {
    const kind = typeof sql === 'string' ? sql : sql.name
    try {
      const rows = await this.#writes.query<Row>(sql, values)
      this.#health.succeeded(kind)
      return rows
    } catch (error) {
      this.#health.failed(kind, error)
      if (error instanceof StoreError && blameOf(error.cause) === 'server') this.#renew()
      if (error instanceof StoreError && isSlow(error.cause)) void this.#probe()
      throw error
    }
  }
  #renew(): void {
    for (const database of [this.#writes, this.#reads]) database.renew()
  }

  readonly #read: Query = (sql, values) => this.#reads.query(sql, values)
}

/** The size of an entry in memory, in characters of its texts. */
function sizeOf(entry: object): number {
  let bytes = 200
  for (const value of Object.values(entry)) if (typeof value === 'string') bytes += value.length
  return bytes
}

/** Turns the error of a write into a `Refusal` for the caller; bugs are thrown on. */
function refuse(error: unknown): never {
  if (error instanceof StoreError && (error.trouble === 'notSent' || error.trouble === 'conflict'))
    throw new Refusal('unavailable', 'Postgres cannot be reached; nothing was changed.')
  if (error instanceof StoreError && error.trouble === 'unknown')
    throw new Refusal('outcome_unknown', 'The connection to Postgres broke; the change may have been made.')
  throw error
}

/** Turns the error of a read into a `Refusal`: a read changes nothing, so an unknown outcome is only `unavailable`. */
function refuseRead(error: unknown): never {
  if (error instanceof StoreError && error.trouble !== 'rejected' && error.trouble !== 'bug')
    throw new Refusal('unavailable', 'Postgres cannot be reached.')
  throw error
}
