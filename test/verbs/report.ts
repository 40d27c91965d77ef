// What a verb told its caller, as a value.
import { Refusal, type RefusalCode } from '../../src/core/refusal.ts'
import type { ClaimedRow } from '../../src/store/claims.ts'
import { StoreError, type Trouble } from '../../src/store/trouble.ts'

export type Report =
  | { readonly tell: 'written' | 'lost' | 'done' }
  /** A new task, the ids that were pushed, and whether its node was told that it has it. */
  | { readonly tell: 'created'; readonly id: string; readonly pushed: readonly string[]; readonly taken: boolean }
  /** A cancellation: whether there was one to cancel, and the nodes that were given a hint. */
  | { readonly tell: 'cancelled'; readonly removed: boolean; readonly hinted: readonly string[] }
  | { readonly tell: 'claimed'; readonly rows: readonly ClaimedRow[] }
  | { readonly tell: 'holds'; readonly held: readonly { readonly id: string; readonly token: number }[] }
  | { readonly tell: 'beat'; readonly held: boolean | undefined }
  | { readonly tell: 'expired'; readonly ids: readonly string[] }
  | { readonly tell: 'failed'; readonly because: Trouble | RefusalCode }

/** A call's report, where it may end in a refusal or in trouble of the store; any other error is thrown. */
export async function reported(call: Promise<Report>): Promise<Report> {
  try {
    return await call
  } catch (error) {
    if (error instanceof Refusal) return { tell: 'failed', because: error.code }
    if (error instanceof StoreError) return { tell: 'failed', because: error.trouble }
    throw error
  }
}
