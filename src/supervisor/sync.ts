// Sync: what this node believes it holds, against what Postgres says. It judges only what was settled before it asked.
import type { ClaimRef } from '../store/fenced.ts'
import type { Store } from '../store/store.ts'
import type { RunningTask, RunningTasks } from './running.ts'

export interface SyncDependencies {
  readonly store: Pick<Store, 'holdings' | 'standing'>
  readonly running: RunningTasks
  readonly node: string
  readonly epoch: number
}

/** What follows from a sync. */
export interface Judgement {
  /** Actors whose row is gone or has another token. */
  readonly stop: readonly RunningTask[]
  /** Claims that were found good, and had been doubtful. */
  readonly confirm: readonly RunningTask[]
}

/** Rows that name this node and that no task here belongs to. */
export interface Strays {
  /** Rows that name this node and that nothing here belongs to, seen twice in a row: they are given back. */
  readonly release: readonly ClaimRef[]
  /** Rows seen so for the first time: id to token, for the next look. */
  readonly missed: ReadonlyMap<string, number>
}

/** Asks Postgres about the tasks that run here, and judges. Throws a `StoreError`. */
export async function syncRunning({ store, running, node, epoch }: SyncDependencies): Promise<Judgement> {
  // What is not in this list was claimed after the question was sent: the answer knows nothing of it.
  const settled = running.all().filter((task) => !task.writing && task.node === node)
  if (settled.length === 0) return { stop: [], confirm: [] }
  const rows = new Map((await store.standing(settled.map(({ id }) => id))).map((row) => [row.id, row]))
  const isOurs = ({ id, token }: RunningTask): boolean => rows.get(id)?.token === token && rows.get(id)?.node === node
  const asked = settled.filter((task) => running.has(task) && !task.writing)
  return {
    stop: asked.filter((task) => !isOurs(task)),
    confirm: asked.filter((task) => isOurs(task) && task.epoch < epoch),
  }
}

/** Asks Postgres what this node holds, and judges. `missed`: what the look before had missed. Throws a `StoreError`. */
export async function findStrays(by: SyncDependencies, missed: ReadonlyMap<string, number>): Promise<Strays> {
  const { store, running, node } = by
  const inFlight = new Set(running.inFlight.keys())
  const strays = (await store.holdings(node)).filter(
    ({ id, token }) => running.get(id)?.token !== token && !inFlight.has(token) && !running.inFlight.has(token),
  )
  const twice = strays.filter(({ id, token }) => missed.get(id) === token)
  const once = strays.filter(({ id, token }) => missed.get(id) !== token)
  return {
    release: twice.map(({ id, token }) => ({ id, token, node })),
    missed: new Map(once.map(({ id, token }) => [id, token])),
  }
}
