// Migrations beside another program that keeps a transaction open: what waits for a table gives up in time, as others wait behind it.
import { expect } from 'chai'
import knex from 'knex'
import { migrationsOf, migrationSource } from '../../src/store/migrate.ts'
import { createDatabase } from '../support/databases.ts'
import { eventually } from '../support/eventually.ts'
import { WAITS, type Waits } from '../support/table-waits.ts'

/** Much more than a migration waits, ms: at some moment nothing waits for the table. */
const GIVES_UP = 20_000

describe('each migration, while another program has read the tables in a transaction that stays open', () => {
  it('gives a lock that it waits for up, lets others by, and is done when the transaction has ended', async () => {
    const database = await createDatabase()
    const sql = knex({ client: 'pg', connection: database.url, pool: { min: 0, max: 4 } })
    const waits = async (): Promise<Waits> => (await sql.raw<{ rows: [Waits] }>(WAITS)).rows[0]
    const gaveUp: string[] = []
    try {
      const [first = '', ...later] = (await migrationSource.getMigrations([])).map((one) =>
        migrationSource.getMigrationName(one),
      )
      const migrations = await migrationsOf(database.url)
      await sql.migrate.up({ ...migrations, name: first })
      await sql.raw(
        `insert into tasks (key, service, action, payload, payload_bytes) values (gen_random_uuid(), 's', 'a', '1', 1)`,
      )
      for (const name of later) {
        const reader = await sql.transaction()
        await reader.raw('select from tasks, nodes')
        let over = false
        const migrating = sql.migrate.up({ ...migrations, name }).finally(() => (over = true))
        // Where an expectation fails, its connection is closed.
        migrating.catch(() => undefined)
        // An index that is made beside the others waits for all snapshots, and nobody waits for it.
        const met = await eventually(async () => {
          const { tables, snapshots } = await waits()
          expect(over || tables > 0 || snapshots > 0, `${name} has come to a wait, or to its end`).to.equal(true)
          return tables
        })
        if (met > 0) {
          await eventually(
            async () => expect((await waits()).tables, `statements that wait for ${name}`).to.equal(0),
            GIVES_UP,
          )
          gaveUp.push(name.slice(0, 3))
        }
        await reader.commit()
        await migrating
      }
    } finally {
      await sql.destroy()
      await database.drop()
    }
    expect(gaveUp).to.include.members(['002', '003', '005', '009', '010'])
  })
})
