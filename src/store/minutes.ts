// What the tasks of each service came to, by the minute: counted in memory, and written now and then.
import { randomUUID } from 'node:crypto'
import type { Query } from './database.ts'
import type { SettleEntry } from './fenced.ts'
import { routineOf } from './routine.ts'

/** What is counted. */
const COUNTED = ['created', 'complete', 'failed'] as const
type Counts = Record<(typeof COUNTED)[number], number>

const ARRAYS = COUNTED.map((_, i) => `$${i + 4}::integer[]`).join(', ')

// The numbers are those of the whole minute so far, so a statement whose answer was lost can be sent again.
const WRITE = `
  with written as (
    insert into minutes (minute, node, service, ${COUNTED.join(', ')})
    select $1::timestamptz, $2::uuid, w.* from unnest($3::text[], ${ARRAYS}) w
    on conflict (minute, service, node) do update set ${COUNTED.map((name) => `${name} = excluded.${name}`).join(', ')}
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

/** The counts of one node. */
export class Minutes {
  readonly #query: Query
  readonly #node = randomUUID()
  readonly #counts = new Map<string, Counts>()
  /** The minute that is counted, by Postgres' clock; undefined: not known. */
  #minute: string | undefined

  constructor(query: Query) {
    this.#query = query
  }

  /** Counts a task of a service. */
  count(what: keyof Counts, service: string): void {
    let counts = this.#counts.get(service)
    if (!counts) this.#counts.set(service, (counts = { created: 0, complete: 0, failed: 0 }))
    counts[what] += 1
  }

  /** Counts the end of a task that was written. */
  ended({ service, status }: Pick<SettleEntry, 'service' | 'status'>): void {
    if (service !== undefined) this.count(status, service)
  }

  /** Counts tasks that were created, unless they existed, and returns them. */
  created<Tasks extends readonly (Named & { readonly existing?: boolean | null })[]>(tasks: Tasks): Tasks {
    for (const { service, existing } of tasks) if (service !== null && existing !== true) this.count('created', service)
    return tasks
  }

  /** Counts tasks that have ended as failed, unless a task says that it has not, and returns them. */
  failed<Tasks extends readonly (Named & { readonly failed?: boolean })[]>(tasks: Tasks): Tasks {
    for (const { service, failed } of tasks) if (service !== null && failed !== false) this.count('failed', service)
    return tasks
  }

  /** Writes what was counted; what comes at the turn of a minute may count for the minute before. Throws a `StoreError`. */
  async write(): Promise<void> {
    if (this.#counts.size === 0) return
    this.#minute ??= (await this.#query<{ minute: string }>(`select date_trunc('minute', now()) as minute`))[0]?.minute
    const sent = [...this.#counts].map(([service, counts]) => ({ service, ...counts }))
    const columns = (['service', ...COUNTED] as const).map((name) => sent.map((row) => row[name]))
    const [answer] = await this.#query<{ minute: string }>(WRITE, [this.#minute, this.#node, ...columns])
    if (answer?.minute === this.#minute) return
    // That minute is over. What was counted since the statement was sent is of the next.
    for (const { service, ...counts } of sent) {
      const left = this.#counts.get(service)
      if (!left) continue
      for (const name of COUNTED) left[name] -= counts[name]
      if (COUNTED.every((name) => left[name] === 0)) this.#counts.delete(service)
    }
    this.#minute = this.#counts.size === 0 ? undefined : answer?.minute
  }

  /** Deletes minutes that are older than 48 hours. Tells whether there may be more. Throws a `StoreError`. */
  async forget(): Promise<boolean> {
    const [row] = await this.#query<{ deleted: string }>(FORGET_MINUTES.call)
    return Number(row?.deleted ?? 0) >= BATCH
  }
}
