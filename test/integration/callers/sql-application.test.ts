// An application that creates tasks in its own transactions: the example of docs/sql.md, its rights, and what may not mislead it.
import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import pg from 'pg'
import { TIMINGS } from '../../../src/core/timings.ts'
import { eventually } from '../../support/eventually.ts'
import { ended, openWorld, type World } from '../../support/world.ts'
import { ask } from './asks.ts'

/** The blocks of SQL of the page: a transaction, the grants, and what an operator may have to grant. */
const [TRANSACTION = '', GRANTS = ''] = [...readFileSync('docs/sql.md', 'utf8').matchAll(/```sql\n(.*?)```/gs)].map(
  ([, text]) => text,
)
const CHARGE = `select task_api.submit(service => 'billing', action => 'ok')`
const INSUFFICIENT = '42501'

describe('an application that submits by SQL', () => {
  let world: World
  let url: string
  const clients: pg.Client[] = []
  before(async () => {
    world = await openWorld()
    url = (await world.node({ services: { svc: {}, billing: {} }, timings: TIMINGS })).url
    await world.sql(`drop role if exists shop; create role shop login password 'shop'`)
    await world.sql(
      'create table public.orders (id integer primary key, total integer); grant all on public.orders to shop',
    )
    await world.sql('create schema evil authorization shop')
  })
  after(async () => {
    for (const client of clients) await client.end()
    await world.sql('drop owned by shop; drop role shop')
    await world.close()
  })

  const connect = async (): Promise<pg.Client> => {
    const address = new URL(world.databaseUrl)
    address.username = 'shop'
    address.password = 'shop'
    const client = new pg.Client(address.href)
    clients.push(client)
    await client.connect()
    return client
  }
  const codeOf = async (client: pg.Client, text: string): Promise<string | undefined> =>
    client.query(text).then(
      () => undefined,
      (error: unknown) => (error as pg.DatabaseError).code,
    )
  const submit = async (client: pg.Client, args: string): Promise<string> => {
    const { rows } = await client.query<{ submit: string }>(`select task_api.submit(${args})`)
    return `/tasks/${rows[0]?.submit}`
  }

  it('needs usage of the schema and execute of the function, both', async () => {
    const shop = await connect()
    expect(await codeOf(shop, CHARGE)).to.equal(INSUFFICIENT)
    const grants = GRANTS.split(';').filter((grant) => grant.trim() !== '')
    expect(grants).to.have.length(2)
    for (const grant of grants) {
      await world.sql(grant)
      expect(await codeOf(shop, CHARGE), grant).to.equal(INSUFFICIENT)
      await world.sql(grant.replace('grant', 'revoke').replace(' to ', ' from '))
    }
    await world.sql(GRANTS)
    expect(await codeOf(shop, CHARGE)).to.equal(undefined)
  })

  it('runs the example of the page: order and task together, and the task begins within 2 s of the commit', async () => {
    const shop = await connect()
    const waits: number[] = []
    // The median of some, as a machine may be busy at one of them.
    for (let order = 1; order <= 5; order += 1) {
      await shop.query(TRANSACTION.replace('values (1,', `values (${order},`))
      const committed = performance.now()
      const charges = () => world.service.requests.filter(({ action }) => action === 'charge')
      await world.service.until(() => charges().length === order)
      waits.push((charges().at(-1)?.at ?? Infinity) - committed)
      expect(String(charges().at(-1)?.body)).to.equal('{"order":1}')
    }
    expect(waits.sort((a, b) => a - b)[2], waits.join()).to.be.below(2_000)
    expect(await codeOf(shop, TRANSACTION), 'an order that is there').to.equal('23505')
    await shop.query('rollback')
    expect(await world.sql(`select count(*)::integer as charges from tasks where action = 'charge'`)).to.deep.equal([
      { charges: 5 },
    ])
  })

  it('has no task of a savepoint that it went back to, and no order when the task is refused', async () => {
    const shop = await connect()
    await shop.query('begin; savepoint before')
    const gone = await submit(shop, `service => 'billing', action => 'ok'`)
    await shop.query('rollback to before; commit')
    expect((await ask('GET', url + gone)).status).to.equal(404)
    await shop.query('begin; insert into orders values (6, 20)')
    expect(await codeOf(shop, `select task_api.submit(service => 'billing', action => '..')`)).to.equal('22023')
    expect((await shop.query('commit')).command).to.equal('ROLLBACK')
    expect(await world.sql('select from public.orders where id = 6')).to.deep.equal([])
  })

  it('is not misled by what stands first in the search path of the caller', async () => {
    const shop = await connect()
    const raises = `language plpgsql as $$ begin raise exception 'evil'; end $$`
    await shop.query(`
      create table evil.tasks (id bigint); create table evil.task_labels (label text, task bigint);
      create temporary table tasks (id bigint);
      create function evil.clock_timestamp() returns timestamptz ${raises};
      create function evil.gen_random_uuid() returns uuid ${raises};
      create function evil.octet_length(text) returns integer ${raises};
      create function evil.differs(text, text) returns boolean ${raises};
      create operator evil.!~ (function = evil.differs, leftarg = text, rightarg = text);
      set search_path = evil, pg_temp, pg_catalog`)
    const location = await submit(
      shop,
      `service => 'svc', action => 'echo', payload => '[1.0]', labels => '{"a":"evil"}'`,
    )
    expect(await ended(url, location)).to.include({ status: 'complete' })
    expect(String(world.service.of(location)[0]?.body)).to.equal('[1.0]')
    expect((await ask('GET', `${url}/tasks?label.a=evil`)).json).to.have.length(1)
    expect((await shop.query('select from evil.tasks, pg_temp.tasks, evil.task_labels')).rowCount).to.equal(0)
  })

  for (const end of ['commit', 'rollback'] as const)
    it(`waits for a transaction that holds its \`unique\`, until the ${end} of that`, async () => {
      const args = `service => 'svc', action => 'ok', delay => '1h', "unique" => 'until ${end}'`
      const [first, second] = [await connect(), await connect()]
      await first.query('begin')
      const held = await submit(first, args)
      const waiting = submit(second, args)
      await eventually(async () => {
        const blocked = `select from pg_stat_activity where usename = 'shop' and wait_event_type = 'Lock'`
        expect(await world.sql(blocked)).to.have.length(1)
      })
      await first.query(end)
      const made = await waiting
      expect(made === held).to.equal(end === 'commit')
      expect(await submit(first, args)).to.equal(made)
      expect((await ask('GET', `${url}${made}?view=full`)).json).to.include({
        unique: `until ${end}`,
        caller: 'sql:shop',
      })
    })

  it('may have a payload of 1 MiB, and no byte more', async () => {
    const shop = await connect()
    const of = (bytes: number): string =>
      `select task_api.submit(service => 'svc', action => 'ok', payload => to_json(repeat('x', ${bytes - 2})))`
    expect(await codeOf(shop, of(1_048_576))).to.equal(undefined)
    expect(await codeOf(shop, of(1_048_577))).to.equal('22023')
  })

  it('has a task of an unknown service end as unknown_service', async () => {
    // A node for which a service is forgotten after a second.
    await world.node({ services: { svc: {}, billing: {} } })
    const location = await submit(await connect(), `service => 'nobody', action => 'ok'`)
    const { status, error } = await ended(url, location)
    expect([status, error?.code]).to.deep.equal(['failed', 'unknown_service'])
  })
})
