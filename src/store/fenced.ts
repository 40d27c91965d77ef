// Writes the reports of actors. Each write is fenced by its claim. One statement writes many rows, and locks the rows in the order of ids.
import type { Attempt } from '../core/attempts.ts'
import type { FailureCode } from '../core/failures.ts'
import type { Query } from './database.ts'
import { type Routine, routineOf } from './routine.ts'
import { closeReport, type Sealing } from './sealed.ts'
import { withId } from './sql.ts'

/** A claim. A write changes the row only while the row has this token and this node, and is still running. */
export interface ClaimRef {
  readonly id: string
  readonly token: number
  readonly node: string
  /** The UUID of the task, for which the write is sealed. Absent where nothing of it can be. */
  readonly key?: string | undefined
}

/** `lost`: the row has another claim by now or has ended, and nothing was changed. */
export type Written = 'written' | 'lost'

/** A column of the entries of a write. */
interface Column<Entry> {
  readonly name: string
  readonly type: string
  value(entry: Entry): unknown
}

/** One kind of fenced write: its columns besides the fence, the columns that it sets, and its own guard. */
export interface Kind<Entry extends Reported> {
  readonly name: string
  readonly columns: readonly Column<Entry>[]
  readonly set: string
  readonly guard?: string
  /** After an unknown outcome: whether the row shows that the write was applied. Absent: a second write does no harm. */
  applied?(row: Row, entry: Entry): boolean
}

/** A row that is read after an unknown outcome. */
interface Row {
  readonly id: string
  readonly token: string
  readonly step: number
  readonly attempt: number
  readonly status: string
}

/** A report that the log may keep something of. */
interface Reported extends ClaimRef {
  readonly tried?: Attempt | undefined
  /** How many states are kept; absent: none. */
  readonly keep?: number | undefined
}
interface CheckpointEntry extends Reported {
  readonly step: number
  readonly state: string | null
  readonly repeats: number
  readonly wait: number | null
}
interface RetryEntry extends Reported {
  readonly attempt: number
  readonly error: string
}
interface ParkEntry extends Reported {
  readonly wait: number
  /** Failed tries: 1, or 0 where the try does not count. */
  readonly fails: number
  readonly error: string
}
export interface SettleEntry extends Reported {
  /** Whose end is counted; absent: nobody's. */
  readonly service?: string | undefined
  readonly status: 'complete' | 'failed'
  /** Why it failed, for the count. */
  readonly code?: FailureCode | undefined
  readonly step: number | null
  readonly result: string | null
  readonly omitted: boolean
  readonly error: string | null
  /** Whether one more failed try ends the task. */
  readonly counts?: boolean
}

const later = (column: string): string => `now() + ${column} * interval '1 millisecond'`

/** A grant ends with the claim: the next request takes its turn. Of a service without a limit the column stays null. */
const WAITS_ITS_TURN = 'granted = case when t.granted then false else t.granted end'

const checkpoint: Kind<CheckpointEntry> = {
  name: 'checkpoint',
  columns: [
    { name: 'step', type: 'integer', value: (entry) => entry.step },
    { name: 'state', type: 'json', value: (entry) => entry.state },
    { name: 'repeats', type: 'integer', value: (entry) => entry.repeats },
    { name: 'wait', type: 'double precision', value: (entry) => entry.wait },
  ],
  guard: 't.step = w.step',
  set: `step = t.step + 1, state = coalesce(w.state, t.state), repeats = w.repeats, fails = 0, crashes = 0,
        attempt = case when w.wait is null then 1 else 0 end,
        node = case when w.wait is null then t.node end,
        run_at = case when w.wait is null then t.run_at else ${later('w.wait')} end,
        granted = case when t.granted and w.wait is not null then false else t.granted end`,
  applied: (row, entry) => row.step === entry.step + 1,
}

const retry: Kind<RetryEntry> = {
  name: 'retry',
  columns: [
    { name: 'attempt', type: 'integer', value: (entry) => entry.attempt },
    { name: 'error', type: 'json', value: (entry) => entry.error },
  ],
  guard: 't.attempt = w.attempt',
  set: 'attempt = t.attempt + 1, fails = t.fails + 1, error = w.error',
  applied: (row, entry) => row.attempt === entry.attempt + 1,
}

const park: Kind<ParkEntry> = {
  name: 'park',
  columns: [
    { name: 'wait', type: 'double precision', value: (entry) => entry.wait },
    { name: 'fails', type: 'integer', value: (entry) => entry.fails },
    { name: 'error', type: 'json', value: (entry) => entry.error },
  ],
  set: `fails = t.fails + w.fails, node = null, run_at = ${later('w.wait')}, error = w.error, ${WAITS_ITS_TURN}`,
}

const settle: Kind<SettleEntry> = {
  name: 'settle',
  columns: [
    { name: 'status', type: 'text', value: (entry) => entry.status },
    { name: 'step', type: 'integer', value: (entry) => entry.step },
    { name: 'result', type: 'json', value: (entry) => entry.result },
    { name: 'omitted', type: 'boolean', value: (entry) => entry.omitted },
    { name: 'error', type: 'json', value: (entry) => entry.error },
    { name: 'counts', type: 'boolean', value: (entry) => entry.counts ?? false },
  ],
  set: `status = w.status, fails = t.fails + w.counts::integer, step = coalesce(w.step, t.step), result = w.result, result_omitted = w.omitted,
        error = coalesce(w.error, t.error), node = null, finished_at = now()`,
  applied: (row, entry) => row.status === entry.status,
}

// The task keeps its place in the order.
const release: Kind<ClaimRef> = {
  name: 'release',
  columns: [],
  set: `node = null, run_at = least(t.run_at, now()), ${WAITS_ITS_TURN}`,
}

export const FENCED = { checkpoint, retry, park, settle, release } as const

/** What the log keeps of a try, as columns of any write. */
const TRIED: readonly Column<Reported>[] = [
  { name: 'tried_step', type: 'integer', value: ({ tried }) => tried?.step ?? null },
  { name: 'tried_attempt', type: 'integer', value: ({ tried }) => tried?.attempt ?? null },
  { name: 'ms', type: 'integer', value: ({ tried }) => tried?.ms ?? null },
  { name: 'outcome', type: 'text', value: ({ tried }) => tried?.outcome ?? null },
  { name: 'detail', type: 'text', value: ({ tried }) => tried?.detail ?? null },
  { name: 'wait_ms', type: 'double precision', value: ({ tried }) => tried?.wait ?? null },
  { name: 'body', type: 'text', value: ({ tried }) => tried?.body ?? null },
  { name: 'keep', type: 'integer', value: ({ keep }) => keep ?? null },
]

/** The statements of each kind: of reports alone, and of those that the log keeps something of. */
export const FENCED_WRITES = Object.fromEntries(
  Object.values(FENCED).flatMap((kind) => [
    [kind.name, routineOfKind(kind as Kind<never>, false)],
    [loggedName(kind.name), routineOfKind(kind as Kind<never>, true)],
  ]),
)

function loggedName(name: string): string {
  return `${name}_logged`
}

/**
 * Makes the flush of one kind: one statement, and after an unknown outcome a second one that reads (and locks, as `FIND`) the rows not written.
 * @param told is called with each entry that was written
 */
export function fencedFlush<Entry extends Reported>(by: Sealing, kind: Kind<Entry>, told?: (entry: Entry) => void) {
  return async (entries: readonly Entry[], again: boolean): Promise<Written[]> => {
    // Most have nothing for the log, and cost what they would without one.
    const logged = entries.some(({ tried }) => tried !== undefined)
    const { call } = FENCED_WRITES[logged ? loggedName(kind.name) : kind.name] as Routine
    const stored = entries.map((entry) => closeReport(by.seals, entry))
    const values = [
      entries.map(({ id }) => id),
      entries.map(({ token }) => token),
      entries.map(({ node }) => node),
      ...[...kind.columns, ...(logged ? TRIED : [])].map(({ value }) => stored.map(value)),
    ]
    const rows = await by.query<{ place: string }>(call, values)
    const written = new Set(rows.map(({ place }) => entries[Number(place) - 1]))
    const missing = entries.filter((entry) => !written.has(entry))
    if (again && missing.length > 0 && kind.applied)
      for (const entry of await applied(by.query, kind, missing)) written.add(entry)
    return entries.map((entry) => {
      if (!written.has(entry)) return 'lost'
      told?.(entry)
      return 'written'
    })
  }
}

function routineOfKind<Entry extends Reported>(
  { name, columns: own, set, guard }: Kind<Entry>,
  logged: boolean,
): Routine {
  const columns: readonly Column<Entry>[] = logged ? [...own, ...TRIED] : own
  const names = ['id', 'token', 'node', ...columns.map((column) => column.name)]
  const types = ['bigint[]', 'bigint[]', 'uuid[]', ...columns.map(({ type }) => `${type}[]`)]
  const given = types.map((_, i) => `$${i + 1}`)
  // A batch may hold entries of two claims of one row; each entry is matched by its own claim and gets its own result.
  // The update locks the rows in the order of ids: the planner can only loop over the sorted entries (see sql.ts).
  const update = `
    update tasks t set ${set}
    from (select * from unnest(${given.join(', ')}) with ordinality as w(${names.join(', ')}, place) order by id) w
    where ${withId('w.id')}
      and t.token = w.token and t.node is not distinct from w.node and t.status is not distinct from 'running'
      ${guard ? `and ${guard}` : ''}`
  if (!logged) return routineOf({ name, types, returns: 'place bigint', sql: `${update}\n    returning w.place` })
  const kept = TRIED.map((column) => `w.${column.name}`).join(', ')
  const sql = `
  with done as (${update}
    returning w.place, t.id, w.node, ${kept}, case when w.keep > 0 then coalesce(t.state, t.payload) end as state),
  kept as (
    insert into attempts (task, step, attempt, started_at, ms, node, outcome, detail, wait_ms, body, state)
    select d.id, d.tried_step, d.tried_attempt, now() - d.ms * interval '1 millisecond', d.ms,
      (select n.name from nodes n where n.id = d.node), d.outcome, d.detail, d.wait_ms, d.body, d.state
    from done d where d.outcome is not null
  ),
  forgotten as (
    update attempts a set state = null from done d
    where d.keep > 0 and a.task = any(array[d.id]) and a.step <= d.tried_step - d.keep and a.state is not null
  )
  select place from done`
  return routineOf({ name: loggedName(name), types, returns: 'place bigint', sql })
}

async function applied<Entry extends Reported>(
  query: Query,
  kind: Kind<Entry>,
  entries: readonly Entry[],
): Promise<Entry[]> {
  const sql = 'select id, token, step, attempt, status from tasks where id = any($1) order by id for key share'
  const rows = await query<Row>(sql, [entries.map(({ id }) => id)])
  const byId = new Map(rows.map((row) => [row.id, row]))
  return entries.filter((entry) => {
    const row = byId.get(entry.id)
    return row?.token === String(entry.token) && kind.applied?.(row, entry)
  })
}
