// Claim: a node makes rows its own, under a token of its own.
import { randomFillSync } from 'node:crypto'
import type { ClaimedRow } from '../store/claimed.ts'
import type { ClaimQuery } from '../store/claims.ts'
import type { Orphan } from '../store/revivals.ts'
import type { Store } from '../store/store.ts'

/** A node as a claimant. */
export interface ClaimDependencies {
  readonly store: Pick<Store, 'claim' | 'revive'>
  readonly node: string
  readonly takesOver: boolean
  readonly validUntil?: string
}

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

/** Claims due rows by one statement. Throws a `StoreError`. */
export const claim = ({ store, ...by }: ClaimDependencies, token: number, asked: ClaimQuery): Promise<ClaimedRow[]> =>
  store.claim({ ...by, token }, asked)

/** Takes up again, as the next try, what a dead thread of this node ran; repeated, it counts no crash twice. Those missing are not ours any more. Throws a `StoreError`. */
export const revive = ({ store }: { store: Pick<Store, 'revive'> }, claims: readonly Orphan[]): Promise<ClaimedRow[]> =>
  store.revive(claims)
