// What the command line takes for tasks: several IDs, locations, whole URLs; and what it says when some of them fail.
import { expect } from 'chai'
import { type Answer, FakeApi, problem, task } from './fake-api.ts'

const api = new FakeApi()
const other = new FakeApi()
const lines = (one: FakeApi): string[] => one.seen.map(({ line }) => line)
const shown = (id: number, status = 'complete'): Answer => ({ status: 200, body: task(id, status) })

describe('the tasks of a command', () => {
  before(() => Promise.all([api.start(), other.start()]))
  after(() => Promise.all([api.stop(), other.stop()]))
  beforeEach(() => {
    api.script()
    other.script()
  })

  it('may be several', async () => {
    api.script(204, 204, 204)
    const { code, out, err } = await api.run(['delete', '7', '/tasks/8', '9'])
    expect([code, out, err]).to.deep.equal([0, 'task 7 deleted\ntask 8 deleted\ntask 9 deleted\n', ''])
    expect(lines(api)).to.deep.equal(['DELETE /tasks/7', 'DELETE /tasks/8', 'DELETE /tasks/9'])
  })

  it('are all done, also when some are not there, and the exit code says so', async () => {
    api.script(problem(404, 'not_found'), 204, problem(404, 'not_found'))
    expect(await api.run(['delete', '7', '8', '9'])).to.deep.equal({
      code: 3,
      out: 'task 8 deleted\n',
      err: [7, 9].map((id) => `task_api: task ${id}: 404 not_found - A title: a detail\n`).join(''),
    })
  })

  it('are not asked for any more when the API is out of reach', async () => {
    api.script(204, problem(503, 'unavailable'))
    const { code, out, err } = await api.run(['delete', '7', '8', '9'])
    expect([code, out]).to.deep.equal([5, 'task 7 deleted\n'])
    expect(err).to.contain('task 8: 503 unavailable')
    expect(api.seen).to.have.length(2)
  })

  it('are all ids, or nothing is sent', async () => {
    expect((await api.run(['delete', '7', 'x'])).code).to.equal(2)
    expect(api.seen).to.deep.equal([])
  })

  it('are shown one below the other', async () => {
    api.script(shown(7), shown(8))
    const { out } = await api.run(['show', '7', '8'])
    expect(out.match(/^location.*$|^$/gm)).to.deep.equal([
      'location      "/tasks/7"',
      '',
      'location      "/tasks/8"',
      '',
    ])
    api.script(shown(7), shown(8))
    expect((await api.run(['show', '--json', '7', '8'])).out.trim().split('\n')).to.have.length(2)
  })

  it('are watched one after the other, and each line says which', async () => {
    api.script(shown(7), shown(8, 'failed'), shown(9))
    const { code, out } = await api.run(['watch', '7', '8', '9'])
    expect(code).to.equal(1)
    expect(out.match(/^task \d+ {2}(complete|failed)/gm)).to.deep.equal([
      'task 7  complete',
      'task 8  failed',
      'task 9  complete',
    ])
  })

  for (const query of ['', '?view=full'])
    it(`may be named by their URL${query}`, async () => {
      api.script(shown(7))
      expect((await api.run(['show', `${api.url}/tasks/7${query}`])).code).to.equal(0)
      expect(lines(api)).to.deep.equal(['GET /tasks/7?view=full'])
    })

  it('may be named by the URL of another API where nobody said which one is meant', async () => {
    other.script(shown(7), shown(8))
    expect((await api.run(['show', `${other.url}/tasks/7`], { env: {} })).code).to.equal(0)
    expect((await api.run(['show', `${other.url}/below/tasks/8`], { env: {} })).code).to.equal(0)
    expect(lines(other)).to.deep.equal(['GET /tasks/7?view=full', 'GET /below/tasks/8?view=full'])
  })

  for (const [what, argv, env] of [
    ['TASK_API_URL says which', [], { TASK_API_URL: 'http://127.0.0.1:1' }],
    ['--url says which', ['--url', 'http://127.0.0.1:1'], {}],
    ['the environment has headers for it', [], { TASK_API_HEADERS: 'Authorization: secret' }],
  ] as const)
    it(`are refused at another API where ${what}`, async () => {
      const { code, err } = await api.run(['show', `${other.url}/tasks/7`, ...argv], { env })
      expect(code).to.equal(2)
      expect(err).to.contain(`use --url ${other.url}`).and.not.contain('secret')
      expect(other.seen).to.deep.equal([])
    })

  for (const word of [
    'http://me:secret@a/tasks/7',
    'http://a/tasks',
    'http://a/tasks/x',
    'ftp://a/tasks/7',
    'http://a/tasks/7/8',
  ])
    it(`are refused: ${word}`, async () => {
      const { code, err } = await api.run(['show', word])
      expect(code).to.equal(2)
      expect(err).not.to.contain('secret')
      expect(api.seen).to.deep.equal([])
    })
})

describe('errors with --json', () => {
  before(() => api.start())
  after(() => api.stop())
  beforeEach(() => api.script())

  /** What stderr has: one JSON value a line, and nothing else. */
  const errors = (err: string): unknown[] =>
    err
      .trimEnd()
      .split('\n')
      .map((line): unknown => JSON.parse(line))

  it('are JSON, with the account of the API', async () => {
    api.script(problem(400, 'invalid_task', { errors: [{ pointer: '/action', detail: 'is empty' }] }))
    const { code, out, err } = await api.run(['submit', 'a', 'b', '--json'])
    expect([code, out]).to.deep.equal([4, ''])
    const [error, ...more] = errors(err) as Record<string, unknown>[]
    expect(more).to.deep.equal([])
    expect(error).to.include({ error: 'refused', exit: 4 })
    expect(error?.problem).to.deep.include({
      code: 'invalid_task',
      errors: [{ pointer: '/action', detail: 'is empty' }],
    })
  })

  it('are JSON without an API too, and for arguments that cannot be read', async () => {
    api.script(500)
    const rows: [string[], string, number][] = [
      [['show', '7', '--json'], 'unreachable', 5],
      [['show', 'x', '--json'], 'usage', 2],
      [['--json', 'nothing'], 'usage', 2],
      [['list', '--limt', '5', '--json'], 'usage', 2],
      [['list', '--json', '--limit'], 'usage', 2],
      [['submit', 'a', 'b', '{', '--json'], 'usage', 2],
    ]
    for (const [argv, error, exit] of rows) {
      const { code, out, err } = await api.run(argv)
      expect([code, out]).to.deep.equal([exit, ''])
      expect(errors(err)).to.have.length(1)
      expect(errors(err)[0]).to.include({ error, exit }).and.to.have.property('detail')
    }
  })

  it('are JSON for each of several tasks, and what is only a hint is too', async () => {
    api.script(problem(404, 'not_found'), problem(404, 'not_found'))
    const { err } = await api.run(['delete', '--json', '7', '8'])
    expect(errors(err).map((one) => (one as { detail: string }).detail.slice(0, 7))).to.deep.equal([
      'task 7:',
      'task 8:',
    ])
    api.script({ status: 200, body: '[]', headers: { link: '</tasks?before=3>; rel="next"' } })
    expect(errors((await api.run(['list', '--json'])).err)).to.deep.equal([
      { warning: 'there may be more: --before 3' },
    ])
  })

  it('are text where --json is no option but a word', async () => {
    expect((await api.run(['submit', 'a', 'b', '--', '--json'])).err).to.match(/^task_api: PAYLOAD/)
  })
})

describe('headers of the command line', () => {
  before(() => api.start())
  after(() => api.stop())
  beforeEach(() => api.script())

  it('are sent with every request', async () => {
    const argvs = [['list'], ['show', '7'], ['watch', '7'], ['delete', '7'], ['submit', 'a', 'b', '1']]
    const answers = [
      { status: 200, body: '[]' },
      shown(7),
      shown(7),
      204,
      { status: 302, headers: { location: '/tasks/7' } },
    ]
    api.script(...answers)
    for (const argv of argvs) {
      const { code } = await api.run([...argv, '--header', 'Authorization: Bearer x=', '-H', 'x-team:  a, b '])
      expect(code, argv[0]).to.equal(0)
    }
    for (const { headers } of api.seen) expect(headers).to.include({ authorization: 'Bearer x=', 'x-team': 'a, b' })
    expect(api.seen.at(-1)?.headers['content-type']).to.equal('application/json')
  })

  it('come from the environment, one a line; those of the command line replace them', async () => {
    api.script({ status: 200, body: '[]' })
    const env = { TASK_API_URL: api.url, TASK_API_HEADERS: 'Authorization: Bearer env\nX-A: 1\r\n\nX-A: 2\n' }
    expect((await api.run(['list', '-H', 'authorization: Bearer own'], { env })).code).to.equal(0)
    expect(api.seen[0]?.headers).to.include({ authorization: 'Bearer own', 'x-a': '1, 2' })
  })

  for (const header of [
    'secret',
    'A: ',
    ': secret',
    'A B: secret',
    'A: secret\u0000',
    'A: secret€',
    'Host: secret',
    'content-length: 7secret',
    'Transfer-Encoding: secret',
  ])
    it(`are refused, and not shown: ${JSON.stringify(header)}`, async () => {
      for (const [argv, env] of [
        [['list', '--header', header], {}],
        [['list'], { TASK_API_HEADERS: header }],
      ] as const) {
        const { code, out, err } = await api.run(argv, { env: { TASK_API_URL: api.url, ...env } })
        expect([code, out]).to.deep.equal([2, ''])
        expect(err).not.to.contain('secret')
      }
      expect(api.seen).to.deep.equal([])
    })

  it('are not shown when the API cannot be reached, refuses, or is slow', async () => {
    api.script(problem(401, 'no'), 'hang')
    const argv = ['list', '--header', 'Authorization: secret']
    const said = [
      await api.run(argv),
      await api.run(argv, { timeLimit: 50 }),
      await api.run([...argv, '--url', 'http://127.0.0.1:1', '--json']),
    ]
    for (const { code, out, err } of said) {
      expect(code).to.be.oneOf([4, 5])
      expect(out + err).not.to.contain('secret')
    }
  })

  it('are missed when the variable is misspelt, which is said', async () => {
    api.script({ status: 200, body: '[]' })
    const { err } = await api.run(['list', '--json'], { env: { TASK_API_URL: api.url, TASK_API_HEADER: 'A: secret' } })
    expect(JSON.parse(err)).to.deep.equal({ warning: 'TASK_API_HEADER is not read: did you mean TASK_API_HEADERS?' })
  })
})
