// What the times of faults say of a request.
import type { Span } from './evidence.ts'
import type { Asked } from './referee.ts'

/** A write of a request's outcome may lag behind it so long, ms. */
export const LAG = 1_000

/** Whether a request's node was frozen or cut off when it was sent, or had been a moment before. */
export const doubted = (spans: readonly Span[], { node, at, status }: Pick<Asked, 'node' | 'at' | 'status'>): boolean =>
  spans.some(
    ({ doubts, from, to, unanswered = false }) =>
      (doubts === 'all' || doubts.includes(node)) && at >= from && at <= to + LAG && (!unanswered || status === 0),
  )
