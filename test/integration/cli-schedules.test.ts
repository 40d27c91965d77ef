// The command `schedules`, against a scripted API.
import { expect } from 'chai'
import { FakeApi, problem, task } from './fake-api.ts'

const shown = (name: string, more: Record<string, unknown> = {}): Record<string, unknown> => ({
  name,
  cron: '0 3 * * *',
  timezone: 'Europe/Berlin',
  task: { service: 'svc', action: 'act', payload: {} },
  overlap: 'allow',
  missed: 'one',
  paused: false,
  nextAt: '2027-01-01T02:00:00.000Z',
  next: ['2027-01-01T02:00:00.000Z'],
  lastAt: null,
  lastTask: null,
  ...more,
})
const answer = (value: unknown, status = 200, headers: Record<string, string> = {}) => ({
  status,
  headers,
  body: JSON.stringify(value),
})

describe('the command schedules', () => {
  const api = new FakeApi()
  before(() => api.start())
  after(() => api.stop())

  it('lists all, page by page', async () => {
    const link = { link: '</schedules?limit=1&afterName=a>; rel="next"' }
    api.script(answer([shown('a')], 200, link), answer([shown('b', { paused: true, lastTask: '/tasks/7' })]))
    const { code, out } = await api.run(['schedules'])
    expect(code).to.equal(0)
    const lines = out.trim().split('\n')
    expect(lines).to.have.length(3)
    expect(lines[1]).to.match(/^a +2027-01-01T02:00:00\.000Z +- +0 3 \* \* \* {2}Europe\/Berlin$/)
    expect(lines[2]).to.match(/^b +paused +7 /)
    expect(api.seen.map(({ line }) => line)).to.deep.equal(['GET /schedules', 'GET /schedules?limit=1&afterName=a'])
    api.script(answer([shown('a'), shown('b')]))
    const json = await api.run(['schedules', '--json'])
    expect(
      json.out
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { name: string }).name),
    ).to.deep.equal(['a', 'b'])
  })

  it('shows some, each member on a line', async () => {
    api.script(answer(shown('a')), answer(shown('b')))
    const { code, out } = await api.run(['schedules', 'show', 'a', 'b'])
    expect(code).to.equal(0)
    expect(out).to.include('name          "a"\ncron          "0 3 * * *"\n').and.to.not.include('lastAt')
    expect(api.seen.map(({ line }) => line)).to.deep.equal(['GET /schedules/a', 'GET /schedules/b'])
  })

  it('sets one with what the options say', async () => {
    api.script(answer(shown('nightly'), 201, { location: '/schedules/nightly' }))
    const options = ['--timezone', 'Europe/Berlin', '--overlap', 'skip', '--missed', 'none', '--priority', 'low']
    const more = ['--deadline', '2h', '--label', 'a=b', '--callback', 'audit/seen']
    const { code, out } = await api.run([
      'schedules',
      'set',
      'nightly',
      '0 3 * * *',
      'svc',
      'act',
      '{"n": 1}',
      ...options,
      ...more,
    ])
    expect([code, out]).to.deep.equal([0, 'schedule nightly created, next at 2027-01-01T02:00:00.000Z\n'])
    const [seen] = api.seen
    expect(seen?.line).to.equal('PUT /schedules/nightly')
    expect(seen?.body).to.include('"payload":{"n": 1}')
    expect(JSON.parse(seen?.body ?? '')).to.deep.equal({
      cron: '0 3 * * *',
      timezone: 'Europe/Berlin',
      overlap: 'skip',
      missed: 'none',
      task: {
        service: 'svc',
        action: 'act',
        payload: { n: 1 },
        priority: 'low',
        deadline: '2h',
        labels: { a: 'b' },
        callback: { service: 'audit', action: 'seen' },
      },
    })
    api.script(answer(shown('nightly', { paused: true })))
    const paused = await api.run(['schedules', 'set', 'nightly', '0 3 * * *', 'svc', 'act', '--paused'])
    expect(paused.out).to.equal('schedule nightly replaced, paused\n')
    expect(JSON.parse(api.seen[0]?.body ?? '')).to.deep.equal({
      cron: '0 3 * * *',
      paused: true,
      task: { service: 'svc', action: 'act' },
    })
  })

  it('runs, pauses, resumes and deletes', async () => {
    const created = { status: 302, headers: { location: '/tasks/9' }, body: task(9, 'pending') }
    api.script(created)
    expect((await api.run(['schedules', 'run', 'a', '--idempotency-key', 'k'])).out).to.equal(
      'schedule a: task 9 created\n',
    )
    expect(api.seen[0]).to.deep.include({ line: 'POST /schedules/a/run' })
    expect(api.seen[0]?.headers).to.include({ 'idempotency-key': 'k' })
    api.script(created, { status: 200, body: task(9, 'failed', ',"step":0,"attempt":1,"error":{"code":"x"}') })
    expect((await api.run(['schedules', 'run', 'a', '--wait'])).code).to.equal(1)
    for (const [verb, past] of [
      ['pause', 'paused'],
      ['resume', 'resumed'],
    ] as const) {
      api.script(answer(shown('a')))
      expect((await api.run(['schedules', verb, 'a'])).out).to.equal(`schedule a ${past}\n`)
      expect(api.seen[0]?.line).to.equal(`POST /schedules/a/${verb}`)
    }
    api.script(204, problem(404, 'not_found'), 204)
    const { code, out, err } = await api.run(['schedules', 'delete', 'a', 'b', 'c'])
    expect([code, out]).to.deep.equal([3, 'schedule a deleted\nschedule c deleted\n'])
    expect(err).to.include('schedule b: ')
  })

  for (const argv of [
    ['start', 'a'],
    ['show'],
    ['show', 'a b'],
    ['set', 'a', '* * * * *', 'svc'],
    ['set', 'a', '* * * * *', 'svc', 'act', '{'],
    ['set', 'a', '* * * * *', 'svc', 'act', '{}', '--wait'],
    ['set', 'a', '* * * * *', 'svc', 'act', '{}', '--delay', '1s'],
    ['run', 'a', '--paused'],
    ['delete', '..'],
    ['pause', 'a', '--timezone', 'UTC'],
  ])
    it(`refuses ${argv.join(' ')}, and asks nothing`, async () => {
      api.script()
      expect((await api.run(['schedules', ...argv])).code).to.equal(2)
      expect(api.seen).to.deep.equal([])
    })
})
