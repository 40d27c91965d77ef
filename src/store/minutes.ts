// What the tasks of each service came to, by the minute: what was counted in memory is written now and then.
import { randomUUID } from 'node:crypto'
import { packed } from '../core/buckets.ts'
import type { FailureCode } from '../core/failures.ts'
import { Meters, type ServiceMeter } from '../telemetry/meters.ts'
import type { Query } from './database.ts'
import type { SettleEntry } from './fenced.ts'
import { routineOf } from './routine.ts'

/** The columns of a minute, and what each holds of the counts since its beginning. */
const COUNTS = ['created', 'complete', 'failed'] as const
const TIMES = ['queue', 'request'] as const
const COLUMNS = [...COUNTS, ...TIMES]

const ARRAYS = COLUMNS.map((_, i) => `$${i + 4}::${i < COUNTS.length ? 'integer' : 'text'}[]`).join(', ')
const WRITTEN = [...COUNTS.map((name) => `w.${name}`), ...TIMES.map((name) => `w.${name}::integer[]`)].join(', ')

// The numbers are those of the whole minute so far, so a statement whose answer was lost can be sent again.
const WRITE = `
  with written as (
    insert into minutes (minute, node, service, ${COLUMNS.join(', ')})
    select $1::timestamptz, $2::uuid, w.service, ${WRITTEN} from unnest($3::text[], ${ARRAYS}) w(service, ${COLUMNS.join(', ')})
    on conflict (minute, service, node) do update set ${COLUMNS.map((name) => `${name} = excluded.${name}`).join(', ')}
  )
  select date_trunc('minute', now()) as minute`

const KEPT = `interval '48 hours'`
const BATCH = 5_000

export const FORGET_MINUTES = routineOf({
  name: 'forget_minutes',
  types: [],
  returns: 'deleted bigint',
  ordered: true,
  sql: `
  with old as materialized (
    select minute, service, node from minutes where minute < now() - ${KEPT} order by minute, service, node limit ${BATCH} for update skip locked
  ),
  deleted as (
    delete from minutes m using old where m.minute = old.minute and m.service = old.service and m.node = old.node returning 1
  )
  select count(*) from deleted`,
})

interface Named {
  readonly service: string | null
}

/** What a service has counted, at one time. */
type Counts = Readonly<Record<(typeof COUNTS)[number], number> & Record<(typeof TIMES)[number], Float64Array>>

const countsOf = ({ created, complete, failed, queue, request }: ServiceMeter): Counts => ({
  created,
  complete,
  failed,
  queue: queue.counts.slice(),
  request: request.counts.slice(),
})

/** What was counted between two times; no `before`: since the start. */
const since = (now: Counts, before: Counts | undefined): Counts => {
  if (before === undefined) return now
  const less = (times: Float64Array, by: Float64Array): Float64Array => times.map((count, i) => count - (by[i] ?? 0))
  return {
    created: now.created - before.created,
    complete: now.complete - before.complete,
    failed: now.failed - before.failed,
    queue: less(now.queue, before.queue),
    request: less(now.request, before.request),
  }
}

const isNothing = (counts: Counts): boolean =>
  COUNTS.every((name) => counts[name] === 0) && TIMES.every((name) => counts[name].every((count) => count === 0))

/** An array of integers as its text in Postgres. */
const arrayText = (numbers: number[] | null): string | null => numbers && `{${numbers.join(',')}}`

/** The counts of one node. */
export class Minutes {
  readonly #query: Query
  readonly #node = randomUUID()
  readonly #meters: Meters
  /** What each service had counted when the minute began. */
  readonly #before = new Map<string, Counts>()
  /** The minute that is counted, by Postgres' clock; undefined: not known. */
  #minute: string | undefined

  /** @param meters where the counts are, also those of times */
  constructor(query: Query, meters = new Meters()) {
    this.#query = query
    this.#meters = meters
  }

  /** Counts a task of a service; `code`: why it failed. */
  count(what: (typeof COUNTS)[number], service: string, code: FailureCode | '' = ''): void {
    if (what === 'failed') this.#meters.failed(service, code)
    else this.#meters.services.of(service)[what] += 1
  }

  /** Counts the end of a task that was written. */
  ended({ service, status, code }: Pick<SettleEntry, 'service' | 'status' | 'code'>): void {
    if (service !== undefined) this.count(status, service, code)
  }

  /** Counts tasks that were created, unless they existed, and returns them. */
  created<Tasks extends readonly (Named & { readonly existing?: boolean | null })[]>(tasks: Tasks): Tasks {
    for (const { service, existing } of tasks) if (service !== null && existing !== true) this.count('created', service)
    return tasks
  }

  /** Counts tasks that have ended as failed, unless a task says that it has not, and returns them. */
  failed<Tasks extends readonly (Named & { readonly failed?: boolean })[]>(code: FailureCode, tasks: Tasks): Tasks {
    for (const { service, failed } of tasks)
      if (service !== null && failed !== false) this.count('failed', service, code)
    return tasks
  }

  /** What was counted since the minute began, by service, and what had been counted then. */
  #counted(): { readonly service: string; readonly now: Counts; readonly counts: Counts }[] {
    return [...this.#meters.services].flatMap(([service, meter]) => {
      const now = countsOf(meter)
      const counts = since(now, this.#before.get(service))
      return isNothing(counts) ? [] : [{ service, now, counts }]
    })
  }

  /** Writes what was counted; what comes at the turn of a minute may count for the minute before. Throws a `StoreError`. */
  async write(): Promise<void> {
    const sent = this.#counted()
    if (sent.length === 0) return
    this.#minute ??= (await this.#query<{ minute: string }>(`select date_trunc('minute', now()) as minute`))[0]?.minute
    const [answer] = await this.#query<{ minute: string }>(WRITE, [
      this.#minute,
      this.#node,
      sent.map(({ service }) => service),
      ...COUNTS.map((name) => sent.map(({ counts }) => counts[name])),
      ...TIMES.map((name) => sent.map(({ counts }) => arrayText(packed(counts[name])))),
    ])
    if (answer?.minute === this.#minute) return
    // That minute is over. What was counted since the statement was sent is of the next.
    for (const { service, now } of sent) this.#before.set(service, now)
    this.#minute = this.#counted().length === 0 ? undefined : answer?.minute
  }

  /** Deletes minutes that are older than 48 hours. Tells whether there may be more. Throws a `StoreError`. */
  async forget(): Promise<boolean> {
    const [row] = await this.#query<{ deleted: string }>(FORGET_MINUTES.call)
    return Number(row?.deleted ?? 0) >= BATCH
  }
}
