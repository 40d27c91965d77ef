// What holds for a service on all nodes: its pause, its gate and its limit, one row each. Those that hold nothing need no row.
import type { Limit } from '../core/limit.ts'
import type { Connections } from './connections.ts'
import { refuse } from './refuse.ts'

/** A service's state, as of now. */
export interface ServiceState {
  readonly service: string
  /** RFC 3339; null: not paused. */
  readonly pausedAt: string | null
  readonly pausedBy: string | null
  readonly reason: string | null
  /** Milliseconds until its gate opens; 0 or less: one request goes alone. Null: no gate. */
  readonly gatedFor: number | null
  /** The answer that has closed it. */
  readonly gatedBy: string | null
  /** Set at run time, in place of the file's. */
  readonly limit: Limit | null
  /** Failed ends in a row, where the service pauses itself. */
  readonly failedInRow: number
}

/** Ends of a service's tasks on one node since its last beat. */
export interface Ends {
  readonly service: string
  /** Failed ends since the last complete one, or in all where there was none. */
  readonly failed: number
  readonly completed: boolean
  /** So many failed ends in a row pause the service. */
  readonly most: number
  /** Of the last failure. */
  readonly reason: string
}

/**
 * What callers and nodes ask of the states of services. Those of callers throw a `Refusal`, those of nodes a `StoreError`. Whoever changes
 * a state gets the ids of the live nodes, to tell them.
 */
export interface ServiceStates {
  readonly read: () => Promise<ServiceState[]>
  /** For callers: pauses a service; paused before, it keeps its time. */
  readonly pause: (service: string, by: string, reason: string | null) => Promise<string[]>
  /** For callers: ends pause and gate. */
  readonly resume: (service: string) => Promise<string[]>
  /** For callers: a limit in place of the file's; null: the file's counts again. */
  readonly limit: (service: string, limit: Limit | null) => Promise<string[]>
  /** For nodes: closes the gate for so many ms, or leaves it closed for longer. `by`: the answer, for people. */
  readonly gate: (service: string, ms: number, by: string) => Promise<string[]>
  /** For nodes: opens a gate whose time is over, as the request that went alone was answered. */
  readonly open: (service: string) => Promise<string[]>
  /** For nodes: counts failed ends in a row, and pauses services that have too many. Nobody is told where none was paused. */
  readonly count: (ends: readonly Ends[]) => Promise<string[]>
}

/** Columns of no pause. */
const NO_PAUSE = 'paused_at = null, paused_by = null, pause_reason = null'
const NO_GATE = 'gated_until = null, gated_by = null'

const READ = `
  select service, to_char(paused_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as "pausedAt", paused_by as "pausedBy",
    pause_reason as reason, (extract(epoch from gated_until - now()) * 1000)::double precision as "gatedFor", gated_by as "gatedBy",
    limits as limit, failed_in_row as "failedInRow"
  from service_state`

const PAUSE = `
  insert into service_state as s (service, paused_at, paused_by, pause_reason) values ($1, now(), $2, $3)
  on conflict (service) do update set paused_at = coalesce(s.paused_at, now()), paused_by = $2, pause_reason = $3`

const RESUME = `update service_state set ${NO_PAUSE}, ${NO_GATE}, failed_in_row = 0 where service = $1`

const LIMIT = `
  insert into service_state as s (service, limits) values ($1, $2::jsonb) on conflict (service) do update set limits = excluded.limits`

const GATE = `
  insert into service_state as s (service, gated_until, gated_by) values ($1, now() + $2 * interval '1 millisecond', $3)
  on conflict (service) do update set gated_until = greatest(s.gated_until, excluded.gated_until), gated_by = $3`

const OPEN = `update service_state set ${NO_GATE} where service = $1 and gated_until <= now()`

const MAKE_ROWS = 'insert into service_state (service) select unnest($1::text[]) on conflict do nothing'
const COUNT = `
  update service_state s set failed_in_row = e.in_row, paused_at = case when e.pauses then now() else s.paused_at end,
    paused_by = case when e.pauses then 'task_api' else s.paused_by end, pause_reason = case when e.pauses then e.reason else s.pause_reason end
  from (
    select e.service, e.reason, total.in_row, total.in_row >= e.most and s.paused_at is null as pauses
    from unnest($1::text[], $2::integer[], $3::boolean[], $4::integer[], $5::text[]) e(service, failed, completed, most, reason)
      join service_state s on s.service = e.service
      cross join lateral (select case when e.completed then e.failed else s.failed_in_row + e.failed end as in_row) total
    order by e.service for update of s
  ) e
  where s.service = e.service returning e.pauses`

const NODES = 'select id from nodes where lease_until > now()'

/** The states of services, as one store asks for them. */
export function serviceStatesOn({ write, admit }: Pick<Connections, 'write' | 'admit'>): ServiceStates {
  const nodes = async (): Promise<string[]> => (await write<{ id: string }>(NODES)).map(({ id }) => id)
  const change = async (sql: string, values: readonly unknown[]): Promise<string[]> => {
    await write(sql, values)
    return nodes()
  }
  const asked = async (sql: string, values: readonly unknown[]): Promise<string[]> => {
    admit()
    return change(sql, values).catch(refuse)
  }
  return {
    read: () => write<ServiceState>(READ),
    pause: (service, by, reason) => asked(PAUSE, [service, by, reason]),
    resume: (service) => asked(RESUME, [service]),
    limit: (service, limit) => asked(LIMIT, [service, limit && JSON.stringify(limit)]),
    gate: (service, ms, by) => change(GATE, [service, ms, by]),
    open: (service) => change(OPEN, [service]),
    async count(ends) {
      const columns = (['service', 'failed', 'completed', 'most', 'reason'] as const).map((name) =>
        ends.map((end) => end[name]),
      )
      await write(MAKE_ROWS, [columns[0]])
      const counted = await write<{ pauses: boolean }>(COUNT, columns)
      return counted.some(({ pauses }) => pauses) ? nodes() : []
    },
  }
}
