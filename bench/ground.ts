// A table of so many rows to measure on: filled by SQL, mostly with ended tasks of many services, the last of them pending.
import { randomUUID } from 'node:crypto'
import { migrate } from '../src/store/migrate.ts'
import { Store } from '../src/store/store.ts'
import { silentLog } from '../src/telemetry/log.ts'
import type { Engines, OwnDatabase } from './engines.ts'
import { partition } from './partitions.ts'

export const SERVICES = 20
/** One row in so many has failed. */
export const RARITY = 50
/** One row in so many has labels: `kind` is the same for all of them, `run` for one in `RUNS`. */
export const LABELLED = 10
export const RUNS = 50
/** Rows that have not ended, whatever the size of the table. */
export const PENDING = 5_000
const FILL_AT_ONCE = 500_000
/** The node of the bench holds its lease for all of the run, ms. */
const LEASE = 3 * 3_600_000

/** A table, and a node that works on it. */
export interface Ground {
  readonly rows: number
  /** Partitions of the table; 0: it is a plain table, as the product has it. */
  readonly partitions: number
  readonly store: Store
  readonly database: OwnDatabase
  readonly node: string
  /** How many rows have ended; their ids are the lowest. */
  readonly ended: number
}

/** Makes a database with a table of so many rows, in so many partitions. */
export async function openGround(engines: Engines, rows: number, partitions: number): Promise<Ground> {
  const database = await engines.database()
  await migrate(database.url)
  if (partitions > 0) await partition(database, rows, partitions)
  const ended = rows - PENDING
  await fill(database, ended)
  const store = new Store({ url: database.url, log: silentLog() })
  await store.start()
  const node = randomUUID()
  await store.enroll({ id: node, name: 'bench', services: [] }, LEASE)
  return { rows, partitions, database, ended, store, node }
}

export async function closeGround({ store, database }: Ground): Promise<void> {
  await store.stop()
  await database.drop()
}

/** Deletes what was added since the table was filled, and what is dead in its indexes: autovacuum comes earlier to a small table. */
export async function tidy({ database, rows }: Ground): Promise<void> {
  await database.run('delete from tasks where id > $1', [rows])
  await database.run('vacuum (index_cleanup on) tasks')
}

/** Some rows have failed, some have labels, one in seven has a rare action. */
async function fill(database: OwnDatabase, ended: number): Promise<void> {
  // An index is made faster at the end than row by row.
  const indexes = await database.run(
    `select indexname as name, indexdef as sql from pg_indexes where tablename = 'tasks' and indexname <> 'tasks_pkey'`,
  )
  for (const { name } of indexes) await database.run(`drop index ${String(name)}`)
  for (let from = 1; from <= ended; from += FILL_AT_ONCE)
    await database.run(
      `insert into tasks (key, service, action, payload, payload_bytes, step, attempt, status, started_at, finished_at, result, error, labels)
       select gen_random_uuid(), 's' || i % ${SERVICES}, case when i % 7 = 0 then 'rare' else 'usual' end, '{"n":1}', 7, 1, 1,
         case when i % ${RARITY} = 0 then 'failed' else 'complete' end, now(), now(), '{"ok":true}',
         case when i % ${RARITY} = 0 then '{"code":"service_error"}'::json end,
         case when i % ${LABELLED} = 0 then json_build_object('kind', 'x', 'run', (i / ${LABELLED} % ${RUNS})::text)::jsonb end
       from generate_series($1::bigint, $2::bigint) i`,
      [from, Math.min(ended, from + FILL_AT_ONCE - 1)],
    )
  await database.run(
    `insert into tasks (key, service, action, payload, payload_bytes)
     select gen_random_uuid(), 's' || i % ${SERVICES}, 'usual', '{"n":1}', 7 from generate_series(1, ${PENDING}) i`,
  )
  for (const { sql } of indexes) await database.run(String(sql).replace(' ONLY ', ' '))
  await database.run(
    `insert into task_labels select named.key || '=' || named.value, id
     from tasks cross join lateral jsonb_each_text(labels) named where labels is not null`,
  )
  await database.run(
    `insert into attempts (task, step, attempt, started_at, ms, node, outcome)
     select id, 0, 1, now(), 12, '10.0.0.1:3000', '503' from tasks where labels is not null`,
  )
  await database.run('vacuum analyze tasks, task_labels, attempts')
}
