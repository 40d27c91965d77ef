// Claim: a node makes rows its own, by popped ids or by sweeping, under a token of its own.
import { randomFillSync } from 'node:crypto'
import type { ClaimedRow, Orphan, Popped, SweepQuery } from '../store/claims.ts'
import type { Store } from '../store/store.ts'

/** A node as a claimant. */
export interface ClaimDependencies {
  readonly store: Pick<Store, 'claimIds' | 'claimDue' | 'revive'>
  readonly node: string
  readonly takesOver: boolean
  readonly voidFrom?: string
}

/** What to claim: ids that were popped, or whatever a sweep finds. */
export type Wanted = { readonly popped: readonly Popped[] } | { readonly sweep: SweepQuery }

/**
 * Makes tokens: 53 random bits each. No counter: after a failover of Postgres it could hand out the same number twice. They are drawn
 * many at a time, as one by one each costs 20 µs.
 */
export function tokens(): () => number {
  const drawn = new BigUint64Array(512)
  let left = 0
  return () => {
    if (left === 0) left = randomFillSync(drawn).length
    left -= 1
    return Number((drawn[left] as bigint) >> 11n)
  }
}

/** Claims what is claimable of it, by one statement under one token. Throws a `StoreError`. */
export function claim({ store, ...by }: ClaimDependencies, token: number, wanted: Wanted): Promise<ClaimedRow[]> {
  const claimant = { ...by, token }
  return 'popped' in wanted ? store.claimIds(claimant, wanted.popped) : store.claimDue(claimant, wanted.sweep)
}

/** Takes up again, as the next try, what a dead thread of this node ran; repeated, it counts no crash twice. Those missing are not ours any more. Throws a `StoreError`. */
export const revive = ({ store }: Pick<ClaimDependencies, 'store'>, claims: readonly Orphan[]): Promise<ClaimedRow[]> =>
  store.revive(claims)
