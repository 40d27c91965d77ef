// What the times of faults say of a request.
import type { Span } from './evidence.ts'
import type { Asked } from './referee.ts'

/** The name of times at which a thread of a node had work and no core. */
export const STARVED = 'starved'

/** The name of times in which a new connection of a node waited until it was taken. */
export const QUEUED = 'queued'

/** A write of a request's outcome may lag behind it so long, ms. */
export const LAG = 1_000

/**
 * Faults, each made as long as what it left behind: where threads of nodes or this process wait for a core at its end, its aftermath lasts
 * until they no longer do. `behind`: the times at which they did.
 */
export const stretched = (faults: readonly Span[], behind: readonly Span[]): Span[] => {
  const inOrder = behind.toSorted((x, y) => x.from - y.from)
  return faults.map((fault) => {
    let { to } = fault
    for (const late of inOrder) if (late.from <= to + LAG && late.to > to && late.to > fault.from) to = late.to
    return { ...fault, to }
  })
}

/** Whether a request's node was frozen or cut off when it was sent, or had been a moment before. */
export const doubted = (spans: readonly Span[], { node, at, status }: Pick<Asked, 'node' | 'at' | 'status'>): boolean =>
  spans.some(
    ({ doubts, from, to, unanswered = false }) =>
      (doubts === 'all' || doubts.includes(node)) && at >= from && at <= to + LAG && (!unanswered || status === 0),
  )
