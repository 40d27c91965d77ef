// The audit: what lines the log has of changes and of refused keys, and from where they came.
import { expect } from 'chai'
import { Refusals } from '../../../src/api/refusals.ts'
import type { Context } from 'koa'
import { Refusal } from '../../../src/core/refusal.ts'
import { makeLog } from '../../../src/telemetry/log.ts'
import { eventually } from '../../support/eventually.ts'
import { aKey, as } from '../../support/keys.ts'
import { aTask, type Opened, openApi, outage } from './support.ts'

describe('the audit', () => {
  let open: Opened
  beforeEach(async () => {
    open = await openApi({}, 'info')
  })
  afterEach(() => open.api.stop())

  const send = async (method: string, path: string, body?: string): Promise<number> => {
    const headers = { 'X-Forwarded-For': '6.6.6.6', Forwarded: 'for=6.6.6.6', 'Content-Type': 'application/json' }
    const response = await open.request(path, { method, headers, ...(body === undefined ? {} : { body }) })
    await response.text()
    return response.status
  }
  /** The lines of the audit, without what all lines have; taken away. */
  const lines = (): object[] =>
    open.backstage.logged.splice(0).flatMap((line) => {
      const { event, time: _time, node: _node, msg: _msg, ...rest } = line
      return event === 'audit' ? [rest] : []
    })
  const one = { level: 30, who: '-', from: '127.0.0.1', outcome: 'ok' }

  const changes = [
    ['POST', '/services/billing/pause', 'services.pause', 'billing'],
    ['POST', '/services/billing/resume', 'services.resume', 'billing'],
    ['PATCH', '/services/billing', 'services.patch', 'billing', '{"limit":null}'],
    ['POST', '/services/reload', 'services.reload', '-'],
    ['PUT', '/schedules/1', 'schedules.put', '1', '{"cron":"0 3 * * *","task":{"service":"billing","action":"a"}}'],
    ['POST', '/schedules/1/pause', 'schedules.pause', '1'],
    ['POST', '/schedules/1/resume', 'schedules.resume', '1'],
    ['DELETE', '/schedules/1', 'schedules.delete', '1'],
  ] as const
  for (const [method, path, what, target, body] of changes)
    it(`has one line of ${method} ${path}`, async () => {
      expect(await send(method, path, body)).to.be.within(200, 204)
      expect(lines()).to.deep.equal([{ ...one, what, target }])
    })

  for (const verb of ['cancel', 'retry', 'delete'])
    it(`says how many tasks a bulk ${verb} has changed, and what chose them; a dry run is no change`, async () => {
      expect(await send('POST', `/tasks/${verb}?status=failed&service=billing`)).to.equal(200)
      expect(await send('POST', `/tasks/${verb}?status=failed&dryRun=true`)).to.equal(200)
      expect(lines()).to.deep.equal([
        { ...one, what: `tasks.${verb}`, target: 'status=failed&service=billing', count: 0 },
      ])
    })

  it('has no line of what changes nothing, or a single task', async () => {
    open.backstage.tasks.set('1', aTask())
    await send('POST', '/tasks', '{"service":"billing","action":"a"}')
    await send('POST', '/tasks/1/cancel')
    await send('DELETE', '/tasks/1')
    await send('GET', '/services/billing')
    expect(await send('PATCH', '/services/billing', '{"limit":5}')).to.equal(400)
    expect(await send('POST', '/services/b%20b/pause')).to.equal(404)
    expect(await send('POST', '/tasks/cancel')).to.equal(400)
    expect(lines()).to.deep.equal([])
  })

  it('has a line of a change that may have been made, and none of one that was not', async () => {
    open.backstage.before = outage('outcome_unknown')
    expect(await send('POST', '/tasks/cancel?status=pending')).to.equal(503)
    open.backstage.before = outage('unavailable')
    expect(await send('POST', '/tasks/cancel?status=pending')).to.equal(503)
    expect(lines()).to.deep.equal([
      { ...one, what: 'tasks.cancel', target: 'status=pending', outcome: 'outcome_unknown' },
    ])
  })

  it('cuts a long query', async () => {
    const query = ['a', 'b', 'c', 'd', 'e'].map((name) => `label.${name}=${'b'.repeat(250)}`).join('&')
    expect(await send('POST', `/tasks/cancel?${query}`)).to.equal(200)
    expect(lines()).to.deep.equal([{ ...one, what: 'tasks.cancel', target: query.slice(0, 1_000), count: 0 }])
  })
})

describe('the audit with keys', () => {
  it('names the key, also where its scope is missing, and never its token', async () => {
    await using open = await openApi({}, 'info')
    open.backstage.callers.set('ops', aKey('ops'))
    open.backstage.callers.set('eyes', aKey('eyes', { scopes: ['read'] }))
    const pause = async (headers: Record<string, string>): Promise<number> =>
      (await open.request('/services/billing/pause', { method: 'POST', headers })).status
    expect([
      await pause({ ...as('ops') }),
      await pause({ ...as('eyes') }),
      await pause({ ...as('nobody') }),
      await pause({}),
    ]).to.deep.equal(
      [200, 403, 401, 401], // prettier-ignore
    )
    const lines = open.backstage.logged.map(({ event, level, who, what, target, outcome, count }) =>
      [event, level, who, what, target, outcome, count].join(' '),
    )
    expect(lines).to.deep.equal([
      'audit 30 ops services.pause billing ok ',
      'audit 40 eyes POST /services/billing/pause not_allowed 1',
      'audit 40 - POST /services/billing/pause unauthorized 1',
      'audit 40 - POST /services/billing/pause unauthorized 1',
    ])
    expect(JSON.stringify(open.backstage.logged)).not.to.contain('tk_')
  })
})

describe('refused keys in the audit', () => {
  it('have ten lines a second at most, and then one for the rest of that second', async () => {
    const logged: Record<string, unknown>[] = []
    const refusals = new Refusals(makeLog('warn', { node: 'n' }, (line) => logged.push(JSON.parse(line) as never)))
    const ctx = { method: 'GET', path: '/tasks', state: {}, req: { socket: {} } } as Context
    for (let i = 0; i < 500; i++) refusals.tell(ctx, new Refusal('unauthorized', ''))
    refusals.tell(ctx, new Refusal('not_found', ''))
    expect(logged).to.have.length(10)
    await eventually(() => expect(logged).to.have.length(11))
    const line = {
      event: 'audit',
      level: 40,
      who: '-',
      what: 'GET',
      target: '/tasks',
      from: '-',
      outcome: 'unauthorized',
    }
    for (const one of logged) expect(one).to.deep.include(line)
    expect(logged.map(({ count }) => count)).to.deep.equal([...Array<number>(10).fill(1), 490])
    refusals.tell(ctx, new Refusal('unauthorized', ''))
    expect(logged.at(-1)).to.include({ count: 1 })
  })
})
