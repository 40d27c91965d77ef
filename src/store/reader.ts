// What callers read: tasks, pages of the list, tries, and what explains a task.
import type { Facts } from '../core/explain.ts'
import type { Bounds } from '../core/key.ts'
import { PAGE_BYTES } from '../core/limits.ts'
import type { Filters, FullView, ListQuery, Page, Version } from '../core/view.ts'
import type { Meters } from '../telemetry/meters.ts'
import { type LoggedAttempt, readAttempts } from './attempts.ts'
import { Batch } from './batch.ts'
import { readWindow, type Stretch, type Window } from './bulk.ts'
import type { Connections } from './connections.ts'
import { readFacts } from './facts.ts'
import { type FailureGroup, type FailuresQuery, readFailures } from './failures.ts'
import { readPage } from './pages.ts'
import { MAX_TASKS_PER_READ, readFlush, readBriefs, readVersions, seesFlush } from './reads.ts'
import { refuseRead } from './refuse.ts'
import { readStats, type Stat, type StatsQuery } from './stats.ts'
import { type ShownNode, readNodes } from './nodes.ts'
import { readServices, type ServiceView } from './services.ts'
import { readWaiting } from './waiting.ts'

/** All throw a `Refusal` `unavailable`, unless it is said otherwise. */
export class Reader {
  readonly #connections: Connections
  /** What this node has counted since its start. */
  readonly meters: Meters
  readonly #get
  readonly #sees
  /** Reads whose statement has not been sent: many may wait for the end of one task. */
  readonly #asked = new Map<string, Promise<FullView | undefined>>()

  constructor(connections: Connections, meters: Meters) {
    this.#connections = connections
    this.meters = meters
    const flush = readFlush(connections.read, connections.seals)
    this.#get = new Batch({
      name: 'read',
      patience: 'refuse',
      bytes: () => 64,
      flush: (ids: readonly string[]) => {
        for (const id of ids) this.#asked.delete(id)
        return flush(ids)
      },
      most: MAX_TASKS_PER_READ,
      rowsMeter: meters.batches.of('read'),
    })
    this.#sees = new Batch({
      name: 'sees',
      patience: 'refuse',
      bytes: () => 64,
      flush: seesFlush(connections.read),
    })
  }

  /** Refuses reads that wait. */
  closeReads(): void {
    this.#get.close()
    this.#sees.close()
  }

  /** Reads a task; undefined when there is no such task. */
  async get(id: string): Promise<FullView | undefined> {
    this.#connections.admit()
    return this.#read(id).catch(refuseRead)
  }

  /** Whether a task lies within bounds; false: or there is none. */
  async sees(id: string, bounds: Bounds): Promise<boolean> {
    this.#connections.admit()
    return this.#sees.add({ id, ...bounds }).catch(refuseRead)
  }

  /** Reads a task by the next statement. Who asks for the same one before that is sent shares the answer. */
  #read(id: string): Promise<FullView | undefined> {
    const asked = this.#asked.get(id)
    if (asked) return asked
    const read = this.#get.add(id)
    this.#asked.set(id, read)
    // Refused without a statement.
    read.catch(() => this.#asked.get(id) === read && this.#asked.delete(id))
    return read
  }

  /** Reads a page of the list. */
  async list(asked: ListQuery): Promise<Page> {
    this.#connections.admit()
    const page = await readPage(this.#connections.read, this.#connections.seals, asked).catch(refuseRead)
    if (asked.view === 'brief') return this.#inBrief(page)
    return asked.view === 'full' ? this.#inFull(page) : page
  }

  async #inBrief({ tasks, ...next }: Page): Promise<Page> {
    const read = await readBriefs(
      this.#connections.read,
      tasks.map(({ id }) => id),
    ).catch(refuseRead)
    const found = new Map(read.map((task) => [task.id, task]))
    return { ...next, tasks: tasks.flatMap(({ id }) => found.get(id) ?? []) }
  }

  /** The tasks of a page in full, until they are too many bytes. */
  async #inFull({ tasks, next }: Page): Promise<Page> {
    const shown: FullView[] = []
    let left = PAGE_BYTES
    for (let i = 0; i < tasks.length && left > 0; i += MAX_TASKS_PER_READ) {
      const ids = tasks.slice(i, i + MAX_TASKS_PER_READ).map(({ id }) => id)
      for (const task of await Promise.all(ids.map((id) => this.#read(id))).catch(refuseRead)) {
        // Deleted meanwhile.
        if (!task) continue
        if (left > 0) shown.push(task)
        left -= sizeOf(task)
      }
    }
    const last = shown.at(-1)?.id
    const cut = left <= 0 && last !== tasks.at(-1)?.id ? last : next
    return cut === undefined ? { tasks: shown } : { tasks: shown, next: cut }
  }

  /** Reads which of these tasks exist, and the version of each. */
  async versions(ids: readonly string[]): Promise<Version[]> {
    this.#connections.admit()
    return readVersions(this.#connections.read, ids).catch(refuseRead)
  }

  /** Reads tries of a task, after one of them; undefined when there is no such task. */
  async attempts(id: string, after: string, limit: number): Promise<readonly LoggedAttempt[] | undefined> {
    this.#connections.admit()
    return readAttempts(this.#connections.read, this.#connections.seals, { task: id, after, limit }).catch(refuseRead)
  }

  /** Reads what explains a task; undefined when there is no such task. */
  async facts(id: string): Promise<Facts | undefined> {
    this.#connections.admit()
    return readFacts(this.#connections.read, id).catch(refuseRead)
  }

  /** Reads these services, and with `others` those that only other live nodes know; by name. */
  async services(names: readonly string[], others: boolean): Promise<ServiceView[]> {
    this.#connections.admit()
    return readServices(this.#connections.read, names, others).catch(refuseRead)
  }

  /** Counts the tasks of a caller that have not begun, to `most`. */
  async waiting(caller: string, most: number): Promise<number> {
    this.#connections.admit()
    return readWaiting(this.#connections.read, caller, most).catch(refuseRead)
  }

  /** Reads the live nodes, by name. */
  async nodes(): Promise<ShownNode[]> {
    this.#connections.admit()
    return readNodes(this.#connections.read).catch(refuseRead)
  }

  /** Reads what tasks came to, by the minute, the oldest first. */
  async stats(asked: StatsQuery): Promise<Stat[]> {
    this.#connections.admit()
    return readStats(this.#connections.read, asked).catch(refuseRead)
  }

  /** Reads failed tasks in groups, that with the latest end first. */
  async failures(asked: FailuresQuery): Promise<FailureGroup[]> {
    this.#connections.admit()
    return readFailures(this.#connections.read, asked).catch(refuseRead)
  }

  /** Looks at the next rows after an id, and tells which of them match. Throws a `Refusal`. */
  async window(filters: Filters, stretch: Stretch): Promise<Window> {
    this.#connections.admit()
    return readWindow(this.#connections.read, filters, stretch).catch(refuseRead)
  }

  /** Whether Postgres answers and accepts writes of this node. Never throws. */
  async ping(): Promise<boolean> {
    if (!this.#connections.ready) return false
    return this.#connections.read('select 1').then(
      () => true,
      () => false,
    )
  }
}

/** About how many bytes of an answer a task takes: its error is shown as the last one, too. */
const sizeOf = ({ payload, state, result, error, labels }: FullView): number =>
  [payload, state, result, error, error, labels].reduce<number>((sum, text) => sum + Buffer.byteLength(text ?? ''), 0)
