// The port of the queue: what the rest of a node asks of it. Two adapters keep it: Redis, and one in this process.
import type { Part } from '../core/part.ts'

/** An id that was popped from the list of a service. Only a bell: the id may be stale, doubled, foreign or no id at all. */
export interface Popped {
  readonly service: string
  readonly id: string
}

/** Lists of ids, one a service, and cancel notices between nodes. Nothing here is ever relied on (docs/protocol.md). */
export interface Queue extends Part {
  /** Whether ids and cancel notices get through at the moment. */
  readonly healthy: boolean
  /** Whether Redis refuses something without which ids get through all the same: cancel notices come late, or keys are not mended. */
  readonly limited: boolean
  /** Which adapter this is, for the log and `/readyz`. */
  readonly kind: 'redis' | 'memory'
  /** Rings the bell for a row that is committed. Never throws and never waits; resolves to false when the id did not get in. */
  push(service: string, id: string): Promise<boolean>
  /**
   * Waits until one of the lists has an id (2 s at most; lists in the order given), and takes one. Undefined when none came or
   * `interrupt` was called; never throws. While the queue cannot be reached it waits likewise, so that a loop of pops does not spin; only
   * a queue that is stopped answers at once. One pop at a time: a second is undefined at once.
   */
  pop(services: readonly string[]): Promise<Popped | undefined>
  /** Takes up to `count` (at least 1) ids from one list at once, and tells how many there were. 0 when the queue is not healthy; never throws. */
  take(service: string, count: number): Promise<number>
  /** Ends the `pop` that waits now. */
  interrupt(): void
  /** Tells a node (this one too) that a task was deleted, or that states of services have `CHANGED`. Never throws; a lost cancel notice is made up for by that node's sync. */
  notify(node: string, id: string): void
  /** Hears the cancel notices for this node from now on (a node may change its name: the latest call counts). Ids are untrusted. */
  listen(node: string, cancelled: (id: string) => void): void
  /** Called whenever `healthy` changes. */
  onHealth(changed: (healthy: boolean) => void): void
}
