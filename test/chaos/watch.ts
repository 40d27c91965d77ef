// What is watched while a run goes on: the ends of tasks as they come, and which nodes are ready.
import { readFileSync, readdirSync } from 'node:fs'
import { request } from 'node:http'
import { setTimeout as passed } from 'node:timers/promises'
import { ROWS, type Row, type Span } from './evidence.ts'
import type { Member } from './member.ts'
import type { OwnPostgres } from './servers.ts'
import { QUEUED, STARVED } from './spans.ts'

/** How often ended rows are looked at, ms. */
const ENDS = 500
/** How often a load balancer looks at `/readyz`, ms: within the time that a stopping node still serves. */
const READY = 50
/** A node that takes longer to say whether it is ready is not, ms. */
const LONGEST_LOOK = 5_000

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
 * nodes and servers is late too. That excuses no repeat; a cancellation may take the time that it takes without its notice.
 */
export async function watchLateness(spans: Span[], stop: AbortSignal): Promise<void> {
  for (let last = Date.now(); !stop.aborted; last = Date.now()) {
    await passed(TICK, undefined, { signal: stop }).catch(() => undefined)
    if (Date.now() - last < TICK + LATE) continue
    spans.push({ name: 'late', from: last, to: Date.now(), excuses: false, doubts: [], cancelWithin: 3_000 })
  }
}

/** A question that no answer comes to, as where a link is cut, is given up on after so long, ms. */
const LONGEST_QUEUE = 20_000

/**
 * Marks the times in which a new connection of a node waits until this process takes it: Node takes one of a port at each turn of its
 * loop. A request may be read so much later than it was sent. That excuses no repeat by itself; it stretches the time of a fault.
 */
export async function watchQueue({ name, links }: Member, spans: Span[], stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    const from = Date.now()
    const taken = await isTaken(links.service.port, stop)
    if (taken && Date.now() - from >= TICK + LATE)
      spans.push({ name: QUEUED, of: name, from, to: Date.now(), excuses: false, doubts: [], cancelWithin: 3_000 })
    await passed(2 * TICK, undefined, { signal: stop }).catch(() => undefined)
  }
}

/** Resolves to true when a new connection of a port has been taken and answered. */
function isTaken(port: number, stop: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const signal = AbortSignal.any([stop, AbortSignal.timeout(LONGEST_QUEUE)])
    request({ port, host: '127.0.0.1', path: '/', agent: false, signal }, (response) => {
      response.resume()
      response.on('close', () => resolve(true))
    })
      .on('error', () => resolve(false))
      .end()
  })
}

/** How often the kernel is asked how long threads of nodes waited for a core, ms, and from what share of that time on they are starved. */
const ASKED = 500
const HALF = 0.5

/**
 * Marks the times at which a thread of a node had work and no core: the machine was too small for what the run does on it. That too
 * excuses no repeat, and gives a cancellation the time that it takes without its notice. Linux only.
 */
export async function watchStarvation(members: readonly Member[], spans: Span[], stop: AbortSignal): Promise<void> {
  let before = new Map<string, number>()
  for (let last = Date.now(); !stop.aborted; last = Date.now()) {
    await passed(ASKED, undefined, { signal: stop }).catch(() => undefined)
    const now = new Map(members.flatMap(({ process: { pid } }) => delaysOf(pid)))
    const most = Math.max(0, ...[...now].map(([thread, ms]) => ms - (before.get(thread) ?? 0)))
    if (most > HALF * (Date.now() - last))
      spans.push({ name: STARVED, from: last, to: Date.now(), excuses: false, doubts: [], cancelWithin: 3_000 })
    before = now
  }
}

/** How long each thread of a process has waited for a core since it began, ms. */
function delaysOf(pid: number): [string, number][] {
  try {
    return readdirSync(`/proc/${pid}/task`).map((thread) => {
      const [, delay] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')
      return [`${pid} ${thread}`, Number(delay) / 1e6]
    })
  } catch {
    // It has just ended.
    return []
  }
}

/** Whether a node's `/readyz` says 200. */
const isReady = ({ url }: Member): Promise<boolean> =>
  fetch(`${url}/readyz`, { signal: AbortSignal.timeout(LONGEST_LOOK) }).then(
    async (response) => {
      await response.body?.cancel()
      return response.ok
    },
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
