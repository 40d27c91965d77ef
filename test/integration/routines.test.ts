// The functions of the database: made when they are missing, and planned so that they stay quick however large the table grows.
import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import pg from 'pg'
import { claimDue } from '../../src/store/claims.ts'
import type { Prepared } from '../../src/store/database.ts'
import { FENCED_WRITES } from '../../src/store/fenced.ts'
import { INSERT, INSERT_CALLED } from '../../src/store/inserts.ts'
import { CANCEL, REMOVE } from '../../src/store/removals.ts'
import { migrate } from '../../src/store/migrate.ts'
import { READ, SEES } from '../../src/store/reads.ts'
import type { Routine } from '../../src/store/routine.ts'
import { asking } from '../support/bench.ts'
import { createMigrated, type TestDatabase } from '../support/databases.ts'

const ROWS = 20_000
const BATCH = 10
const NODE = randomUUID()
const TOKEN = 7

const all = <T>(value: T): T[] => Array.from({ length: BATCH }, () => value)

/** Each with its values, for rows of these ids. */
const calls = (ids: readonly number[]): [string, Prepared, unknown[]][] => {
  const fence = [ids, all(TOKEN), all(NODE)]
  const write = (name: string, ...columns: unknown[]): [string, Prepared, unknown[]] => [
    name,
    (FENCED_WRITES[name] as Routine).call,
    [...fence, ...columns],
  ]
  /** Step, attempt, ms, outcome, detail, wait, body, and how many states are kept. */
  const TRIED = [all(0), all(1), all(5), all('503'), all('no'), all(null), all('{}'), all(2)]
  return [
    write('checkpoint', all(0), all('{}'), all(0), all(null)),
    write('checkpoint_logged', all(0), all('{}'), all(0), all(null), ...TRIED),
    write('retry', all(1), all('{}')),
    write('park', all(5), all(1), all('{}')),
    write('settle', all('complete'), all(1), all('{}'), all(false), all(null), all(false)),
    write('release'),
    ['remove', REMOVE.call, [ids, [], [], []]],
    ['cancel', CANCEL.call, [ids, ['svc'], ['undo'], [null]]],
    ['read', READ.call, [ids]],
    ['sees', SEES.call, [ids, all(null), all('svc other')]],
    [
      'insert',
      INSERT.call,
      [ids.map(() => randomUUID()), all('svc'), all('a'), all('{}'), all(2), all(NODE), all(TOKEN)],
    ],
    [
      'insert_called',
      INSERT_CALLED.call,
      [ids.map(() => randomUUID()), all('svc'), all('a'), all('{}'), all(2), all(NODE), all(TOKEN), all('app')],
    ],
  ]
}

describe('a statement that runs all the time', () => {
  let database: TestDatabase
  let client: pg.Client

  beforeEach(async () => {
    database = await createMigrated()
    client = new pg.Client(database.url)
    await client.connect()
  })
  afterEach(async () => {
    await client.end()
    await database.drop()
  })

  const sql = async (
    statement: string | Prepared,
    values: readonly unknown[] = [],
  ): Promise<Record<string, unknown>[]> => {
    const asked = typeof statement === 'string' ? { text: statement } : statement
    return (await client.query<Record<string, unknown>>({ ...asked, values: [...values] })).rows
  }
  /** How many rows of the table and entries of its indexes were read so far; counted by the transaction, so asked twice within one. */
  const looked = async (): Promise<number> => {
    const rows = await sql(
      `select sum(pg_stat_get_xact_tuples_returned(oid)) as rows from pg_class
       where oid = 'tasks'::regclass or oid in (select indexrelid from pg_index where indrelid = 'tasks'::regclass)`,
    )
    return Number(rows[0]?.rows)
  }

  /** Rows all of one node that is gone, one service and one status: no index but that of the ids tells them apart. */
  const fill = (rows: number): Promise<unknown> =>
    sql(
      `insert into tasks (key, service, action, payload, payload_bytes, status, node, token, attempt)
       select gen_random_uuid(), 'svc', 'a', '{}', 2, 'running', $1, ${TOKEN}, 1 from generate_series(1, $2::integer)`,
      [NODE, rows],
    )
  /** What the table was when the plans were made, of which nothing is left but what the planner noted. */
  const planned: [string, () => Promise<unknown>][] = [
    ['nobody had looked at it', async () => {}],
    ['it was known to be empty', () => sql('vacuum analyze tasks')],
    ['it was known to have one row', () => fill(1).then(() => sql('vacuum analyze tasks'))],
  ]
  for (const [when, prepare] of planned)
    it(`looks, as a routine, at the rows that it is for and no others, though it was planned when ${when}`, async () => {
      await sql('alter table tasks set (autovacuum_enabled = off)')
      await prepare()
      const nobody = Array.from({ length: BATCH }, (_, i) => ROWS * 2 + i)
      for (const [, call, values] of calls(nobody)) await sql(call, values)
      await sql('delete from tasks')
      await fill(ROWS)
      const ids = (await sql(`select id from tasks order by id limit ${BATCH} offset ${ROWS / 2}`)).map(({ id }) =>
        Number(id),
      )
      for (const [name, call, values] of calls(ids)) {
        await sql('begin')
        // The claim takes rows over, so its own node must be alive; the others' writes need none.
        await sql(
          `insert into nodes (id, name, services, lease_until) values ($1, 'n', '{}', now() + interval '1 minute')`,
          [name === 'claim' ? values[0] : randomUUID()],
        )
        if (name === 'claim') await sql('update tasks set node = null where id = any($1)', [ids])
        const before = await looked()
        expect(await sql(call, values), name).to.have.length(BATCH)
        expect((await looked()) - before, name).to.be.at.most(20 * BATCH)
        await sql('rollback')
      }
    })

  it('looks, as a full pass, at nothing of what others run and have ended, whatever the planner takes the table for', async () => {
    // The planner is told of a table of few rows, which then has many more, of one service, some in hand and some in every state.
    await sql('alter table tasks set (autovacuum_enabled = off)')
    const fill = (rows: number): Promise<unknown> =>
      sql(
        `insert into tasks (key, service, action, payload, payload_bytes, status, node, token, finished_at)
         select gen_random_uuid(), 'svc', 'a', '{}', 2, case when held then 'running' else 'complete' end,
           case when held then $1::uuid end, ${TOKEN}, case when not held then now() end
         from (select n % 20 = 0 as held from generate_series(1, $2::integer) n) one`,
        [NODE, rows],
      )
    const enroll = (id: string, ms: number): Promise<unknown> =>
      sql(
        `insert into nodes (id, name, services, lease_until) values ($1, 'n', '{svc}', now() + $2 * interval '1 millisecond')`,
        [id, ms],
      )
    const other = randomUUID()
    await enroll(NODE, 60_000)
    await enroll(other, 60_000)
    await fill(1_000)
    await sql('vacuum analyze tasks')
    await fill(ROWS)
    await sql(
      `update tasks set status = 'complete', node = null, finished_at = now() where status = 'running' and id % 3 = 0`,
    )
    const by = { node: other, token: TOKEN + 1, takesOver: true }
    const pass = async (): Promise<number> => {
      const rows = await claimDue(
        async <Row>(text: string | Prepared, values?: readonly unknown[]) => (await sql(text, values)) as Row[],
        by,
        asking({ svc: 50, none: 50 }, { limit: 100 }),
      )
      return rows.length
    }
    // The first of all marks what it finds dead in the index.
    expect(await pass()).to.equal(0)
    await sql('begin')
    const before = await looked()
    expect(await pass()).to.equal(0)
    expect((await looked()) - before).to.be.at.most(10)
    await sql('rollback')
    // What a node that is gone has left is found, all of it being looked at.
    await sql('update nodes set lease_until = now() where id = $1', [NODE])
    await sql('begin')
    const between = await looked()
    expect(await pass()).to.equal(50)
    expect((await looked()) - between).to.be.within(50, ROWS / 10)
    await sql('rollback')
  })

  it('is made again, as a routine, when it is missing, and left alone when it is there', async () => {
    const found = async (): Promise<Record<string, unknown>[]> =>
      (
        await client.query<Record<string, unknown>>(
          `select oid, proname from pg_proc where proname like 'task\\_api\\_%' order by proname`,
        )
      ).rows
    const before = await found()
    await client.query(`drop function ${INSERT.name}`)
    await migrate(database.url)
    const after = await found()
    expect(after.map(({ proname }) => proname)).to.deep.equal(before.map(({ proname }) => proname))
    const changed = after.filter(({ oid }, i) => oid !== before[i]?.oid).map(({ proname }) => proname)
    expect(changed).to.deep.equal([INSERT.name])
  })
})
