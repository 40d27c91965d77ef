// The commands of callers who submit once, many, later; who change and retry; against a scripted API.
import { expect } from 'chai'
import { FakeApi, task } from './fake-api.ts'

const created = (id: number, headers: Record<string, string> = {}) => ({
  status: 302,
  headers: { location: `/tasks/${id}`, ...headers },
  body: task(id, 'pending'),
})
const json = (value: unknown, headers: Record<string, string> = {}) => ({
  status: 200,
  headers,
  body: JSON.stringify(value),
})

describe('the commands of callers', () => {
  const api = new FakeApi()
  before(() => api.start())
  after(() => api.stop())

  describe('submit', () => {
    it('sends what the options say, and the key as a header', async () => {
      api.script(created(7))
      const options = ['--delay', '15m', '--priority', 'high', '--deadline', '2h', '--label', 'a=b', '--label', 'c=d=e']
      const more = ['--unique', 'u', '--callback', 'audit/seen', '--idempotency-key', 'k1']
      const { code, out } = await api.run(['submit', 'svc', 'act', '{"n":1}', ...options, ...more])
      expect([code, out]).to.deep.equal([0, 'task 7 created\n'])
      const [seen] = api.seen
      expect(JSON.parse(seen?.body ?? '')).to.deep.equal({
        service: 'svc',
        action: 'act',
        payload: { n: 1 },
        delay: '15m',
        priority: 'high',
        deadline: '2h',
        unique: 'u',
        labels: { a: 'b', c: 'd=e' },
        callback: { service: 'audit', action: 'seen' },
      })
      expect(seen?.headers).to.include({ 'idempotency-key': 'k1' })
    })

    it('says that a task was there', async () => {
      api.script(created(7, { 'task-existing': 'true' }))
      expect((await api.run(['submit', 'svc', 'act'])).out).to.equal('task 7 was there\n')
    })

    it('with --wait ends as the task does', async () => {
      api.script(created(7), { status: 200, body: task(7, 'failed', ',"step":0,"attempt":1,"error":{"code":"x"}') })
      expect((await api.run(['submit', 'svc', 'act', '--wait'])).code).to.equal(1)
      expect(api.seen[1]?.line).to.equal('GET /tasks/7?view=full')
    })

    it('keeps line breaks and equals signs of a label', async () => {
      api.script(created(7))
      await api.run(['submit', 'svc', 'act', '--label', 'a=1\nb=2', '--label', 'c='])
      expect(JSON.parse(api.seen[0]?.body ?? ''))
        .to.have.property('labels')
        .that.deep.equals({ a: '1\nb=2', c: '' })
    })

    for (const wrong of ['--label novalue', '--label a=1 --label a=2', '--callback nowhere'])
      it(`refuses ${wrong}`, async () => {
        api.script()
        expect((await api.run(['submit', 'svc', 'act', ...wrong.split(' ')])).code).to.equal(2)
        expect(api.seen).to.deep.equal([])
      })
  })

  describe('cancel, delete and retry', () => {
    it('take IDs', async () => {
      api.script(json({}), 204, created(9))
      expect((await api.run(['cancel', '7'])).out).to.equal('task 7 cancelled\n')
      expect((await api.run(['delete', '7'])).out).to.equal('task 7 deleted\n')
      expect((await api.run(['retry', '7', '--from', '3', '--delay', '5s', '--payload', '{"n":  2}'])).out).to.equal(
        'task 7 retried as task 9\n',
      )
      expect(api.seen.map(({ line }) => line)).to.deep.equal([
        'POST /tasks/7/cancel',
        'DELETE /tasks/7',
        'POST /tasks/7/retry',
      ])
      expect(api.seen[2]?.body).to.equal('{"from":3,"delay":"5s","payload":{"n":  2}}')
    })

    it('give the payload of stdin to all of several IDs', async () => {
      api.script(created(9), created(10))
      const stdin = async function* () {
        yield Buffer.from('{"n":1.0}')
      }
      const { code } = await api.run(['retry', '7', '8', '--payload', '-'], { stdin })
      expect([code, api.seen.map(({ body }) => body)]).to.deep.equal([0, Array(2).fill('{"payload":{"n":1.0}}')])
    })

    it('take filters, and follow to the end', async () => {
      api.script(
        json({ matched: 10_000, done: 9_999, next: '/tasks/retry?status=failed&after=5' }),
        json({ matched: 5, done: 5, next: null }),
      )
      const { code, out } = await api.run(['retry', '--status', 'failed', '--label', 'run=1', '--rate', '20/s'])
      expect([code, out]).to.deep.equal([0, '10005 tasks match, 10004 retried\n'])
      expect(api.seen.map(({ line }) => line)).to.deep.equal([
        'POST /tasks/retry?status=failed&label.run=1&rate=20%2Fs',
        'POST /tasks/retry?status=failed&after=5',
      ])
    })

    it('only count with --dry-run', async () => {
      api.script(json({ matched: 3, done: 0, next: null }))
      expect((await api.run(['delete', '--service', 'svc', '--dry-run', '--json'])).out).to.equal(
        '{"matched":3,"done":0}\n',
      )
      expect(api.seen[0]?.line).to.equal('POST /tasks/delete?service=svc&dryRun=true')
    })

    it('refuse to change all tasks, IDs beside filters, and what is for IDs alone beside filters', async () => {
      const ALONE = ['--from=start', '--delay=5s', '--payload=1'].map((only) => ['retry', '--status=failed', only])
      api.script()
      for (const argv of [['cancel'], ['retry'], ['delete'], ['cancel', '7', '--status', 'failed'], ...ALONE])
        expect((await api.run(argv)).code, argv.join(' ')).to.equal(2)
      expect(api.seen).to.deep.equal([])
    })
  })

  it('patch sends what is to change', async () => {
    api.script(json({}))
    expect((await api.run(['patch', '7', '--delay', '0', '--priority', 'low'])).out).to.equal('task 7 changed\n')
    expect(api.seen[0]).to.include({ line: 'PATCH /tasks/7', body: '{"delay":"0","priority":"low"}' })
    expect((await api.run(['patch', '7'])).code).to.equal(2)
  })

  it('explain says why, and attempts lists the tries, page by page', async () => {
    const reasons = [{ code: 'delayed', detail: 'The task is not due yet.', until: '2026-12-24T18:00:00.000Z' }]
    api.script(json({ state: 'waiting', reasons }))
    expect((await api.run(['explain', '7'])).out).to.equal(
      'task 7 waiting: delayed: The task is not due yet. (until 2026-12-24T18:00:00.000Z)\n',
    )
    const one = {
      step: 0,
      attempt: 1,
      startedAt: 't',
      ms: 5,
      node: 'n',
      outcome: '503',
      detail: 'why',
      waitMs: 250,
      body: null,
    }
    api.script(
      json([one], { link: '</tasks/7/attempts?after=1>; rel="next"' }),
      json([{ ...one, attempt: 2, waitMs: null }]),
    )
    expect((await api.run(['attempts', '7'])).out).to.equal(
      't  step 0  try 1  503  5 ms  n  why  next after 250 ms\nt  step 0  try 2  503  5 ms  n  why\n',
    )
  })
})
