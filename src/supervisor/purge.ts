// Purges tasks that ended long ago, a few in each turn, and counts them.
import { purgesAny, RETENTION_DEFAULTS, retainedBy, saysRetention } from '../core/retention.ts'
import type { Retention, Services } from '../core/service.ts'
import type { Timings } from '../core/timings.ts'
import { markOf, type Purged } from '../store/purges.ts'
import type { Store } from '../store/store.ts'
import type { Log } from '../telemetry/log.ts'
import type { Lease } from './lease.ts'

interface PurgeDependencies {
  readonly store: Pick<Store, 'purge' | 'retainsByDefault'>
  readonly lease: Pick<Lease, 'node'>
  readonly services: Services
  readonly timings: Timings
  readonly log: Log
}

/** How often a node looks for tasks to purge, ms; and for so many looks a node that purges keeps others from it. */
export const purgeEvery = ({ pass }: Timings): number => 10 * pass
const TURNS = 3
/** Tasks of a statement: the first, and the most. One that took longer than `long`, ms, is followed by a smaller one. */
const SIZE = { first: 50, most: 500, long: 50 }
/** Then all is looked for from its beginning again: rows that were locked, and ends that were committed late, ms. */
const MARKS_HOLD = 30_000
const HOUR_MS = 3_600_000
/** The services that a line of the log names. */
const MOST_NAMED = 20
/** What stands for services that the node does not know: their names are not bounded. */
const OTHERS = '(others)'

/** The purge of one node. Of all nodes one at a time deletes. */
export class Purging {
  /** What the services file says for all services. */
  retention: Retention
  /** Tasks that this node has purged, by service, since it started. */
  readonly purged = new Map<string, { complete: number; failed: number }>()
  readonly #by: PurgeDependencies
  #defaults: Retention | undefined
  #size = SIZE.first
  #marks: Record<string, string> = {}
  #marked = 0
  /** Since the last line of the log, and when that line and the first of these were. */
  #untold = new Map<string, number>()
  #told = -Infinity
  #since = 0

  constructor(retention: Retention, by: PurgeDependencies) {
    this.retention = retention
    this.#by = by
  }

  /** One statement; true: there may be more to purge. Throws a `StoreError`. */
  async run(): Promise<boolean> {
    const { store, lease, services, timings } = this.#by
    const retained = retainedBy(services, this.retention, (this.#defaults ??= await this.#readDefaults()))
    if (!purgesAny(retained)) return false
    const begun = performance.now()
    if (begun - this.#marked > MARKS_HOLD) [this.#marks, this.#marked] = [{}, begun]
    const [most, half] = [this.#size, Math.ceil(this.#size / 2)]
    // Where it fails, the time limit of a statement may be why.
    this.#size = half
    const turn = TURNS * purgeEvery(timings)
    const rows = await store.purge({ node: lease.node, turn, retained, marks: this.#marks, most })
    if (performance.now() - begun <= SIZE.long) this.#size = Math.min(most * 2, SIZE.most)
    for (const row of rows) this.#count(row)
    const more = rows.reduce((sum, { count }) => sum + count, 0) >= most
    this.#tell(performance.now(), more)
    return more
  }

  async #readDefaults(): Promise<Retention> {
    const { store, services, log } = this.#by
    if (await store.retainsByDefault()) return RETENTION_DEFAULTS
    if (!saysRetention(services, this.retention)) log.event('retention_not_set')
    return {}
  }

  #count(row: Purged): void {
    this.#marks[markOf(row)] = row.last
    const { status, count } = row
    const service = this.#by.services.has(row.service) ? row.service : OTHERS
    const counts = this.purged.get(service) ?? { complete: 0, failed: 0 }
    counts[status] += count
    this.purged.set(service, counts)
    if (this.#untold.size === 0) this.#since = performance.now()
    const untold = markOf({ service, status })
    this.#untold.set(untold, (this.#untold.get(untold) ?? 0) + count)
  }

  /** One line at the end of a run, or in a run that lasts; at most one an hour. */
  #tell(now: number, more: boolean): void {
    if (this.#untold.size === 0 || now - (more ? this.#since : this.#told) < HOUR_MS) return
    const most = [...this.#untold].toSorted(([, a], [, b]) => b - a)
    const purged = most.slice(0, MOST_NAMED).map(([name, count]) => `${name} ${count}`)
    this.#by.log.event('tasks_purged', { tasks: most.reduce((sum, [, count]) => sum + count, 0), purged })
    this.#untold = new Map()
    this.#told = now
  }
}
