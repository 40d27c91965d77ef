// What is watched while a run goes on: the ends of tasks as they come, and which nodes are ready.
import { setTimeout as passed } from 'node:timers/promises'
import { ROWS, type Row, type Span } from './evidence.ts'
import type { Member } from './member.ts'
import type { OwnPostgres } from './servers.ts'

/** How often ended rows are looked at, ms. */
const ENDS = 500
/** How often a load balancer looks at `/readyz`, ms: within the time that a stopping node still serves. */
const READY = 50

/** Remembers each end as it is first seen, until it is told to stop. */
export async function watchEnds(postgres: OwnPostgres, ends: Map<string, string>, stop: AbortSignal): Promise<void> {
  let since = new Date(0).toISOString()
  while (!stop.aborted) {
    const rows = await postgres.sql<Row & { finished: string }>(
      `select *, to_char(now() - interval '5 seconds', 'YYYY-MM-DD"T"HH24:MI:SS.MSOF') as finished from (${ROWS} where finished_at >= $1) r`,
      [since],
    )
    for (const { id, end } of rows) if (!ends.has(id)) ends.set(id, end)
    since = rows[0]?.finished ?? since
    await passed(ENDS, undefined, { signal: stop }).catch(() => undefined)
  }
}

/** How often this process looks whether it is late, ms, and from what on it is. */
const TICK = 50
const LATE = 150

/**
 * Marks the times at which this process could not keep up: callers, referee and proxies share its thread, so that what passes between
 * nodes and servers is late too. That excuses no repeat; a cancellation may take the time that it takes without its hint.
 */
export async function watchLateness(spans: Span[], stop: AbortSignal): Promise<void> {
  for (let last = Date.now(); !stop.aborted; last = Date.now()) {
    await passed(TICK, undefined, { signal: stop }).catch(() => undefined)
    if (Date.now() - last < TICK + LATE) continue
    spans.push({ name: 'late', from: last, to: Date.now(), excuses: false, doubts: [], cancelWithin: 3_000 })
  }
}

/** Whether a node's `/readyz` says 200. */
const isReady = ({ url }: Member): Promise<boolean> =>
  fetch(`${url}/readyz`).then(
    ({ ok }) => ok,
    () => false,
  )

/** Waits until a node is ready; throws when it never is. */
export async function untilReady(member: Member, ms = 60_000): Promise<void> {
  for (const end = performance.now() + ms; !(await isReady(member)); await passed(READY))
    if (performance.now() > end) throw new Error(`${member.name} was not ready within ${ms} ms`)
}

/** Asks a node again and again whether it is ready, and keeps it in `unready` while it is not. */
export async function watchReady(member: Member, unready: Set<Member>, stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    if (await isReady(member)) unready.delete(member)
    else unready.add(member)
    await passed(READY)
  }
}
