// Retry: the same step once more, soon. The write is also the question whether the claim still holds.
import type { Retry } from '../core/messages.ts'
import type { ClaimRef, Written } from '../store/fenced.ts'
import type { Store } from '../store/store.ts'

/** Counts a failed try; the next one may be sent once this is written. */
export const retry = (
  { store }: { store: Pick<Store, 'retry'> },
  { id, token, node, key }: ClaimRef,
  { attempt, failure, tried }: Retry,
): Promise<Written> => store.retry.add({ id, token, node, key, attempt, error: JSON.stringify(failure), tried })
