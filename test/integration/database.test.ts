// The pool of connections: what broke is not given away again.
import { expect } from 'chai'
import pg from 'pg'
import { createSandbox, type SinonSpy } from 'sinon'
import { Database, type Prepared } from '../../src/store/database.ts'
import { StoreError } from '../../src/store/trouble.ts'
import { createDatabase, type TestDatabase } from '../support/databases.ts'

describe('the pool of connections', () => {
  let made: TestDatabase
  before(async () => {
    made = await createDatabase()
  })
  after(() => made.drop())

  it('makes a new connection for the statement after one whose connection broke', async () => {
    const database = new Database(made.url, 1)
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

  describe('of a statement with a name', () => {
    const ADD = { name: 'add', text: 'insert into added values ($1) returning n' }
    const sandbox = createSandbox()
    let database: Database
    let sent: SinonSpy

    beforeEach(async () => {
      database = new Database(made.url, 1)
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
      expect(refused).to.be.an.instanceOf(StoreError).and.have.property('trouble', 'bad')
      await add(1)
      expect(names()).to.deep.equal(['add', 'add'])
    })
  })
})
