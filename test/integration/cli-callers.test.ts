// The commands of callers who submit once, many, later; who change and retry; against a scripted API.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { FakeApi, problem, task } from './fake-api.ts'

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

    for (const [option, value] of [
      ['--label', 'novalue'],
      ['--callback', 'nowhere'],
    ] as const)
      it(`refuses ${option} ${value}`, async () => {
        api.script()
        expect((await api.run(['submit', 'svc', 'act', option, value])).code).to.equal(2)
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

    it('refuse to change all tasks, and IDs beside filters', async () => {
      api.script()
      for (const argv of [['cancel'], ['retry'], ['delete'], ['cancel', '7', '--status', 'failed']])
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

  describe('batch', () => {
    let folder: string
    before(async () => (folder = await mkdtemp(join(tmpdir(), 'task_api-batch-'))))
    after(() => rm(folder, { recursive: true }))

    const file = async (text: string): Promise<string> => {
      const path = join(folder, 'tasks')
      await writeFile(path, text)
      return path
    }
    const LINE = '{"service":"svc","action":"act"}'
    const made = (from: number, count: number) => ({
      status: 201,
      body: JSON.stringify(Array.from({ length: count }, (_, i) => ({ location: `/tasks/${from + i}` }))),
    })
    const statuses = (from: number, count: number, status: string) =>
      json(Array.from({ length: count }, (_, i) => ({ location: `/tasks/${from + i}`, status })))
    const NOW = { wait: async () => {} }

    it('submits a thousand at a time, each with a key of its own, and tells how they ended', async () => {
      const path = await file(`${LINE}\n`.repeat(1_500))
      api.script(
        made(1, 1_000),
        made(1_001, 500),
        statuses(1, 1_000, 'complete'),
        statuses(1_001, 500, 'running'),
        json([...Array.from({ length: 400 }, (_, i) => ({ location: `/tasks/${1_001 + i}`, status: 'failed' }))]),
      )
      const { code, out } = await api.run(['batch', path], NOW)
      expect([code, out]).to.deep.equal([1, '1500 submitted, 1000 complete, 400 failed, 100 gone\n'])
      const keys = api.seen.slice(0, 2).map(({ headers }) => headers['idempotency-key'])
      expect(new Set(keys)).to.have.property('size', 2)
      expect(JSON.parse(api.seen[0]?.body ?? '')).to.have.length(1_000)
      api.script(made(1, 1_000), made(1_001, 500))
      expect((await api.run(['batch', path, '--no-wait', '--json'], NOW)).out).to.equal('{"submitted":1500}\n')
      expect(api.seen.map(({ headers }) => headers['idempotency-key'])).to.deep.equal(keys)
    })

    it('reads an array from stdin, and keeps its bytes', async () => {
      const text = '[{"service":"svc","action":"act","payload":{"n":  1}},\n {"service":"svc","action":"b"}]'
      api.script(made(1, 2), statuses(1, 2, 'complete'))
      const stdin = async function* () {
        yield Buffer.from(text)
      }
      expect((await api.run(['batch'], { ...NOW, stdin, piped: true })).code).to.equal(0)
      expect(api.seen[0]?.body).to.equal(
        '[{"service":"svc","action":"act","payload":{"n":  1}},{"service":"svc","action":"b"}]',
      )
    })

    it('tries again while nobody answers, by the same key', async () => {
      api.script(503, made(1, 1), 503, statuses(1, 1, 'complete'))
      const { code, err } = await api.run(['batch', await file(LINE)], NOW)
      expect(code).to.equal(0)
      expect(err.split('trying again')).to.have.length(3)
      expect(api.seen[0]?.headers['idempotency-key']).to.equal(api.seen[1]?.headers['idempotency-key'])
    })

    it('shows progress on a terminal only', async () => {
      api.script(made(1, 1), statuses(1, 1, 'complete'))
      expect((await api.run(['batch', await file(LINE)], { ...NOW, terminal: true })).err).to.contain(
        '1 of 1 submitted',
      )
      api.script(made(1, 1), statuses(1, 1, 'complete'))
      expect((await api.run(['batch', await file(LINE)], NOW)).err).to.equal('')
    })

    it('ends with what was refused', async () => {
      api.script(problem(400, 'invalid_task', { errors: [{ pointer: '/0/service', detail: 'is missing' }] }))
      expect((await api.run(['batch', await file('{}')], NOW)).code).to.equal(4)
      expect((await api.run(['batch', await file('')], NOW)).code).to.equal(2)
      expect((await api.run(['batch', join(folder, 'none')], NOW)).code).to.equal(2)
    })
  })
})
