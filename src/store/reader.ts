// What callers read: tasks, pages of the list, tries, and what explains a task.
import type { Facts } from '../core/explain.ts'
import { PAGE_BYTES } from '../core/limits.ts'
import type { FullView, ListQuery, Page, Version } from '../core/view.ts'
import { type LoggedAttempt, readAttempts } from './attempts.ts'
import { Batch } from './batch.ts'
import type { Connections } from './connections.ts'
import { readFacts } from './facts.ts'
import { readPage } from './pages.ts'
import { MAX_TASKS_PER_READ, readFlush, readVersions } from './reads.ts'
import { refuseRead } from './refuse.ts'

/** All throw a `Refusal` `unavailable`, unless it is said otherwise. */
export class Reader {
  readonly #connections: Connections
  readonly #get

  constructor(connections: Connections) {
    this.#connections = connections
    this.#get = new Batch({
      name: 'read',
      patience: 'refuse',
      bytes: () => 64,
      flush: readFlush(connections.read),
      most: MAX_TASKS_PER_READ,
    })
  }

  /** Refuses reads that wait. */
  closeReads(): void {
    this.#get.close()
  }

  /** Reads a task; undefined when there is no such task. */
  async get(id: string): Promise<FullView | undefined> {
    this.#connections.admit()
    return this.#get.add(id).catch(refuseRead)
  }

  /** Reads a page of the list. */
  async list(asked: ListQuery): Promise<Page> {
    this.#connections.admit()
    const page = await readPage(this.#connections.read, asked).catch(refuseRead)
    return asked.full ? this.#inFull(page) : page
  }

  /** The tasks of a page in full, until they are too many bytes. */
  async #inFull({ tasks, next }: Page): Promise<Page> {
    const shown: FullView[] = []
    let left = PAGE_BYTES
    for (let i = 0; i < tasks.length && left > 0; i += MAX_TASKS_PER_READ) {
      const ids = tasks.slice(i, i + MAX_TASKS_PER_READ).map(({ id }) => id)
      for (const task of await Promise.all(ids.map((id) => this.#get.add(id))).catch(refuseRead)) {
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
    return readAttempts(this.#connections.read, id, after, limit).catch(refuseRead)
  }

  /** Reads what explains a task; undefined when there is no such task. */
  async facts(id: string): Promise<Facts | undefined> {
    this.#connections.admit()
    return readFacts(this.#connections.read, id).catch(refuseRead)
  }
}

const sizeOf = ({ payload, state, result, error }: FullView): number =>
  payload.length + (state?.length ?? 0) + (result?.length ?? 0) + (error?.length ?? 0)
