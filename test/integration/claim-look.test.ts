// The look of a full pass: what a node knows of services that have nothing costs Postgres nothing.
import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import pg from 'pg'
import { claimDue, type Seen } from '../../src/store/claims.ts'
import type { StoredRow } from '../../src/store/claimed.ts'
import type { Query } from '../../src/store/database.ts'
import { enroll } from '../../src/store/nodes.ts'
import { types } from '../../src/store/values.ts'
import { createMigrated, type TestDatabase } from '../support/databases.ts'

const NODE = randomUUID()
const HOUR = 3_600_000

describe('a look at many services', () => {
  let database: TestDatabase
  let client: pg.Client
  const query: Query = async <Row>(sql: string | { text: string }, values: readonly unknown[] = []) =>
    (await client.query(typeof sql === 'string' ? sql : sql.text, [...values])).rows as Row[]
  before(async () => {
    database = await createMigrated()
    client = new pg.Client({ connectionString: database.url, types })
    await client.connect()
    await enroll(query, { id: NODE, name: 'n', services: [] }, HOUR)
  })
  after(async () => {
    await client.end()
    await database.drop()
  })
  afterEach(() => query('delete from tasks'))

  const waits = (service: string, due: string): Promise<unknown> =>
    query(
      `insert into tasks (key, service, action, payload, payload_bytes, run_at, due_at)
       values (gen_random_uuid(), $1, 'a', '{}', 2, now() + $2::interval, now() + $2::interval)`,
      [service, due],
    )
  interface Looked {
    readonly rows: readonly StoredRow[]
    readonly seen: readonly Seen[]
    /** How often the index of waiting rows was gone to. */
    readonly probes: number
  }
  async function look(services: readonly string[]): Promise<Looked> {
    let seen: readonly Seen[] = []
    const probes = async (): Promise<number> => {
      const [row] = await query<{ n: string }>(`select pg_stat_get_xact_numscans('tasks_due'::regclass) as n`)
      return Number(row?.n)
    }
    await query('begin')
    const before = await probes()
    const wanted = new Map(services.map((service) => [service, { count: 10 }]))
    const by = { node: NODE, token: 7, takesOver: false }
    const rows = await claimDue(query, by, { wanted, limit: 10, grace: 0, look: (all) => (seen = all) })
    const after = await probes()
    await query('commit')
    return { rows, seen, probes: after - before }
  }
  const hundred = Array.from({ length: 100 }, (_, i) => `s${i}`)

  it('is one probe where nothing waits', async () => {
    expect(await look(hundred)).to.deep.equal({ rows: [], seen: [], probes: 1 })
  })

  it('asks only for those that have a task, due now or later', async () => {
    await waits('s7', '-1 second')
    await waits('s70', '1 hour')
    await waits('another', '-1 second')
    const { rows, seen, probes } = await look(hundred)
    expect(rows.map(({ service }) => service)).to.deep.equal(['s7'])
    const of70 = seen.find(({ service }) => service === 's70')
    expect(of70?.next).to.be.within(HOUR - 60_000, HOUR)
    expect(probes).to.be.below(30)
  })

  it('finds what it asks for behind more services of others', async () => {
    for (const service of ['a', 'b', 'c', 'd', 'e']) await waits(service, '-1 second')
    const { rows } = await look(['e', 'z'])
    expect(rows.map(({ service }) => service)).to.deep.equal(['e'])
  })
})
