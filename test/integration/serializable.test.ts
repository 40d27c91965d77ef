// A database whose statements are serializable unless they say otherwise: some are rolled back, and sent again.
import { expect } from 'chai'
import { ended, openWorld, post, type World } from '../support/world.ts'

describe('a database that is serializable by default', () => {
  let world: World
  before(async () => {
    world = await openWorld()
    const [row] = await world.sql<{ name: string }>('select current_database() as name')
    await world.sql(`alter database ${row?.name} set default_transaction_isolation = 'serializable'`)
  })
  after(() => world.close())

  it('takes every task, and each ends', async () => {
    const nodes = await Promise.all([world.node(), world.node()])
    const urls = nodes.map(({ url }) => url)
    const [row] = await world.sql<{ isolation: string }>(
      `select setconfig[1] as isolation from pg_db_role_setting where setdatabase = (select oid from pg_database where datname = current_database())`,
    )
    expect(row?.isolation).to.equal('default_transaction_isolation=serializable')
    const caller = async (turn: number): Promise<string[]> => {
      const locations: string[] = []
      for (let i = 0; i < 50; i += 1) {
        const url = urls[(turn + i) % 2] ?? ''
        const location = await post(url, `steps.${i % 3}`)
        if (i % 5 === 0) expect((await fetch(`${url}${location}`, { method: 'DELETE' })).status).to.equal(204)
        else locations.push(location)
      }
      return locations
    }
    const locations = (await Promise.all(Array.from({ length: 12 }, (_, turn) => caller(turn)))).flat()
    for (const location of locations)
      expect(await ended(urls[0] ?? '', location)).to.have.property('status', 'complete')
    // Their statements could roll back those of the next case, and each is sent again only once.
    for (const node of nodes) await node.stop()
  })

  it('answers as ever when each statement of a caller is rolled back the first time', async () => {
    await world.sql(`
      create sequence tries;
      create function roll_back() returns trigger language plpgsql as $$ begin
        if nextval('tries') % 2 = 1 then raise exception 'could not serialize access' using errcode = '40001'; end if;
        return coalesce(new, old);
      end $$;
      create trigger roll_back before insert or delete on tasks for each row execute function roll_back()`)
    const node = await world.node()
    for (let i = 0; i < 5; i += 1) {
      const location = await post(node.url, 'ok')
      expect((await fetch(`${node.url}${location}`, { method: 'DELETE' })).status).to.equal(204)
    }
    expect(await world.sql('select last_value from tries')).to.deep.equal([{ last_value: '20' }])
  })
})
