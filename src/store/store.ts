// The store of a node: connections, batched writes and reads. All SQL is in this folder.
import { Refusal } from '../core/refusal.ts'
import type { Part } from '../core/part.ts'
import type { Terms } from '../core/limit.ts'
import type { Stored } from '../core/ports.ts'
import type { Created, NewTask } from '../core/task.ts'
import type { Log } from '../telemetry/log.ts'
import { Meters } from '../telemetry/meters.ts'
import { Batch, sizeOf } from './batch.ts'
import { type Claimant, type ClaimQuery, claimDue, type Wanted } from './claims.ts'
import { type ClaimedRow } from './claimed.ts'
import { type Retrial, retryTask } from './retries.ts'
import { type Orphan, reviveClaims } from './revivals.ts'
import { type Creation, createTasks } from './creations.ts'
import { type Many, retryMany } from './bulk.ts'
import { type Change, changeTask } from './changes.ts'
import { Connections } from './connections.ts'
import type { Query } from './database.ts'
import { type Deadline, type Expired, expireTasks } from './deadlines.ts'
import { FENCED, type ClaimRef, fencedFlush, type Kind, type Written } from './fenced.ts'
import { type Granted, grantDue } from './grants.ts'
import { bytesOf, HighestId, insertAllFlush, insertFlush, newRow, type NewRow, type Taker } from './inserts.ts'
import { forgetKeys } from './keys.ts'
import { migrate } from './migrate.ts'
import { Minutes } from './minutes.ts'
import * as nodes from './nodes.ts'
import { CANCEL, REMOVE, type Removal, type Removed, removalFlush } from './removals.ts'
import { purge, type Purge, type Purged, retainsByDefault } from './purges.ts'
import { Reader } from './reader.ts'
import { type Standing, readStanding } from './reads.ts'
import { refuse, unknownCommit } from './refuse.ts'
import { type Schedules, schedulesOn } from './schedules.ts'
import type { Keys } from './seal.ts'
import { openClaimed } from './sealed.ts'
import { type ServiceStates, serviceStatesOn } from './service-states.ts'
import { StoreError } from './trouble.ts'
import { whyNot } from './unusable.ts'

/** The most payloads of POSTs that create more than a plain task, in memory, bytes; further POSTs are refused. */
const MAX_CREATING_BYTES = 64 * 1024 * 1024
/** How long a flush waits for more entries when there are many, ms (docs/decisions.md). Callers wait for an insert, slots for a settle. */
const GATHER_MS = { insert: 3, settle: 8 }

/** A part. `start` migrates. It throws a `StoreError` while Postgres cannot be reached, and may be called again. */
export class Store extends Reader implements Part {
  readonly #url: string
  readonly #connections: Connections
  #creatingBytes = 0
  readonly #highest = new HighestId()
  readonly #looking = new Set<Promise<unknown>>()
  readonly #query: Query
  readonly #insert
  readonly #insertAll
  readonly #remove
  readonly #cancel
  /** Write an actor's reports, one batch for each kind. The writes are repeated through any outage. `lost`: the claim was lost. */
  readonly checkpoint
  readonly retry
  readonly park
  readonly settle
  readonly release
  readonly schedules: Schedules
  readonly states: ServiceStates
  readonly minutes: Minutes

  constructor({ url, log, keys }: { url: string; log: Log; keys?: Keys }) {
    const meters = new Meters()
    const connections = new Connections({ url, log, keys, meters })
    const { seals } = connections
    super(connections, meters)
    this.#url = url
    this.minutes = new Minutes(connections.write, meters)
    this.schedules = schedulesOn(connections, this.minutes)
    this.states = serviceStatesOn({ write: connections.write, admit: () => connections.admit() })
    this.#connections = connections
    const query = (this.#query = this.#connections.write)
    const kept = <Entry extends ClaimRef>(
      kind: Kind<Entry>,
      flush = fencedFlush({ query, seals }, kind),
      gather = 0,
    ) => {
      const { name } = kind
      const rowsMeter = meters.batches.of(name)
      return new Batch<Entry, Written>({ name, patience: 'keep', bytes: sizeOf, flush, gather, rowsMeter })
    }
    this.checkpoint = kept(FENCED.checkpoint)
    this.retry = kept(FENCED.retry)
    this.park = kept(FENCED.park)
    const counted = fencedFlush({ query, seals }, FENCED.settle, (entry) => this.minutes.ended(entry))
    this.settle = kept(FENCED.settle, counted, GATHER_MS.settle)
    this.release = kept(FENCED.release)
    const insert = insertFlush(query, seals, this.#highest, this.#looking)
    const submits = { name: 'submit', patience: 'refuse', gather: GATHER_MS.insert } as const
    this.#insert = new Batch({ ...submits, bytes: bytesOf, flush: insert, rowsMeter: meters.batches.of('submit') })
    // Beside the single ones, which do not wait for the large statements of these.
    this.#insertAll = new Batch({
      ...submits,
      bytes: (rows: readonly NewRow[]) => rows.reduce((sum, row) => sum + bytesOf(row), 0),
      rows: ({ length }) => length,
      flush: insertAllFlush(insert),
      rowsMeter: meters.batches.of('submit_all'),
    })
    const removals = (name: string, routine: typeof REMOVE) => {
      const of = { name, flush: removalFlush(query, routine), rowsMeter: meters.batches.of(name) }
      return new Batch<Removal, Removed | undefined>({ ...of, patience: 'refuse', bytes: () => 64 })
    }
    this.#remove = removals('remove', REMOVE)
    this.#cancel = removals('cancel', CANCEL)
  }

  async start(): Promise<void> {
    await migrate(this.#url)
    // The node serves only after it has migrated and this first statement has read the highest id.
    await this.holdings('00000000-0000-0000-0000-000000000000').catch((error: unknown) => {
      throw whyNot(error instanceof StoreError ? error.cause : error)
    })
    this.#connections.start()
  }

  async stop(): Promise<void> {
    this.#connections.end()
    this.closeReads()
    const reports = [this.checkpoint, this.retry, this.park, this.settle, this.release]
    for (const batch of [this.#insert, this.#insertAll, this.#remove, this.#cancel, ...reports]) batch.close()
    if (this.healthy) await this.minutes.write().catch(() => undefined)
    await this.#connections.close()
  }

  /** Whether the last statement succeeded. */
  get healthy(): boolean {
    return this.#connections.healthy
  }

  /** Whether the store is looking for the rows of an insert with an unknown outcome. Other inserts may have to wait. */
  get looking(): boolean {
    return this.#looking.size > 0
  }

  /** Stores a new task and commits; with a `taker` the task is claimed at once. Throws a `Refusal`: `unavailable` (nothing was created) or `outcome_unknown`. */
  async insert(task: NewTask, taker?: Taker, caller: string | null = null): Promise<Stored> {
    this.#connections.admit()
    const inserted = await this.#insert.add(newRow(task, taker, caller)).catch(refuse)
    if (!inserted) return unknownCommit()
    this.minutes.count('created', task.service)
    return inserted
  }

  /** Stores new tasks in one commit, likewise. */
  async insertAll(tasks: readonly NewTask[], caller: string | null = null): Promise<Stored[]> {
    this.#connections.admit()
    const inserted = await this.#insertAll.add(tasks.map((task) => newRow(task, undefined, caller))).catch(refuse)
    for (const one of inserted) if (one) this.minutes.count('created', one.service)
    return inserted.map((one) => one ?? unknownCommit())
  }

  /** Creates the tasks of one POST, or finds what the same POST has created. Throws a `Refusal`. */
  async create(creation: Creation): Promise<Created> {
    this.#connections.admit()
    const bytes = creation.tasks.reduce((sum, { payload }) => sum + payload.length, 0)
    if (this.#creatingBytes + bytes > MAX_CREATING_BYTES) throw new Refusal('unavailable', 'Too much is waiting.')
    this.#creatingBytes += bytes
    const created = await createTasks(this.#connections.create, creation)
      .catch(refuse)
      .finally(() => (this.#creatingBytes -= bytes))
    if (!created.replayed) this.minutes.created(created.tasks)
    return created
  }

  /** Deletes a task; undefined when there is no such task. Throws a `Refusal`: `unavailable` or `outcome_unknown`. */
  async remove(removal: Removal): Promise<Removed | undefined> {
    this.#connections.admit()
    return this.#remove.add(removal).catch(refuse)
  }

  /** Tries an ended task again by a new one. Throws a `Refusal`. */
  async retryTask(retrial: Retrial): ReturnType<typeof retryTask> {
    this.#connections.admit()
    const retried = await retryTask(this.#connections.create, retrial).catch(refuse)
    if (retried.task && !retried.replayed) this.minutes.created([retried.task])
    return retried
  }

  /** Retries tasks by new ones; those that cannot be are left out. Throws a `Refusal`. */
  async retryMany(many: Many): ReturnType<typeof retryMany> {
    this.#connections.admit()
    return this.minutes.created(await retryMany(this.#connections.create.first, many).catch(refuse))
  }

  /** Changes a task that waits; undefined when there is no such task. Throws a `Refusal`, likewise. */
  async change(asked: Change): ReturnType<typeof changeTask> {
    this.#connections.admit()
    return changeTask(this.#query, asked).catch(refuse)
  }

  /** Ends a task as cancelled and keeps it; undefined when there is no such task. Throws a `Refusal`, likewise. */
  async cancel(removal: Removal): Promise<Removed | undefined> {
    this.#connections.admit()
    const found = await this.#cancel.add(removal).catch(refuse)
    if (found?.cancelled) this.minutes.count('failed', found.service, 'cancelled')
    return found
  }

  // One statement each; all throw a `StoreError`.
  claim = async (by: Claimant, asked: ClaimQuery): Promise<ClaimedRow[]> =>
    this.minutes.failed('crashed', openClaimed(this.#connections.seals, await claimDue(this.#query, by, asked)))
  grant = async (by: Omit<Claimant, 'takesOver'>, service: string, wanted: Wanted, terms: Terms): Promise<Granted> => {
    const { rows, ...told } = await grantDue(this.#query, by, service, wanted, terms)
    return { ...told, rows: openClaimed(this.#connections.seals, rows) }
  }
  revive = async (claims: readonly Orphan[]): Promise<ClaimedRow[]> =>
    this.minutes.failed('crashed', openClaimed(this.#connections.seals, await reviveClaims(this.#query, claims)))
  standing = (ids: readonly string[]): Promise<Standing[]> => readStanding(this.#query, ids)
  enroll = (node: nodes.NodeRow, lease: number, claimWindow?: number): Promise<nodes.Leased> =>
    nodes.enroll(this.#query, { ...node, keys: this.#connections.seals.ids }, lease, claimWindow)
  beat = async (
    id: string,
    lease: number,
    claimWindow?: number,
    told?: nodes.Load & nodes.Known,
  ): Promise<nodes.Leased | undefined> => {
    if (this.#connections.refusing) void this.#connections.probe()
    return nodes.beat(this.#query, id, lease, claimWindow, told)
  }
  isKeyKnown = (key: string): Promise<boolean> => nodes.isKeyKnown(this.#query, key)
  resign = (id: string): Promise<void> => nodes.resign(this.#query, id)
  resignOthers = (id: string): Promise<void> => nodes.resignOthers(this.#query, id)
  adoptOwners = (): Promise<void> => nodes.adoptOwners(this.#query)
  forgetKeys = (window: number): Promise<boolean> => forgetKeys(this.#query, window)
  purge = (asked: Purge): Promise<readonly Purged[]> => purge(this.#query, asked)
  retainsByDefault = (): Promise<boolean> => retainsByDefault(this.#query)
  forgetNodes = (): Promise<void> => nodes.forgetNodes(this.#query)
  failUnknown = async (ms: number): Promise<Expired[]> =>
    this.minutes.failed('unknown_service', await nodes.failUnknown(this.#query, ms))
  expire = async (deadlines: readonly Deadline[], limit: number): Promise<Expired[]> =>
    this.minutes.failed('deadline_exceeded', await expireTasks(this.#query, deadlines, limit))

  async holdings(node: string): Promise<nodes.Holdings['held']> {
    const { held, highest } = await nodes.holdings(this.#query, node)
    if (highest !== null) this.#highest.saw(highest)
    return held
  }
}
