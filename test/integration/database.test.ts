// The pool of connections: what broke is not given away again.
import { expect } from 'chai'
import pg from 'pg'
import { createSandbox, type SinonSpy } from 'sinon'
import { Database, type Prepared } from '../../src/store/database.ts'
import { Servers } from '../../src/store/servers.ts'
import { StoreError } from '../../src/store/trouble.ts'
import { eventually } from '../support/eventually.ts'
import { createDatabase, type TestDatabase } from '../support/databases.ts'

describe('the pool of connections', () => {
  let made: TestDatabase
  before(async () => {
    made = await createDatabase()
  })
  after(() => made.drop())

  it('makes a new connection for the statement after one whose connection broke', async () => {
    const database = new Database(new Servers(made.url), 1)
    const [broken, ...next] = await Promise.allSettled([
      database.query('select pg_terminate_backend(pg_backend_pid())'),
      database.query('select 1 as one'),
      database.query('select 1 as one'),
    ])
    await database.close()
    expect(broken).to.have.property('status', 'rejected')
    expect(broken).to.have.property('reason').which.is.an.instanceOf(StoreError).and.has.property('trouble', 'unknown')
    expect(next).to.deep.equal(next.map(() => ({ status: 'fulfilled', value: [{ one: 1 }] })))
  })

  it('believes no number that is none', async () => {
    const database = new Database(new Servers(made.url), 1)
    for (const value of ["'NaN'::float8", "'Infinity'::float4"]) {
      const error = await database.query(`select ${value} as n`).catch((thrown: unknown) => thrown)
      expect(error, value).to.be.an.instanceOf(StoreError).and.have.property('trouble', 'unknown')
    }
    const rows = await database.query(
      'select 7::int2 as a, -8 as b, 1.5::float4 as c, 1e-7::float8 as d, null::integer as e',
    )
    expect(rows).to.deep.equal([{ a: 7, b: -8, c: 1.5, d: 1e-7, e: null }])
    await database.close()
  })

  const raise = (code: string): string => `do $$ begin raise exception 'no' using errcode = '${code}'; end $$`
  const backend = async (database: Database): Promise<unknown> =>
    (await database.query<{ pid: number }>('select pg_backend_pid() as pid'))[0]?.pid

  for (const [code, kept] of [
    ['25006', false],
    ['53100', false],
    ['58030', false],
    ['55P03', true],
    ['23505', true],
  ] as const)
    it(`${kept ? 'keeps' : 'throws away'} a connection that said ${code}`, async () => {
      const database = new Database(new Servers(made.url), 1)
      const before = await backend(database)
      expect(await database.query(raise(code)).catch((error: unknown) => error)).to.be.an.instanceOf(StoreError)
      expect((await backend(database)) === before).to.equal(kept)
      await database.close()
    })

  it('gives none of the connections away again that were open when it was renewed, idle or at work', async () => {
    const servers = new Servers(made.url)
    const database = new Database(servers, 3)
    // Each is at work until all three are.
    const three = async (): Promise<unknown[]> => {
      const sleep = (): Promise<{ pid: number }[]> => database.query('select pg_backend_pid() as pid, pg_sleep(0.3)')
      return (await Promise.all([sleep(), sleep(), sleep()])).flat().map(({ pid }) => pid)
    }
    const before = await three()
    const working = database.query('select pg_sleep(0.1)')
    servers.renew()
    await working
    const after = await three()
    expect(new Set(before).size, 'connections at work').to.equal(3)
    expect(after.filter((pid) => before.includes(pid))).to.deep.equal([])
    await database.close()
  })

  for (const code of ['40001', '40P01'])
    it(`sends a statement again that was rolled back with ${code}, three times in all`, async () => {
      const database = new Database(new Servers(made.url), 1)
      await database.query('create sequence tries')
      // nextval is not rolled back.
      const fails = (times: number): string =>
        `do $$ begin if nextval('tries') <= ${times} then raise exception 'no' using errcode = '${code}'; end if; end $$`
      await database.query(fails(2))
      await database.query(`select setval('tries', 1, false)`)
      expect(await database.query(fails(9)).catch((error: unknown) => error)).to.have.property('trouble', 'conflict')
      expect(await database.query('select last_value from tries')).to.deep.equal([{ last_value: '3' }])
      await database.query('drop sequence tries')
      await database.close()
    })

  describe('of a statement that takes too long', () => {
    const sleeping = `select from pg_stat_activity where query like 'select pg_sleep%' and state = 'active' and datname = current_database()`

    it('cancels it in the server, says that nothing was applied, and uses another connection then', async () => {
      const database = new Database(new Servers(made.url), 1)
      const before = await backend(database)
      const ended = await database.query('select pg_sleep(60)').catch((error: unknown) => error)
      expect(ended).to.be.an.instanceOf(StoreError).and.include({
        trouble: 'notSent',
        message: 'canceling statement due to user request (by this node, after 3.5 s)',
      })
      expect(await backend(database)).not.to.equal(before)
      expect(await database.query(sleeping)).to.have.length(0)
      await database.close()
    })

    it('cancels it in the server when the pool is closed before', async () => {
      const [database, other] = [new Database(new Servers(made.url), 1), new Database(new Servers(made.url), 1)]
      const working = database.query('select pg_sleep(60)').catch((error: unknown) => error)
      await eventually(async () => expect(await other.query(sleeping)).to.have.length(1))
      await database.close()
      // Not by its time limit, which a process that ends does not reach.
      expect(await working).to.include({ trouble: 'notSent', message: 'canceling statement due to user request' })
      expect(await other.query(sleeping)).to.have.length(0)
      await other.close()
    })
  })

  describe('of a statement with a name', () => {
    const ADD = { name: 'add', text: 'insert into added values ($1) returning n' }
    const sandbox = createSandbox()
    let database: Database
    let sent: SinonSpy

    beforeEach(async () => {
      database = new Database(new Servers(made.url), 1)
      await database.query('create table added (n integer)')
      sent = sandbox.spy(pg.Client.prototype, 'query')
    })
    afterEach(async () => {
      sandbox.restore()
      await database.query('drop table added')
      await database.close()
    })

    const add = async (n: number): Promise<unknown> => expect(await database.query(ADD, [n])).to.deep.equal([{ n }])
    /** Of each time that it was sent, under which name. */
    const names = (): unknown[] =>
      sent.args
        .map(([query]) => query as Partial<Prepared>)
        .flatMap(({ text, name = 'none' }) => (text === ADD.text ? [name] : []))
    const parsed = (): Promise<unknown> => database.query('select name from pg_prepared_statements')
    const added = (): Promise<unknown> => database.query('select n from added order by n')

    it('has the connection parse it once', async () => {
      await add(1)
      await add(2)
      expect(names()).to.deep.equal(['add', 'add'])
      expect(await parsed()).to.deep.include({ name: 'add' })
    })

    it('runs it once where the name is gone, as a pooler may have sent it to another connection, and uses no names then', async () => {
      await add(1)
      await database.query('deallocate all')
      await add(2)
      await add(3)
      expect(names()).to.deep.equal(['add', 'add', 'none', 'none'])
      expect(await added()).to.deep.equal([{ n: 1 }, { n: 2 }, { n: 3 }])
    })

    it('runs it once where the name is taken, as by another client of a pooler, and uses no names then', async () => {
      await database.query('prepare add as select 1')
      await add(1)
      await add(2)
      expect(names()).to.deep.equal(['add', 'none', 'none'])
      expect(await added()).to.deep.equal([{ n: 1 }, { n: 2 }])
    })

    it('keeps its names after an error of another kind', async () => {
      const refused = await database.query(ADD, ['no number']).catch((error: unknown) => error)
      expect(refused).to.be.an.instanceOf(StoreError).and.have.property('trouble', 'rejected')
      await add(1)
      expect(names()).to.deep.equal(['add', 'add'])
    })
  })
})
