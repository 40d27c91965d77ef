// What a claim has judged must be what it takes: an owner that came back meanwhile keeps what it claims anew.
import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import pg from 'pg'
import type { ClaimedRow } from '../../src/store/claimed.ts'
import { asking, type Bench, openBench } from '../support/bench.ts'

/** An owner comes back and claims its row anew, in one statement; the step marks it. */
const COME_BACK = `
  with back as (update nodes set lease_until = now() + interval '1 minute' where id = $1)
  update tasks set token = 8, step = 99 where id = $2 and token = 7`

describe('a row whose owner comes back and claims it anew while others take over', () => {
  let bench: Bench
  let returning: pg.Pool
  before(async () => {
    bench = await openBench()
    returning = new pg.Pool({ connectionString: bench.url, max: 3 })
  })
  after(async () => {
    await returning.end()
    await bench.close()
  })
  afterEach(() => bench.sql('delete from tasks'))

  const ROWS = 400
  const take = (node: string): Promise<ClaimedRow[]> =>
    bench.store.claim({ node, token: 21, takesOver: true }, asking({ svc: ROWS }, { limit: ROWS }))

  it('is not taken by a claim that had seen the old one', async () => {
    const me = await bench.node()
    let [taken, kept] = [0, 0]
    for (let round = 0; round < 8; round += 1) {
      const ids = await bench.rows(ROWS)
      const owners = ids.map(() => randomUUID())
      await bench.sql(
        `insert into nodes (id, name, services, lease_until)
           select unnest($1::uuid[]), 'n', '{svc}', now() - interval '1 second'`,
        [owners],
      )
      await bench.sql(
        `update tasks t set status = 'running', node = w.node, token = 7
           from unnest($1::bigint[], $2::uuid[]) as w(id, node) where t.id = w.id`,
        [ids, owners],
      )
      const back = ids.map((id, i) => returning.query(COME_BACK, [owners[i], id]))
      const claimed = await take(me)
      await Promise.all(back)
      taken += claimed.length
      kept += (await bench.sql('select id from tasks where step = 99 and token = 8')).length
      expect(await bench.sql('select id from tasks where step = 99 and crashes > 0')).to.deep.equal([])
      await bench.sql('delete from tasks')
    }
    expect(taken, 'taken in all').to.be.above(0)
    expect(kept, 'kept in all').to.be.above(0)
  })
})
