// Migrations: safe when many nodes start at once, when one was killed in the middle, and over compiled and uncompiled files.
import { readdir } from 'node:fs/promises'
import { expect } from 'chai'
import knex, { type Knex } from 'knex'
import { migrate, migrationsOf, migrationSource } from '../../src/store/migrate.ts'
import { createDatabase, type TestDatabase } from '../support/databases.ts'

describe('the migrations', () => {
  let database: TestDatabase
  let sql: Knex
  beforeEach(async () => {
    database = await createDatabase()
    sql = knex({ client: 'pg', connection: database.url, pool: { min: 0, max: 2 } })
  })
  afterEach(async () => {
    await sql.destroy()
    await database.drop()
  })

  const applied = async (): Promise<string[]> =>
    (await sql<{ name: string }>('task_api_migrations').orderBy('id')).map(({ name }) => name)
  const names = async (): Promise<string[]> =>
    (await readdir(new URL('../../migrations/', import.meta.url)))
      .filter((file) => /^\d.*\.js$/.test(file))
      .map((file) => file.slice(0, -3))
      .sort()

  it('are applied once when ten nodes start at once', async () => {
    await Promise.all(Array.from({ length: 10 }, () => migrate(database.url)))
    expect(await applied()).to.deep.equal(await names())
    expect(await sql('tasks')).to.deep.equal([])
  })

  for (const isolation of ['repeatable read', 'serializable'])
    it(`are applied once when ten nodes start at once and statements are ${isolation} by default`, async () => {
      await sql.raw(`alter database ${database.name} set default_transaction_isolation = '${isolation}'`)
      await Promise.all(Array.from({ length: 10 }, () => migrate(database.url)))
      expect(await applied()).to.deep.equal(await names())
    })

  it('change nothing when they run again', async () => {
    await migrate(database.url)
    await sql('tasks').insert({ key: crypto.randomUUID(), service: 's', action: 'a', payload: '1', payload_bytes: 1 })
    await migrate(database.url)
    expect(await applied()).to.deep.equal(await names())
    expect(await sql('tasks')).to.have.length(1)
  })

  it('are not stopped by the lock row that a killed node left behind', async () => {
    await migrate(database.url)
    await sql('task_api_migrations_lock').update({ is_locked: 1 })
    await sql('task_api_migrations').delete()
    await sql.schema.dropTable('tasks').dropTable('nodes')
    await Promise.all([migrate(database.url), migrate(database.url)])
    expect(await applied()).to.deep.equal(await names())
    expect(await sql('tasks')).to.deep.equal([])
  })

  it('have the same names as .ts and as .js', async () => {
    const found = await migrationSource.getMigrations([])
    expect(found.map((one) => migrationSource.getMigrationName(one))).to.deep.equal(await names())
    expect(migrationSource.getMigrationName({ file: '001_tasks.ts' })).to.equal('001_tasks')
    expect(migrationSource.getMigrationName({ file: '001_tasks.js' })).to.equal('001_tasks')
  })

  it("are the same to knex's own command line", async () => {
    await migrate(database.url)
    const [done, pending] = (await sql.migrate.list(await migrationsOf(database.url))) as [
      { name: string }[],
      unknown[],
    ]
    expect(done.map(({ name }) => name)).to.deep.equal(await names())
    expect(pending).to.deep.equal([])
  })

  it('can be taken back and applied again', async () => {
    await migrate(database.url)
    await sql.migrate.rollback(await migrationsOf(database.url), true)
    expect(await sql.schema.hasTable('tasks')).to.equal(false)
    await migrate(database.url)
    expect(await sql('nodes')).to.deep.equal([])
  })

  it('refuse a database that is not UTF-8', async () => {
    const [name] = [`latin_${crypto.randomUUID().replaceAll('-', '')}`]
    await sql.raw(`create database ${name} encoding 'SQL_ASCII' lc_collate 'C' lc_ctype 'C' template template0`)
    const url = new URL(database.url)
    url.pathname = `/${name}`
    const refused = await migrate(url.href).then(
      () => 'migrated',
      (error: unknown) => String(error),
    )
    await sql.raw(`drop database ${name} with (force)`)
    expect(refused).to.match(/has the encoding SQL_ASCII, .* name one with the encoding UTF8 in DATABASE_URL/)
  })
})
