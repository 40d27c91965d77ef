import { expect } from 'chai'
import { ageText } from '../../src/cli/list.ts'
import { type Answer, FakeApi, PAYLOAD, problem, task } from './fake-api.ts'

const api = new FakeApi()

describe('the commands', () => {
  before(() => api.start())
  after(() => api.stop())
  beforeEach(() => api.script())

  const created: Answer = { status: 302, headers: { location: '/tasks/7' }, body: task(7, 'pending') }

  describe('submit', () => {
    it('sends the payload as it is and follows no redirect', async () => {
      api.script(created)
      expect(await api.run(['submit', 'demo', 'count', PAYLOAD])).to.deep.equal({
        code: 0,
        out: 'task 7 created\n',
        err: '',
      })
      expect(api.seen.map(({ line }) => line)).to.deep.equal(['POST /tasks'])
      expect(api.seen[0]?.body).to.equal(`{"service":"demo","action":"count","payload":${PAYLOAD}}`)
      expect(api.seen[0]?.headers['content-type']).to.equal('application/json')
    })

    it('leaves the payload out when there is none', async () => {
      api.script({ ...(created as object), status: 201 })
      expect((await api.run(['submit', 'a"b', 'x'])).code).to.equal(0)
      expect(api.seen[0]?.body).to.equal('{"service":"a\\"b","action":"x"}')
    })

    it('reads the payload from stdin, to the byte', async () => {
      api.script(created)
      const bytes = Buffer.from('{"ü": 1.00}\n')
      const parts = [bytes.subarray(0, 3), bytes.subarray(3)]
      const stdin = (async function* () {
        yield* parts
      })()
      expect((await api.run(['submit', 'demo', 'count', '-'], { stdin: () => stdin })).code).to.equal(0)
      expect(api.seen[0]?.body).to.equal(`{"service":"demo","action":"count","payload":${bytes.toString('latin1')}}`)
    })

    it('takes a payload that begins with - after --', async () => {
      api.script(created)
      expect((await api.run(['submit', 'demo', 'echo', '--', '-5'])).code).to.equal(0)
      expect(api.seen[0]?.body).to.include('"payload":-5}')
    })

    it('sends nothing when the payload is not JSON', async () => {
      for (const payload of ['{', '', '1} , {"x":1', 'NaN', '\ufeff1']) {
        expect((await api.run(['submit', 'demo', 'echo', payload])).code).to.equal(2)
      }
      const stdin = [Buffer.from('"\xff"', 'latin1')].values() as unknown as AsyncIterable<Uint8Array>
      expect((await api.run(['submit', 'demo', 'echo', '-'], { stdin: () => stdin })).code).to.equal(2)
      expect(api.seen).to.deep.equal([])
    })

    it('prints the created task as one line of JSON, every digit kept', async () => {
      api.script(created)
      const { out } = await api.run(['submit', 'demo', 'count', '--json'])
      expect(out).to.equal(`${task(7, 'pending').replace('\r\n', ' ')}\n`)
    })

    it('names each fault of a refused task', async () => {
      api.script(problem(400, 'invalid_task', { errors: [{ pointer: '/action', detail: 'is \u001b[31mempty' }] }))
      const { code, err } = await api.run(['submit', 'demo', ''])
      expect(code).to.equal(4)
      expect(err).to.equal('task_api: 400 invalid_task - A title: a detail\n  /action: is \\u001b[31mempty\n')
    })
  })

  describe('show', () => {
    it('prints the members of a task that have a value', async () => {
      api.script({ status: 200, body: task(7, 'running', ',"step":2,"runAt":null') })
      const { code, out } = await api.run(['show', '7'])
      expect(code).to.equal(0)
      expect(out.split('\n')).to.deep.equal([
        'location      "/tasks/7"',
        'service       "demo"',
        'action        "count"',
        `payload       ${PAYLOAD.replace('\r\n', ' ')}`,
        'status        "running"',
        'step          2',
        '',
      ])
      expect(api.seen[0]?.line).to.equal('GET /tasks/7?view=full')
    })

    it('prints the answer as it is with --json, and takes a location for an id', async () => {
      api.script({ status: 200, body: task(7, 'failed') })
      const { code, out } = await api.run(['show', '--json', '/tasks/7'])
      expect([code, out]).to.deep.equal([0, `${task(7, 'failed').replace('\r\n', ' ')}\n`])
    })

    it('ends with 3 when there is no such task', async () => {
      api.script(problem(404, 'not_found'))
      expect((await api.run(['show', '7'])).code).to.equal(3)
    })

    it('ends with 4 when what listens there knows no tasks', async () => {
      api.script({ status: 404, body: '<h1>Not found</h1>' })
      expect((await api.run(['show', '7'])).code).to.equal(4)
    })

    it('ends with 5 when the answer is no task', async () => {
      api.script({ status: 200, body: '<h1>Hello</h1>' }, 204, 302)
      for (let i = 0; i < 3; i++) expect((await api.run(['show', '7'])).code).to.equal(5)
    })

    it('asks for no id that cannot be one', async () => {
      for (const id of ['0', 'x', '1e3', '', '9223372036854775808', '/tasks/'])
        expect((await api.run(['show', id])).code).to.equal(2)
      expect(api.seen).to.deep.equal([])
    })
  })

  describe('list', () => {
    const page: Answer = {
      status: 200,
      headers: { date: 'Fri, 02 Jan 2026 05:05:00 GMT', link: '</tasks?status=failed&before=3>; rel="next"' },
      body: `[${task(4, 'failed')} ,\n${task(3, 'complete')}]`,
    }

    it('passes the filters on and prints a line for each task, with its age and its error', async () => {
      api.script(page)
      api.routes = {
        'GET /tasks/4?view=full': {
          status: 200,
          body: task(
            4,
            'failed',
            ',"createdAt":"2026-01-02T03:04:05.678Z","lastError":{"code":"service_error","detail":"a\\nb"}',
          ),
        },
        'GET /tasks/3?view=full': problem(404, 'not_found'),
      }
      const argv = ['list', '--status', 'failed', '--service=a&b', '--action', 'x', '--limit', '2', '--before', '5']
      const { code, out, err } = await api.run(argv)
      expect(api.seen[0]?.line).to.equal('GET /tasks?status=failed&service=a%26b&action=x&limit=2&before=5')
      expect([code, out]).to.deep.equal([
        0,
        'ID          STATUS    AGE   SERVICE/ACTION  ERROR\n' +
          '4           failed    2h    demo/count  service_error: a b\n' +
          '3           complete  -     demo/count\n',
      ])
      expect(err).to.equal('there may be more: --before 3\n')
    })

    for (const [seconds, age] of [
      [-3, '0s'],
      [59, '59s'],
      [60, '1m'],
      [3_599, '59m'],
      [47 * 3_600, '47h'],
      [48 * 3_600, '2d'],
      [NaN, '-'],
    ] as const)
      it(`shows an age of ${seconds} s as ${age}`, () => expect(ageText(seconds * 1000)).to.equal(age))

    it('asks for a page of a hundred tasks by a few requests at once, and keeps their order', async () => {
      const ids = Array.from({ length: 100 }, (_, i) => 100 - i)
      api.script({ status: 200, body: `[${ids.map((id) => task(id, 'complete')).join(',')}]` })
      api.routes = Object.fromEntries(
        ids.map((id) => [
          `GET /tasks/${id}?view=full`,
          { status: 200, body: task(id, 'complete', ',"lastError":null') },
        ]),
      )
      const { code, out } = await api.run(['list'])
      expect(code).to.equal(0)
      expect(out.match(/^\d+/gm)?.map(Number)).to.deep.equal(ids)
    })

    it('prints one task a line with --json, every digit kept, by one request', async () => {
      api.script(page)
      const { out } = await api.run(['list', '--json'])
      expect(api.seen).to.have.length(1)
      expect(out).to.equal([task(4, 'failed'), task(3, 'complete'), ''].join('\n').replaceAll('\r\n', ' '))
    })

    it('prints nothing on stdout when there is nothing', async () => {
      api.script({ status: 200, body: '[ ]' }, { status: 200, body: '[]' })
      expect(await api.run(['list'])).to.deep.equal({ code: 0, out: '', err: 'no tasks\n' })
      expect(await api.run(['list', '--json'])).to.deep.equal({ code: 0, out: '', err: '' })
    })

    it('ends with 4 when a filter is refused', async () => {
      api.script(problem(400, 'invalid_parameter', { errors: [{ parameter: 'limit', detail: 'is 0' }] }))
      const { code, err } = await api.run(['list', '--limit', '0'])
      expect([code, err]).to.deep.equal([4, 'task_api: 400 invalid_parameter - A title: a detail\n  limit: is 0\n'])
    })
  })

  describe('delete', () => {
    it('deletes the task', async () => {
      api.script(204)
      expect(await api.run(['delete', '7'])).to.deep.equal({ code: 0, out: 'task 7 deleted\n', err: '' })
      expect(api.seen[0]?.line).to.equal('DELETE /tasks/7')
    })

    it('ends with 3 when there is no such task', async () => {
      api.script(problem(404, 'not_found'))
      expect(await api.run(['delete', '7'])).to.deep.equal({
        code: 3,
        out: '',
        err: 'task_api: 404 not_found - A title: a detail\n',
      })
    })
  })
})
