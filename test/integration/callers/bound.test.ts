// Keys with `services`: no other service is named, seen or changed with them.
import { expect } from 'chai'
import { aKey, as } from '../../support/keys.ts'
import { openWorld, type World } from '../../support/world.ts'
import { ask, type Told } from './asks.ts'

describe('a key with `services`', () => {
  let world: World
  let url: string
  before(async () => {
    world = await openWorld()
    const keys = [
      aKey('one', { services: ['svc'] }),
      aKey('two', { services: ['svc', 'third'] }),
      aKey('operator', { scopes: ['operate', 'read'] }),
      aKey('canceller', { scopes: ['cancel'] }),
      aKey('all'),
    ]
    const services = {
      svc: { onCancel: 'ok' },
      other: {},
      third: {},
      told: { callback: { service: 'other', action: 'ok' } },
    }
    url = (await world.node({ keys, services })).url
  })
  after(() => world.close())

  const by = (name: string, method: string, path: string, body?: unknown, more = {}): Promise<Told> =>
    ask(method, `${url}${path}`, body, { ...as(name), ...more })
  const submit = async (name: string, service: string, more: Record<string, unknown> = {}): Promise<string> => {
    const { status, location, text } = await by(name, 'POST', '/tasks', { service, action: 'ok', ...more })
    expect(status, text).to.equal(302)
    return location
  }
  const task = (service: string, more = {}): object => ({ service, action: 'ok', ...more })
  const schedule = (of: object): object => ({ cron: '0 3 1 1 *', task: of })
  const elsewhere = { callback: { service: 'other', action: 'ok' } }
  const many = Array.from({ length: 4 }, (_, i) => task(i === 3 ? 'other' : 'svc', i === 1 ? elsewhere : {}))

  for (const [what, path, body, pointers] of [
    ['a task', '/tasks', task('other'), ['/service']],
    ['a task of no service', '/tasks', task('nope'), ['/service']],
    ['a callback', '/tasks', task('svc', elsewhere), ['/callback/service']],
    ['items of a batch', '/tasks/batch', many, ['/1/callback/service', '/3/service']],
    ['a task, before its other faults', '/tasks', { service: 'other', nope: 1 }, ['/service']],
  ] as const)
    it(`does not submit ${what} elsewhere`, async () => {
      const { status, json } = await by('one', 'POST', path, body)
      expect([status, json.code]).to.deep.equal([403, 'not_allowed'])
      expect((json.errors as { pointer: string }[]).map(({ pointer }) => pointer)).to.deep.equal(pointers)
    })

  it('puts no schedule elsewhere, nor over one that is elsewhere', async () => {
    for (const [of, pointer] of [
      [task('other'), '/task/service'],
      [task('svc', elsewhere), '/task/callback/service'],
    ] as const) {
      // prettier-ignore
      const { status, json } = await by('one', 'PUT', '/schedules/s1', schedule(of))
      expect([status, json.code, json.errors[0].pointer]).to.deep.equal([403, 'not_allowed', pointer])
    }
    const { status, json } = await by('operator', 'PUT', '/schedules/s1', schedule(task('svc')))
    expect([status, json.errors[0].pointer], 'without submit').to.deep.equal([403, '/task/service'])
    expect((await by('all', 'PUT', '/schedules/s1', schedule(task('other')))).status).to.equal(201)
    expect((await by('one', 'PUT', '/schedules/s1', schedule(task('svc')))).json.code).to.equal('not_allowed')
    expect((await by('all', 'GET', '/schedules/s1')).json.task.service).to.equal('other')
  })

  it('sees and changes the schedules of its services only', async () => {
    expect((await by('all', 'PUT', '/schedules/theirs', schedule(task('other')))).status).to.equal(201)
    expect((await by('one', 'PUT', '/schedules/its', schedule(task('svc')))).status).to.equal(201)
    const names = ((await by('one', 'GET', '/schedules')).json as { name: string }[]).map(({ name }) => name)
    expect(names).to.include('its').and.not.include('theirs')
    for (const [method, rest] of [
      ['GET', ''],
      ['POST', '/run'],
      ['POST', '/pause'],
      ['POST', '/resume'],
      ['DELETE', ''],
    ] as const) {
      // prettier-ignore
      const [told, absent] = [await by('one', method, `/schedules/theirs${rest}`), await by('one', method, `/schedules/nope${rest}`)] // prettier-ignore
      expect([told.status, told.text], `${method} ${rest}`).to.deep.equal([404, absent.text])
      expect((await by('one', method, `/schedules/its${rest}`)).status, `${method} ${rest}`).to.be.lessThan(400)
    }
    const run = await by('one', 'POST', '/schedules/theirs/run', undefined, { 'idempotency-key': 'r' })
    expect(run.status).to.equal(404)
    expect(await world.sql(`select from tasks where service = ''`)).to.deep.equal([])
    expect((await by('all', 'GET', '/schedules/theirs')).json.paused).to.equal(false)
  })

  it('is told nothing of a task elsewhere', async () => {
    const location = await submit('all', 'other', { delay: '1h' })
    for (const [method, rest] of [
      ['GET', ''],
      ['GET', '/attempts'],
      ['GET', '/explain'],
      ['GET', '/events'],
      ['POST', '/cancel'],
      ['POST', '/retry'],
      ['DELETE', ''],
    ] as const) {
      // prettier-ignore
      const [told, absent] = [await by('one', method, location + rest), await by('one', method, `/tasks/9000000000000000000${rest}`)] // prettier-ignore
      expect([told.status, told.text], `${method} ${rest}`).to.deep.equal([404, absent.text])
    }
    expect((await by('one', 'PATCH', location, { delay: '2h' })).status).to.equal(404)
    expect((await by('all', 'GET', location)).json.status).to.equal('pending')
  })

  it('finds and changes many tasks of its services only', async () => {
    const labels = { of: 'many' }
    const more = { labels, delay: '1h' }
    const [inside, third, outside] = [await submit('all', 'svc', more), await submit('all', 'third', more), await submit('all', 'other', more)] // prettier-ignore
    const found = async (name: string, query: string): Promise<string[]> =>
      ((await by(name, 'GET', `/tasks?limit=1000&${query}`)).json as { location: string }[]).map(
        ({ location }) => location,
      )
    for (const query of [
      '',
      'label.of=many',
      'status=pending',
      'service=svc',
      `ids=${outside.slice(7)},${inside.slice(7)}`,
    ]) {
      // prettier-ignore
      expect(await found('one', query), query).to.include(inside).and.not.include.members([outside])
      expect(await found('one', query), query).not.to.include(third)
    }
    expect(await found('two', 'label.of=many')).to.have.members([inside, third])
    expect(await found('two', ''))
      .to.include.members([inside, third])
      .and.not.include(outside)
    for (const [method, path] of [
      ['GET', '/tasks'],
      ['POST', '/tasks/cancel'],
      ['POST', '/tasks/retry'],
      ['POST', '/tasks/delete'],
    ] as const) {
      // prettier-ignore
      const { status, json } = await by('one', method, `${path}?service=other`)
      expect([status, json.code, json.errors[0].parameter], path).to.deep.equal([403, 'not_allowed', 'service'])
    }
    expect((await by('two', 'POST', '/tasks/delete?label.of=many')).json).to.include({ matched: 2, done: 2 })
    expect((await by('all', 'GET', outside)).status).to.equal(200)
  })

  it('sees and changes its services only', async () => {
    const names = ((await by('two', 'GET', '/services')).json as { name: string }[]).map(({ name }) => name)
    expect(names).to.deep.equal(['svc', 'third'])
    for (const name of ['other', 'nope', 'a%20b'])
      for (const [method, rest] of [
        ['GET', ''],
        ['POST', '/pause'],
        ['POST', '/resume'],
      ] as const)
        expect((await by('one', method, `/services/${name}${rest}`)).json.code, name).to.equal('not_allowed')
    expect((await by('one', 'PATCH', '/services/other', { limit: null })).status).to.equal(403)
    expect((await by('one', 'POST', '/services/reload')).json.code).to.equal('not_allowed')
    expect((await by('one', 'POST', '/services/svc/pause', { reason: 'x' })).json.paused.by).to.equal('one')
    expect((await by('one', 'POST', '/services/svc/resume')).json.paused).to.equal(null)
  })

  it('leaves what a service has configured to the service', async () => {
    expect((await by('all', 'POST', '/tasks', task('told'))).status).to.equal(302)
    const begun = await submit('one', 'svc', { action: 'held' })
    await world.service.until(() => world.service.of(begun).length > 0)
    expect((await by('canceller', 'POST', `${begun}/cancel`)).json).to.deep.equal({ location: begun })
    const undone = await world.sql(`select from tasks where payload ->> 'location' = $1`, [begun])
    expect(undone).to.have.length(1)
  })
})
