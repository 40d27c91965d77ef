// Sync: what this node believes it holds, against what Postgres says. It judges only what was settled before it asked.
import type { Fence } from '../store/fenced.ts'
import type { Store } from '../store/store.ts'
import type { Hands, Held } from './hands.ts'

export interface SyncDependencies {
  readonly store: Pick<Store, 'holdings'>
  readonly hands: Hands
  readonly node: string
  readonly epoch: number
}

/** What follows from a sync. */
export interface Judgement {
  /** Actors whose row is gone or has another token. */
  readonly stop: readonly Held[]
  /** Claims that were found good, and had been doubtful. */
  readonly confirm: readonly Held[]
  /** Rows that name this node and that nothing here belongs to, seen twice in a row. */
  readonly release: readonly Fence[]
  /** Rows seen so for the first time: id to token, for the next sync. */
  readonly missed: ReadonlyMap<string, number>
}

/** Asks Postgres and judges. `missed` is what the sync before had missed. Throws a `StoreError`. */
export async function sync(by: SyncDependencies, missed: ReadonlyMap<string, number>): Promise<Judgement> {
  const { store, hands, node, epoch } = by
  // What is not in this list was claimed after the question was sent: the answer knows nothing of it.
  const settled = hands.all().filter((held) => !held.writing && held.node === node)
  const inFlight = new Set(hands.inFlight.keys())
  const rows = await store.holdings(node)

  const tokens = new Map(rows.map(({ id, token }) => [id, token]))
  const asked = settled.filter((held) => hands.has(held) && !held.writing)
  const strays = rows.filter(
    ({ id, token }) => hands.get(id)?.token !== token && !inFlight.has(token) && !hands.inFlight.has(token),
  )
  return {
    stop: asked.filter(({ id, token }) => tokens.get(id) !== token),
    confirm: asked.filter((held) => tokens.get(held.id) === held.token && held.epoch < epoch),
    release: strays.filter(({ id, token }) => missed.get(id) === token).map(({ id, token }) => ({ id, token, node })),
    missed: new Map(strays.filter(({ id, token }) => missed.get(id) !== token).map(({ id, token }) => [id, token])),
  }
}
