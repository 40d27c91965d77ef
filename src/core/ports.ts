// What the API and the supervisor of a node share in memory.
import type { Submitted } from './task.ts'

/** A task as Postgres stored it. */
export interface Stored extends Submitted {
  /** The task's UUID, for `Idempotency-Key`. */
  readonly key: string
  /** Whether it is the claim of a reservation; else it waits, for example because the node's lease had run out. */
  readonly claimed: boolean
  /** Milliseconds since the task was created, by Postgres' clock. */
  readonly age: number
}

/** A slot that is kept for a task while its row is inserted: a claim under way. */
export interface Reservation {
  /** Who claims the row. */
  readonly claim: { readonly node: string; readonly token: number }
  /** The insert is over. The task of a claimed row starts; without one the slot is free again. */
  finish(row: Stored | undefined): void
}

/** What a node is doing now. */
export interface Figures {
  readonly slots: { readonly running: number; readonly reserved: number; readonly free: number }
  readonly services: readonly {
    readonly service: string
    readonly running: number
    readonly paused: boolean
    readonly gated: boolean
  }[]
  /** Tasks that this node has purged since its start, by service. */
  readonly purged: ReadonlyMap<string, { readonly complete: number; readonly failed: number }>
}

/** What the supervisor offers to those who submit and cancel in the same process. */
export interface Supervision {
  /** Keeps a slot for a task of a service; undefined when the task has to wait its turn. */
  reserve(service: string): Reservation | undefined
  /** The id of a task that waits is on its way into the list of its service. */
  pushed(service: string): void
  /** An id did not get into the list: this node looks for its row by itself. */
  pushFailed(service: string): void
  /** A task becomes due so many ms from now, and nothing announces it then. */
  due(service: string, ms: number): void
  /** A task was deleted here. */
  deleted(id: string): void
  /** The state of a service was changed here: this node reads it at once, and tells these others to. */
  serviceChanged(nodes: readonly string[]): void
  readonly figures: Figures
  /** A schedule was changed here: its next time may come sooner than this node knows. */
  scheduled(): void
}
