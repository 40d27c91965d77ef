// A limit holds whatever the default isolation of transactions is: a grant that cannot see what was granted since is an error.
import { expect } from 'chai'
import pg from 'pg'
import { NO_TERMS } from '../../../src/core/limit.ts'
import { grantDue } from '../../../src/store/grants.ts'
import { type Bench, openBench } from '../../support/bench.ts'

const TERMS = { ...NO_TERMS, concurrency: 2 }

for (const isolation of ['repeatable read', 'serializable'])
  describe(`a grant in a transaction that is ${isolation}`, () => {
    let bench: Bench
    let client: pg.Client
    before(async () => {
      bench = await openBench()
      client = new pg.Client({ connectionString: bench.url })
      await client.connect()
    })
    after(async () => {
      await client.end()
      await bench.close()
    })

    it('fails where another one came after its snapshot', async () => {
      const node = await bench.node()
      await bench.rows(4)
      const here = (token: number) =>
        grantDue(
          async (text, values = []) => (await client.query(text, [...values])).rows,
          { node, token },
          'svc',
          { count: 2 },
          TERMS,
        )
      // Nodes of this database have transactions of this kind.
      await bench.sql(
        `alter database "${new URL(bench.url).pathname.slice(1)}" set default_transaction_isolation = '${isolation}'`,
      )
      const store = await bench.other()
      const there = (token: number) => store.grant({ node, token }, 'svc', { count: 1 }, TERMS)
      // The row of the service is there before.
      expect((await there(1)).rows).to.have.length(1)
      await client.query(`begin isolation level ${isolation}`)
      await client.query('select from tasks')
      // What is granted then is new, so that only the count could tell of it.
      await bench.rows(1, 'priority = 0')
      expect((await there(2)).rows).to.have.length(1)
      const refused = await here(3).then(
        () => undefined,
        (error: unknown) => (error as { code?: string }).code,
      )
      await client.query('rollback')
      expect(refused).to.equal('40001')
      expect((await here(4)).denied).to.equal('full')
    })
  })
