// The functions of the database: made when they are missing, and planned so that they stay quick however large the table grows.
import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import pg from 'pg'
import { CLAIM } from '../../src/store/claims.ts'
import { FENCED_WRITES } from '../../src/store/fenced.ts'
import { INSERT, REMOVE } from '../../src/store/inserts.ts'
import { migrate } from '../../src/store/migrate.ts'
import { READ } from '../../src/store/reads.ts'
import { createMigrated, type TestDatabase } from '../support/databases.ts'

const ROWS = 20_000
const BATCH = 10
const NODE = randomUUID()
const TOKEN = 7

const all = <T>(value: T): T[] => Array.from({ length: BATCH }, () => value)

/** Each with its values, for rows of these ids. */
const calls = (ids: readonly number[]): [string, string, unknown[]][] => {
  const fence = [ids, all(TOKEN), all(NODE)]
  const write = (name: string, ...columns: unknown[]): [string, string, unknown[]] => [
    name,
    FENCED_WRITES[name]?.call ?? '',
    [...fence, ...columns],
  ]
  return [
    write('checkpoint', all(0), all('{}'), all(0), all(null)),
    write('retry', all(1), all('{}')),
    write('park', all(5), all('{}')),
    write('settle', all('complete'), all(1), all('{}'), all(false), all(null), all(false)),
    write('release'),
    ['claim', CLAIM.call, [NODE, TOKEN + 1, ids, true, all('svc'), 'infinity']],
    ['remove', REMOVE.call, [ids]],
    ['read', READ.call, [ids]],
    [
      'insert',
      INSERT.call,
      [ids.map(() => randomUUID()), all('svc'), all('a'), all('{}'), all(2), all(NODE), all(TOKEN)],
    ],
  ]
}

describe('a routine', () => {
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

  it('looks at the rows that it is for and no others, though it was planned when there were none', async () => {
    const sql = async (text: string, values: unknown[] = []): Promise<Record<string, unknown>[]> =>
      (await client.query<Record<string, unknown>>(text, values)).rows
    const looked = async (): Promise<number> =>
      Number(
        (
          await sql(
            `select seq_tup_read + coalesce(idx_tup_fetch, 0) as rows from pg_stat_xact_user_tables where relname = 'tasks'`,
          )
        )[0]?.rows,
      )
    const nobody = Array.from({ length: BATCH }, (_, i) => ROWS * 2 + i)
    for (const [, call, values] of calls(nobody)) await sql(call, values)
    await sql('delete from tasks')
    // All of one node that is gone, one service and one status: no other index tells them apart.
    await sql(
      `insert into tasks (key, service, action, payload, payload_bytes, status, node, token, attempt)
       select gen_random_uuid(), 'svc', 'a', '{}', 2, 'running', $1, ${TOKEN}, 1 from generate_series(1, ${ROWS})`,
      [NODE],
    )
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
      expect((await looked()) - before, name).to.be.at.most(5 * BATCH)
      await sql('rollback')
    }
  })

  it('is made again when it is missing, and left alone when it is there', async () => {
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
