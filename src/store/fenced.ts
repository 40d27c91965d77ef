// Writes the reports of actors. Each write is fenced by its claim. One statement writes many rows, and locks the rows in the order of ids.
import type { Query } from './database.ts'
import { type Routine, routineOf } from './routine.ts'
import { withId } from './sql.ts'

/** A claim. A write changes the row only while the row has this token and this node, and is still running. */
export interface ClaimRef {
  readonly id: string
  readonly token: number
  readonly node: string
}

/** `lost`: the row has another claim by now or has ended, and nothing was changed. */
export type Written = 'written' | 'lost'

/** One kind of fenced write: its columns besides the fence, the columns that it sets, and its own guard. */
interface Kind<Entry extends ClaimRef> {
  readonly name: string
  readonly columns: readonly { readonly name: string; readonly type: string; value(entry: Entry): unknown }[]
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

interface CheckpointEntry extends ClaimRef {
  readonly step: number
  readonly state: string | null
  readonly repeats: number
  readonly wait: number | null
}
interface RetryEntry extends ClaimRef {
  readonly attempt: number
  readonly error: string
}
interface ParkEntry extends ClaimRef {
  readonly wait: number
  /** Failed tries: 1, or 0 where the try does not count. */
  readonly fails: number
  readonly error: string
}
export interface SettleEntry extends ClaimRef {
  readonly status: 'complete' | 'failed'
  readonly step: number | null
  readonly result: string | null
  readonly omitted: boolean
  readonly error: string | null
  /** Whether one more failed try ends the task. */
  readonly tried?: boolean
}

const later = (column: string): string => `now() + ${column} * interval '1 millisecond'`

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
        run_at = case when w.wait is null then t.run_at else ${later('w.wait')} end`,
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
  set: `fails = t.fails + w.fails, node = null, run_at = ${later('w.wait')}, error = w.error`,
}

const settle: Kind<SettleEntry> = {
  name: 'settle',
  columns: [
    { name: 'status', type: 'text', value: (entry) => entry.status },
    { name: 'step', type: 'integer', value: (entry) => entry.step },
    { name: 'result', type: 'json', value: (entry) => entry.result },
    { name: 'omitted', type: 'boolean', value: (entry) => entry.omitted },
    { name: 'error', type: 'json', value: (entry) => entry.error },
    { name: 'tried', type: 'boolean', value: (entry) => entry.tried ?? false },
  ],
  set: `status = w.status, fails = t.fails + w.tried::integer, step = coalesce(w.step, t.step), result = w.result, result_omitted = w.omitted,
        error = coalesce(w.error, t.error), node = null, finished_at = now()`,
  applied: (row, entry) => row.status === entry.status,
}

// The task keeps its place in the order.
const release: Kind<ClaimRef> = { name: 'release', columns: [], set: 'node = null, run_at = least(t.run_at, now())' }

export const FENCED = { checkpoint, retry, park, settle, release } as const

/** The statement of each kind. */
export const FENCED_WRITES = Object.fromEntries(
  Object.values(FENCED).map((kind) => [kind.name, routineOfKind(kind as Kind<never>)]),
)

/** Makes the flush of one kind: one statement, and after an unknown outcome a second one that reads the rows not written. */
export function fencedFlush<Entry extends ClaimRef>(query: Query, kind: Kind<Entry>) {
  const { call } = FENCED_WRITES[kind.name] as Routine
  return async (entries: readonly Entry[], again: boolean): Promise<Written[]> => {
    const values = [
      entries.map(({ id }) => id),
      entries.map(({ token }) => token),
      entries.map(({ node }) => node),
      ...kind.columns.map(({ value }) => entries.map(value)),
    ]
    const rows = await query<{ place: string }>(call, values)
    const written = new Set(rows.map(({ place }) => entries[Number(place) - 1]))
    const missing = entries.filter((entry) => !written.has(entry))
    if (again && missing.length > 0 && kind.applied)
      for (const entry of await applied(query, kind, missing)) written.add(entry)
    return entries.map((entry) => (written.has(entry) ? 'written' : 'lost'))
  }
}

function routineOfKind<Entry extends ClaimRef>({ name, columns, set, guard }: Kind<Entry>): Routine {
  const names = ['id', 'token', 'node', ...columns.map((column) => column.name)]
  const types = ['bigint[]', 'bigint[]', 'uuid[]', ...columns.map(({ type }) => `${type}[]`)]
  const given = types.map((_, i) => `$${i + 1}`)
  // A batch may hold entries of two claims of one row; each entry is matched by its own claim and gets its own result.
  // The update locks the rows in the order of ids: the planner can only loop over the sorted entries (see sql.ts).
  const sql = `
    update tasks t set ${set}
    from (select * from unnest(${given.join(', ')}) with ordinality as w(${names.join(', ')}, place) order by id) w
    where ${withId('w.id')}
      and t.token = w.token and t.node is not distinct from w.node and t.status is not distinct from 'running'
      ${guard ? `and ${guard}` : ''}
    returning w.place`
  return routineOf({ name, types, returns: 'place bigint', sql })
}

async function applied<Entry extends ClaimRef>(
  query: Query,
  kind: Kind<Entry>,
  entries: readonly Entry[],
): Promise<Entry[]> {
  const ids = entries.map(({ id }) => id)
  const rows = await query<Row>('select id, token, step, attempt, status from tasks where id = any($1::bigint[])', [
    ids,
  ])
  const byId = new Map(rows.map((row) => [row.id, row]))
  return entries.filter((entry) => {
    const row = byId.get(entry.id)
    return row?.token === String(entry.token) && kind.applied?.(row, entry)
  })
}
