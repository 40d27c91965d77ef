// Schedules that are refused: each fault has its pointer, and the schedule of before stays as it was.
import { expect } from 'chai'
import { openWorld, type World } from '../../support/world.ts'
import { ask, type Told } from './asks.ts'

const TASK = { service: 'svc', action: 'ok' }
const BODY = { cron: '0 0 1 1 *', task: TASK }

/** The faults of a body: what is changed in it, the pointers, and the code where it is another one. */
const FAULTS: Readonly<Record<string, readonly [Record<string, unknown>, readonly string[], code?: string]>> = {
  'no cron': [{ cron: undefined }, ['/cron']],
  'a cron that is a number': [{ cron: 5 }, ['/cron']],
  'four fields': [{ cron: '0 3 * *' }, ['/cron']],
  'seven fields': [{ cron: '0 0 3 * * * 2027' }, ['/cron']],
  'a name for a cron': [{ cron: '@daily' }, ['/cron']],
  'a date for a cron': [{ cron: '2027-01-01T00:00:00' }, ['/cron']],
  'a minute that is none': [{ cron: '60 3 * * *' }, ['/cron']],
  'a time that never comes': [{ cron: '0 0 30 2 *' }, ['/cron']],
  'a time that never comes in any month': [{ cron: '0 0 1-6 * +MON#5,TUE#5,WED#5,THU#5,FRI#5,SAT#5,SUN#5' }, ['/cron']],
  'a zone that is none': [{ timezone: 'Europe/Atlantis' }, ['/timezone']],
  'an offset for a zone': [{ timezone: '+01:00' }, ['/timezone']],
  'null for a zone': [{ timezone: null }, ['/timezone']],
  'an overlap that is none': [{ overlap: 'wait' }, ['/overlap']],
  'a missed that is none': [{ missed: 'all' }, ['/missed']],
  'a paused that is none': [{ paused: 'false' }, ['/paused']],
  'no task': [{ task: undefined }, ['/task']],
  'a task that is a list': [{ task: [TASK] }, ['/task']],
  'an empty task': [{ task: {} }, ['/task/service', '/task/action']],
  'a service that is not registered': [{ task: { ...TASK, service: 'nobody' } }, ['/task/service'], 'unknown_service'],
  'an action that cannot be one': [{ task: { ...TASK, action: 'a b' } }, ['/task/action']],
  'a unique': [{ task: { ...TASK, unique: 'u' } }, ['/task/unique']],
  'a delay': [{ task: { ...TASK, delay: '1s' } }, ['/task/delay']],
  'a time': [{ task: { ...TASK, runAt: '2027-01-01T00:00:00Z' } }, ['/task/runAt']],
  'a priority that is none': [{ task: { ...TASK, priority: 'urgent' } }, ['/task/priority']],
  'a label that is a number': [{ task: { ...TASK, labels: { a: 1 } } }, ['/task/labels/a']],
  'a label with NUL': [{ task: { ...TASK, labels: { a: '\0' } } }, ['/task/labels/a']],
  'a callback to nobody': [
    { task: { ...TASK, callback: { service: 'nobody', action: 'a' } } },
    ['/task/callback/service'],
    'unknown_service',
  ],
  'a member that a task has not': [{ task: { ...TASK, cron: '* * * * *' } }, ['/task/cron']],
  'a member that a schedule has not': [{ name: 'other' }, ['/name']],
  'many faults': [
    { cron: '*', timezone: 1, overlap: 2, missed: 3, paused: 4, task: 5 },
    ['/cron', '/timezone', '/overlap', '/missed', '/paused', '/task'],
  ],
}

describe('a PUT of a schedule', () => {
  let world: World
  let url: string
  let first: Told
  before(async () => {
    world = await openWorld()
    url = (await world.node()).url
    first = await put('same', { ...BODY, task: { ...TASK, payload: 1 } })
  })
  after(() => world.close())

  const put = (name: string, body: unknown): Promise<Told> => ask('PUT', `${url}/schedules/${name}`, body)

  for (const [what, [change, pointers, code = 'invalid_schedule']] of Object.entries(FAULTS))
    it(`is refused with ${what}, and changes nothing`, async () => {
      const { status, json, headers } = await put('same', { ...BODY, ...change })
      expect([status, json.code]).to.deep.equal([400, code])
      expect(headers.get('content-type')).to.equal('application/problem+json')
      expect(json.errors.map((fault: { pointer: string }) => fault.pointer)).to.deep.equal(pointers)
      expect((await ask('GET', `${url}/schedules/same`)).json).to.deep.equal(first.json)
      expect((await put('new', { ...BODY, ...change })).status).to.equal(400)
      expect((await ask('GET', `${url}/schedules/new`)).status).to.equal(404)
    })

  for (const [what, body, status, code] of [
    ['a body that is not JSON', '{', 400, 'malformed_json'],
    ['a list', '[]', 400, 'invalid_schedule'],
    [
      'a member given twice',
      '{"cron":"* * * * *","cron":"* * * * *","task":{"service":"svc","action":"ok"}}',
      400,
      'invalid_schedule',
    ],
    [
      'a member of its task given twice',
      '{"cron":"* * * * *","task":{"service":"svc","action":"ok","action":"ok"}}',
      400,
      'invalid_schedule',
    ],
    [
      'a body that is too deep',
      `{"cron":"* * * * *","task":{"service":"svc","action":"ok","payload":${'['.repeat(511)}${']'.repeat(511)}}}`,
      400,
      'too_deep',
    ],
    [
      'a body over 1 MiB',
      JSON.stringify({ ...BODY, task: { ...TASK, payload: 'x'.repeat(1_048_576) } }),
      413,
      'body_too_large',
    ],
  ] as const)
    it(`is refused with ${what}`, async () => {
      const told = await put('same', body)
      expect([told.status, told.json.code]).to.deep.equal([status, code])
      expect((await ask('GET', `${url}/schedules/same`)).json).to.deep.equal(first.json)
    })

  it('is refused without a body, and with one that is not declared as JSON', async () => {
    expect((await ask('PUT', `${url}/schedules/same`)).status).to.equal(415)
    expect((await ask('PUT', `${url}/schedules/same`, BODY, { 'content-type': 'text/plain' })).status).to.equal(415)
  })

  it('is refused under a name that is none, which nobody has', async () => {
    for (const name of ['a%20b', 'x'.repeat(101), 'a%2Fb', '%00', 'ä'.repeat(2)]) {
      const { status, json } = await put(name, BODY)
      expect([status, json.code, json.errors?.[0]?.parameter], name).to.deep.equal([400, 'invalid_schedule', 'name'])
      expect((await ask('GET', `${url}/schedules/${name}`)).status, name).to.equal(404)
    }
    expect((await put('x'.repeat(100), BODY)).status).to.equal(201)
    expect((await put('A-z.0_9', BODY)).status).to.equal(201)
  })

  it('reads what GET of a schedule has shown', async () => {
    const all = {
      ...BODY,
      timezone: 'Asia/Kolkata',
      task: { ...TASK, priority: 'low', deadline: '90s', labels: { __proto__x: 'b' } },
      overlap: 'skip',
      missed: 'none',
      paused: true,
    }
    const { cron, timezone, task, overlap, missed, paused } = (await put('round', all)).json
    const again = await put('round', { cron, timezone, task, overlap, missed, paused })
    expect([again.status, again.json]).to.deep.equal([200, (await ask('GET', `${url}/schedules/round`)).json])
    expect(again.json).to.deep.include({ ...all, task: { ...all.task, payload: {} } })
  })

  it('refuses members of a run', async () => {
    const { status, json } = await ask('POST', `${url}/schedules/same/run`, { payload: 1 })
    expect([status, json.code, json.errors[0].pointer]).to.deep.equal([400, 'invalid_schedule', '/payload'])
  })
})
