// What is counted of a limited service: requests that were open at once, grants in a time, and how much of a limit was used.
import type { Limit } from '../../src/core/limit.ts'
import type { Span } from './evidence.ts'
import { LAG } from './spans.ts'

/** A request as the service saw it. Times are `Date.now()`. */
export interface Seen {
  readonly service: string
  readonly node: string
  readonly location: string
  readonly at: number
  end: number
}

/** A grant, in ms: when its claim arrived at Postgres, and when its row was written. Between them Postgres reckoned. */
export interface Grant {
  readonly since: number
  readonly at: number
}

/** A limit, and from when on it was in force. */
export interface Regime {
  readonly from: number
  readonly limit: Limit
}

/** A new limit binds what is granted so many ms after it was set; a request begins a moment after its grant. */
export const BINDS = 2_000 + LAG

/** How many requests may be open when one begins: what the limits of the time before allow. */
export const mostAt = (regimes: readonly Regime[], at: number): number =>
  regimes.reduce((most, { from, limit }, i) => {
    const to = regimes[i + 1]?.from ?? Infinity
    return from <= at && to >= at - BINDS ? Math.max(most, limit.concurrency ?? Infinity) : most
  }, 0)

/** Whether a node was frozen or cut off while its request was open: Postgres may have given its grant to another. */
const isDoubtful = ({ node, at, end }: Seen, spans: readonly Span[]): boolean =>
  spans.some(
    ({ name, of, doubts, from, to }) =>
      (doubts === 'all' || doubts.includes(node) || (of === node && name.startsWith('postgres '))) &&
      at <= to + LAG &&
      end + LAG >= from,
  )

/** Each request that began while as many were open as may be. Those of frozen or cut-off nodes do not count. */
export function tooMany(seen: readonly Seen[], regimes: readonly Regime[], spans: readonly Span[]): readonly string[] {
  const open = new Set<Seen>()
  return seen
    .filter((one) => !isDoubtful(one, spans))
    .toSorted((x, y) => x.at - y.at)
    .flatMap((one) => {
      for (const other of open) if (other.end <= one.at) open.delete(other)
      open.add(one)
      const most = mostAt(regimes, one.at)
      const when = new Date(one.at).toISOString()
      const whose = [...open].map(({ node, location }) => `${node} ${location}`).join(', ')
      return open.size > most ? [`${one.service}: ${open.size} open at ${when}, at most ${most}: ${whose}`] : []
    })
}

/** By how many the grants of the worst stretch of time exceed `burst` + rate x time; below 0: by none. `grants`: in the order of `at`. */
export function overdrawn(grants: readonly Grant[], perMs: number, burst: number): number {
  let least = Infinity
  let worst = -burst
  for (const [i, { since, at }] of grants.entries()) {
    least = Math.min(least, i - perMs * since)
    worst = Math.max(worst, i + 1 - perMs * at - least - burst)
  }
  return worst
}

/** The share of a limit that requests used from one time to another. */
export const used = (seen: readonly Seen[], limit: number, from: number, to: number): number =>
  seen.reduce((sum, { at, end }) => sum + Math.max(0, Math.min(end, to) - Math.max(at, from)), 0) /
  (limit * (to - from))
