// What the judge says of a deleted task: what may still be begun after its DELETE, and how soon it must be over.
import type { Span } from './evidence.ts'
import type { Entry } from './ledger.ts'
import type { Asked } from './referee.ts'
import { LAG, QUEUED, STARVED, doubted } from './spans.ts'

/** What the contract allows between a 204 and the last request, ms, where no fault is about. */
const BOUND = 1_000
/** A fault may make the way of a cancellation longer for so long after it, ms. */
const AFTER = 5_000
/** What arrives late by the machine's own business, ms. */
const SLACK = 300
/** Between two looks at a queue, and in a queue that is too short to be told of, pass at most so many ms. */
const LOOK = 300

/** Breaches: a request begun too late, more than the one that was already authorised, one that was not cut off. */
export function cancelled(
  { deletedAt, deletedBy, location }: Entry,
  own: readonly Asked[],
  spans: readonly Span[],
): string[] {
  if (deletedAt === undefined || location !== `/tasks/${own[0]?.id}`) return []
  const bound = boundAt(deletedAt, spans)
  const after = own.filter((asked) => sentAt(asked, spans) > deletedAt && !doubted(spans, asked))
  const late = after.find((asked) => withCores(deletedAt, sentAt(asked, spans), spans) > bound + SLACK)
  // The one that was begun behind it too is cut off, as soon after its beginning.
  const open = own.find((asked) => {
    const from = Math.max(asked.at, deletedAt)
    return withCores(from, asked.end ?? Infinity, spans) > bound + SLACK && !doubted(spans, { ...asked, at: from })
  })
  const requests = `its requests: ${told(own, deletedAt)}`
  return [
    ...(late
      ? [
          `${location} was asked ${late.at - deletedAt} ms after its DELETE (bound ${bound} ms) by ${deletedBy}; ${requests}`,
        ]
      : []),
    ...(open
      ? [`${location} was still being asked ${(open.end ?? Infinity) - deletedAt} ms after its DELETE; ${requests}`]
      : []),
    ...(after.length > 1 ? [`${location} was asked ${after.length} times after its DELETE; ${requests}`] : []),
  ]
}

/**
 * When a request was sent at the earliest: a queue of new connections keeps its order. So a request that is read while a look waits in its
 * node's queue was sent after the look before it.
 */
function sentAt({ node, at }: Asked, spans: readonly Span[]): number {
  const looks = spans.filter(({ name, of }) => name === QUEUED && of === node)
  const waits = looks.find(({ from, to }) => at >= from && at <= to)
  const before = looks.find(({ to }) => to < (waits?.to ?? at + 1) && to >= (waits?.from ?? at) - LOOK)
  return Math.min(before?.from ?? at, waits ? waits.from - LOOK : at)
}

/** How much of a time the threads of nodes had their cores, ms: a node that has none can do nothing. */
function withCores(from: number, to: number, spans: readonly Span[]): number {
  const starved = spans.filter(({ name }) => name === STARVED)
  return starved.reduce((ms, span) => ms - Math.max(0, Math.min(to, span.to) - Math.max(from, span.from)), to - from)
}

function boundAt(at: number, spans: readonly Span[]): number {
  const near = spans.filter(({ from, to }) => at >= from - LAG && at <= to + AFTER)
  return Math.max(BOUND, ...near.map(({ cancelWithin }) => cancelWithin))
}

/** Requests in short, their times counted from `zero`. */
const told = (own: readonly Asked[], zero: number): string =>
  own
    .map(
      ({ node, step, attempt, at, end, status }) =>
        `${node} ${step}.${attempt} ${at - zero}..${(end ?? 0) - zero} ms ${status}`,
    )
    .join(', ')
