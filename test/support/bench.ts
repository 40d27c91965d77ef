// A bench for the store: a database of its own behind a proxy, and rows in whatever state a test needs.
import pg from 'pg'
import { silentLog } from '../../src/telemetry/log.ts'
import type { ClaimQuery } from '../../src/store/claims.ts'
import type { ClaimRef } from '../../src/store/fenced.ts'
import { Store } from '../../src/store/store.ts'
import { createMigrated } from './databases.ts'
import { eventually } from './eventually.ts'
import { TcpProxy } from './tcp-proxy.ts'

/** A claim of so many rows of each service, from the start or from a mark. */
export function asking(
  rooms: Readonly<Record<string, number>>,
  { limit = 1_000, grace = 0, mark = 0 }: Partial<Pick<ClaimQuery, 'limit' | 'grace'> & { mark: number }> = {},
): ClaimQuery {
  const wanted = new Map(
    Object.entries(rooms).map(([service, count]) => [service, { count, marks: [mark, mark, mark] }] as const),
  )
  return { wanted, limit, grace }
}

/** The columns of a task that tests read; JSON as text, `wait` in milliseconds until `run_at`. */
export interface Columns {
  readonly status: 'pending' | 'running' | 'complete' | 'failed'
  readonly node: string | null
  readonly token: string
  readonly step: number
  readonly repeats: number
  readonly attempt: number
  readonly fails: number
  readonly crashes: number
  readonly wait: number
  readonly payload: string
  readonly state: string | null
  readonly result: string | null
  readonly error: string | null
  readonly result_omitted: boolean
  readonly started: boolean
  readonly finished: boolean
}

export interface Bench {
  /** Its connections go through `proxy`. */
  readonly store: Store
  readonly proxy: TcpProxy
  /** The database, without the proxy. */
  readonly url: string
  /** Another store on the same database, without the proxy. */
  readonly other: () => Promise<Store>
  /** Runs SQL, without the proxy. */
  sql<Row extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<Row[]>
  /** Enrolls a node whose lease ends in so many ms; its id. */
  node(lease?: number): Promise<string>
  /** Makes rows of the service `svc`, pending unless `set` (SQL: `status = 'running', token = 7`) says otherwise; their ids. */
  rows(count: number, set?: string, values?: unknown[]): Promise<string[]>
  row(set?: string, values?: unknown[]): Promise<string>
  /** A running row and the claim that it belongs to. */
  claimed(set?: string): Promise<ClaimRef>
  read(id: string): Promise<Columns | undefined>
  /** All columns of a row, to compare. */
  whole(id: string): Promise<string | undefined>
  /** Lets a statement through and cuts the connection before its answer, once `applied` holds. */
  loseAnswer(applied: () => Promise<unknown>): Promise<void>
  close(): Promise<void>
}

/** The default of every bench row. */
const NEW = `insert into tasks (key, service, action, payload, payload_bytes)
  select gen_random_uuid(), 'svc', 'ok', '{"n":1}', 7 from generate_series(1, $1) returning id`

const READ = `select status, node, token, step, repeats, attempt, fails, crashes, payload::text, state::text, result::text,
  error::text, result_omitted, started_at is not null as started, finished_at is not null as finished,
  (extract(epoch from run_at - now()) * 1000)::double precision as wait from tasks where id = $1`

/** Opens a bench on the engines of the test run. */
export async function openBench(): Promise<Bench> {
  const database = await createMigrated()
  const proxy = new TcpProxy()
  const direct = new URL(database.url)
  await proxy.listen(Number(direct.port || 5432))
  const through = new URL(database.url)
  through.host = `127.0.0.1:${proxy.port}`
  const stores: Store[] = []
  const open = async (url: string): Promise<Store> => {
    const store = new Store({ url, log: silentLog() })
    stores.push(store)
    await store.start()
    return store
  }
  const store = await open(through.href)
  const pool = new pg.Pool({ connectionString: database.url, max: 4 })
  // The pool is ended before its clients are, and then the database goes.
  pool.on('connect', (client) => client.on('error', () => undefined))
  const sql: Bench['sql'] = async (text, values) => (await pool.query(text, values)).rows
  const bench: Bench = {
    store,
    proxy,
    url: database.url,
    other: () => open(database.url),
    sql,
    async node(lease = 60_000) {
      const id = crypto.randomUUID()
      await store.enroll({ id, name: 'bench', services: ['svc'] }, lease)
      return id
    },
    async rows(count, set, values = []) {
      const ids = (await sql<{ id: string }>(NEW, [count])).map(({ id }) => id)
      if (set) await sql(`update tasks set ${set} where id = any($${values.length + 1}::bigint[])`, [...values, ids])
      return ids
    },
    row: async (set, values) => (await bench.rows(1, set, values))[0] ?? '',
    async claimed(set = 'fails = 0') {
      const node = await bench.node()
      const id = await bench.row(`status = 'running', node = $1, token = 7, step = 2, attempt = 1, ${set}`, [node])
      return { id, token: 7, node }
    },
    read: async (id) => (await sql<Columns & pg.QueryResultRow>(READ, [id]))[0],
    whole: async (id) =>
      (await sql<{ text: string }>('select to_json(t)::text as text from tasks t where id = $1', [id]))[0]?.text,
    async loseAnswer(applied) {
      proxy.holdAnswers()
      await eventually(applied)
      await proxy.close()
      await proxy.listen(proxy.target)
    },
    async close() {
      await Promise.all(stores.map((one) => one.stop()))
      await proxy.close()
      await pool.end()
      await database.drop()
    },
  }
  return bench
}
