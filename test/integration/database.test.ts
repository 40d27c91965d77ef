// The pool of connections: what broke is not given away again.
import { expect } from 'chai'
import { Database } from '../../src/store/database.ts'
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
})
