// What a verb told its caller, as a value.
import { Refusal, type RefusalCode } from '../../src/core/refusal.ts'
import type { ClaimedRow } from '../../src/store/claimed.ts'
import { StoreError, type Trouble } from '../../src/store/trouble.ts'

export type Report =
  | { readonly kind: 'written' | 'lost' | 'done' }
  /** A new task, the ids that were pushed, and whether its node was told that it has it. */
  | { readonly kind: 'created'; readonly id: string; readonly pushed: readonly string[]; readonly taken: boolean }
  /** What a POST has created, or found, and the ids that were pushed. */
  | {
      readonly kind: 'made'
      readonly id: string
      readonly existing: boolean
      readonly replayed: boolean
      readonly pushed: readonly string[]
    }
  /** A cancellation: whether there was one to cancel, and the nodes that were given a cancel notice. */
  | { readonly kind: 'cancelled'; readonly removed: boolean; readonly notified: readonly string[] }
  | { readonly kind: 'claimed'; readonly rows: readonly ClaimedRow[] }
  | { readonly kind: 'holds'; readonly held: readonly { readonly id: string; readonly token: number }[] }
  | { readonly kind: 'beat'; readonly held: boolean | undefined }
  | { readonly kind: 'expired'; readonly ids: readonly string[] }
  | { readonly kind: 'failed'; readonly because: Trouble | RefusalCode }

/** A call's report, where it may end in a refusal or in trouble of the store; any other error is thrown. */
export async function reported(call: Promise<Report>): Promise<Report> {
  try {
    return await call
  } catch (error) {
    if (error instanceof Refusal) return { kind: 'failed', because: error.code }
    if (error instanceof StoreError) return { kind: 'failed', because: error.trouble }
    throw error
  }
}
