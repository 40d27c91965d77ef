// A prototype that the product does not have: the table in partitions by id. And what it costs to be rid of old rows, either way.
import { readFile } from 'node:fs/promises'
import { cpuOf } from './processes.ts'
import { markOf } from '../src/store/purges.ts'
import type { OwnDatabase } from './engines.ts'
import type { Ground } from './ground.ts'

/** Replaces the empty table of a database by one in so many partitions, which so many rows fill evenly. */
export async function partition(database: OwnDatabase, rows: number, count: number): Promise<void> {
  const of = async (sql: string): Promise<string[]> => (await database.run(sql)).map(({ text }) => String(text))
  const indexes = await of(
    `select indexdef as text from pg_indexes where tablename = 'tasks' and indexname <> 'tasks_pkey'`,
  )
  const triggers = await of(
    `select pg_get_triggerdef(oid) as text from pg_trigger where tgrelid = 'tasks'::regclass and not tgisinternal`,
  )
  // The schema of the role's own name came after this connection.
  await database.run('set search_path = public')
  await database.run('alter table tasks rename to plain')
  await database.run('create table tasks (like plain including all excluding indexes) partition by range (id)')
  await database.run('drop table plain')
  const each = Math.ceil(rows / count)
  for (let i = 0; i < count; i += 1) {
    const to = i === count - 1 ? 'maxvalue' : String((i + 1) * each + 1)
    const from = i === 0 ? 'minvalue' : String(i * each + 1)
    await database.run(`create table tasks_${i} partition of tasks for values from (${from}) to (${to})`)
  }
  // A unique index over all partitions must have the id in it, and then says nothing of `unique`.
  const alone = /UNIQUE (?=INDEX tasks_unique )/
  for (const sql of indexes) await database.run(sql.replace(alone, ''))
  await database.run('alter table tasks add primary key (id)')
  for (const sql of triggers) await database.run(sql)
}

/** CPU time of all of Postgres' backends of a database so far, µs. */
export async function backendsOf(database: OwnDatabase): Promise<() => Promise<number>> {
  const rows = await database.run('select pid from pg_stat_activity where datname = current_database()')
  return async () => {
    const texts = await Promise.all(
      rows.map(({ pid }) => readFile(`/proc/${String(pid)}/schedstat`, 'utf8').catch(() => '0')),
    )
    return texts.reduce((sum, text) => sum + Number(text.split(' ')[0]) / 1_000, 0)
  }
}

/** Rows that are deleted to see what a purge costs. */
const PURGED = 100_000
const AT_ONCE = 500

/** What one row costs that goes: CPU and time, µs, and bytes of the log of Postgres. */
export interface Riddance {
  readonly how: string
  readonly cpu: number
  readonly took: number
  readonly wal: number
}

/** Purges old rows as a node does, and vacuums; of a table in partitions, drops the first one. */
export async function riddance(ground: Ground, postgres: number): Promise<Riddance[]> {
  const { database, store, node, partitions } = ground
  const cost = async (how: string, run: () => Promise<number>): Promise<Riddance> => {
    const wal = () => database.count(`select pg_current_wal_lsn() - '0/0' as count`)
    // All of Postgres: backends come and go, and checkpoints are part of the cost.
    const spent = (): number => cpuOf([postgres]) * 1_000
    const [cpu, log, since] = [spent(), await wal(), performance.now()]
    const rows = await run()
    const took = (performance.now() - since) * 1_000
    return { how, cpu: (spent() - cpu) / rows, took: took / rows, wal: ((await wal()) - log) / rows }
  }
  const marks: Record<string, string> = {}
  const retained = { services: {}, others: { complete: 1, failed: 1 } }
  const purge = async (): Promise<number> => {
    let rows = 0
    while (rows < PURGED) {
      const gone = await store.purge({ node, turn: 60_000, retained, marks, most: AT_ONCE })
      for (const { service, status, last, count } of gone) {
        marks[markOf({ service, status })] = last
        rows += count
      }
      if (gone.length === 0) break
    }
    return rows
  }
  const done = [
    await cost('purge', purge),
    await cost('vacuum behind it', async () => {
      await database.run('vacuum (index_cleanup on) tasks')
      return PURGED
    }),
  ]
  if (partitions > 0) {
    // The purge has emptied the first ones.
    const last = `tasks_${partitions - 2}`
    const rows = await database.count('select count(*) from ' + last)
    done.push(
      await cost('drop of a partition', async () => {
        await database.run(`drop table ${last}`)
        return rows
      }),
    )
  }
  return done
}
