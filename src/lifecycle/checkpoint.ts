// Checkpoint: an answer 206 becomes the payload of the next request, and is durable before that is sent.
import type { Checkpoint } from '../core/messages.ts'
import type { ClaimRef, Written } from '../store/fenced.ts'
import type { Store } from '../store/store.ts'

/** Records an answer 206; with a wait it also gives the claim back until then. */
export const checkpoint = (
  { store }: { store: Pick<Store, 'checkpoint'> },
  { id, token, node, key }: ClaimRef,
  { step, state, repeats, wait, keep, tried }: Checkpoint,
): Promise<Written> => store.checkpoint.add({ id, token, node, key, step, state, repeats, wait, keep, tried })
