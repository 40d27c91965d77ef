import { expect } from 'chai'
import { type Answer, FakeApi, problem, task } from './fake-api.ts'

const api = new FakeApi()

const at = (status: string, step: number, more = ''): Answer => ({
  status: 200,
  body: task(7, status, `,"step":${step},"attempt":1${more}`),
})

/** Watches task 7, and keeps the waits instead of waiting. */
async function watched(...argv: string[]) {
  const waits: number[] = []
  const result = await api.run(['watch', '7', ...argv], { wait: async (milliseconds) => void waits.push(milliseconds) })
  return { ...result, waits }
}

describe('task_api watch', () => {
  before(() => api.start())
  after(() => api.stop())

  it('prints each change until the task is complete', async () => {
    api.script(at('pending', 0), at('running', 0), at('running', 0), at('running', 1), at('complete', 1))
    const { code, out, waits } = await watched()
    expect(code).to.equal(0)
    expect(out).to.equal(
      'pending   step 0  attempt 1\nrunning   step 0  attempt 1\nrunning   step 1  attempt 1\ncomplete  step 1  attempt 1\n',
    )
    expect(waits).to.deep.equal([200, 200, 300, 200])
    expect(new Set(api.seen.map(({ line }) => line))).to.deep.equal(new Set(['GET /tasks/7?view=full']))
  })

  it('ends with 1 when the task fails, and says why', async () => {
    api.script(at('running', 0), at('failed', 0, ',"error":{"code":"service_error"}'))
    const { code, out } = await watched()
    expect(code).to.equal(1)
    expect(out).to.match(/\nfailed {4}step 0 {2}attempt 1\n\{"code":"service_error"\}\n$/)
  })

  it('prints each change as a line of JSON', async () => {
    api.script(at('running', 0), at('running', 0), at('failed', 0))
    const { code, out } = await watched('--json')
    expect(code).to.equal(1)
    expect(
      out.split('\n').map((line) => (line === '' ? '' : (JSON.parse(line) as { status: string }).status)),
    ).to.deep.equal(['running', 'failed', ''])
    expect(out).to.include('12345678901234567890.10')
  })

  it('waits longer while nothing changes, up to two seconds', async () => {
    api.script(...Array.from({ length: 9 }, () => at('running', 0)), at('complete', 0))
    expect((await watched()).waits).to.deep.equal([200, 300, 450, 675, 1012.5, 1518.75, 2000, 2000, 2000])
  })

  it('ends with 3 when the task is deleted meanwhile', async () => {
    api.script(at('running', 0), problem(404, 'not_found'))
    expect((await watched()).code).to.equal(3)
  })

  it('bears five failures in a row, and not a sixth', async () => {
    api.script(at('running', 0), 503, 503, 503, 503, 503, at('running', 0), 503, at('complete', 0))
    expect((await watched()).code).to.equal(0)
    api.script(at('running', 0), 503, 503, 503, 503, 503, 503)
    expect((await watched()).code).to.equal(5)
  })

  it('ends at once when the first look fails', async () => {
    api.script(503, at('complete', 0))
    expect((await watched()).code).to.equal(5)
  })
})
