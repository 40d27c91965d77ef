// A task in the transaction of an application: it exists if and only if that transaction commits.
import { expect } from 'chai'
import pg from 'pg'
import { eventually } from '../../support/eventually.ts'
import { ended, openWorld, type World } from '../../support/world.ts'
import { ask } from './asks.ts'

describe('task_api.submit', () => {
  let world: World
  let url: string
  let app: pg.Client
  before(async () => {
    world = await openWorld()
    url = (await world.node()).url
    await world.sql(`drop role if exists shop`)
    await world.sql(`create role shop login password 'shop'`)
    await world.sql('grant usage on schema task_api to shop')
    await world.sql('grant execute on function task_api.submit to shop')
    const address = new URL(world.databaseUrl)
    address.username = 'shop'
    address.password = 'shop'
    app = new pg.Client(address.href)
    await app.connect()
  })
  after(async () => {
    await app.end()
    await world.sql('drop owned by shop')
    await world.sql('drop role shop')
    await world.close()
  })

  const submit = async (args: string, values: readonly unknown[] = []): Promise<string> => {
    const { rows } = await app.query<{ submit: string }>(`select task_api.submit(${args})`, [...values])
    return `/tasks/${rows[0]?.submit}`
  }

  it('makes a task when the transaction commits, and none when it is rolled back', async () => {
    await app.query('begin')
    const location = await submit(`service => 'svc', action => 'echo', payload => '{"order":  1}'`)
    expect((await ask('GET', `${url}${location}`)).status).to.equal(404)
    await app.query('commit')
    expect(await ended(url, location)).to.include({ status: 'complete' })
    expect(String(world.service.of(location)[0]?.body)).to.equal('{"order":  1}')
    expect((await ask('GET', `${url}${location}?view=full`)).json).to.include({ caller: 'sql:shop' })
    await app.query('begin')
    const gone = await submit(`service => 'svc', action => 'ok'`)
    await app.query('rollback')
    await eventually(async () => expect((await ask('GET', `${url}${gone}`)).status).to.equal(404))
  })

  it('takes the members of a task', async () => {
    const location = await submit(
      `service => 'svc', action => 'ok', delay => '1h', priority => 'low', deadline => '2h', labels => '{"a":"b"}', "unique" => 'u', callback => '{"service":"svc","action":"ok"}'`,
    )
    const { json } = await ask('GET', `${url}${location}?view=full`)
    expect(json).to.deep.include({ status: 'pending', priority: 'low', labels: { a: 'b' }, unique: 'u' })
    expect(Date.parse(json.deadlineAt) - Date.parse(json.runAt)).to.be.within(7_199_990, 7_200_010)
    expect(await submit(`service => 'svc', action => 'ok', "unique" => 'u'`)).to.equal(location)
    expect((await ask('GET', `${url}/tasks?label.a=b`)).json).to.have.length(1)
    const at = await submit(`service => 'nobody', action => 'ok', runAt => now() + interval '1 day'`)
    expect((await ask('GET', `${url}${at}`)).json).to.include({ service: 'nobody' })
  })

  for (const [what, args] of Object.entries({
    'a service that cannot be one': `service => 'a b', action => 'ok'`,
    'no service': `service => null, action => 'ok'`,
    'an action that cannot be one': `service => 'svc', action => '..'`,
    'a payload over 1 MiB': `service => 'svc', action => 'ok', payload => to_json(repeat('x', 1048576))`,
    'a payload that is not JSON': `service => 'svc', action => 'ok', payload => '{'`,
    'a delay without a unit': `service => 'svc', action => 'ok', delay => '5'`,
    'a delay that is too long': `service => 'svc', action => 'ok', delay => '367d'`,
    'both times': `service => 'svc', action => 'ok', delay => '5s', runAt => now()`,
    'a priority that is none': `service => 'svc', action => 'ok', priority => 'urgent'`,
    'a label that is a number': `service => 'svc', action => 'ok', labels => '{"a":1}'`,
    'an empty unique': `service => 'svc', action => 'ok', "unique" => ''`,
    'a callback without an action': `service => 'svc', action => 'ok', callback => '{"service":"svc"}'`,
  }))
    it(`raises on ${what}`, async () => {
      const error = await submit(args).catch((thrown: unknown) => thrown)
      expect(error).to.be.instanceOf(pg.DatabaseError)
      expect((error as pg.DatabaseError).code).to.match(/^22/)
    })

  it('needs the right to it, and gives no other', async () => {
    for (const statement of ['select * from tasks', `insert into tasks (service) values ('svc')`]) {
      const error = await app.query(statement).catch((thrown: unknown) => thrown)
      expect((error as pg.DatabaseError).code).to.equal('42501')
    }
    await world.sql('revoke execute on function task_api.submit from shop')
    const error = await submit(`service => 'svc', action => 'ok'`).catch((thrown: unknown) => thrown)
    expect((error as pg.DatabaseError).code).to.equal('42501')
  })
})
