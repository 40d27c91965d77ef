// The command `reload`, against a scripted API.
import { expect } from 'chai'
import { FakeApi, problem } from './fake-api.ts'

describe('the command reload', () => {
  const api = new FakeApi()
  before(() => api.start())
  after(() => api.stop())

  const body = JSON.stringify({ added: ['b', 'c'], changed: ['a'], removed: [] })

  it('says which services were added, changed and removed', async () => {
    api.script({ status: 200, body })
    expect(await api.run(['reload'])).to.include({ code: 0, out: 'added    b, c\nchanged  a\n' })
    expect(api.seen.map(({ line }) => line)).to.deep.equal(['POST /services/reload'])
  })

  it('prints the answer as it is with --json', async () => {
    api.script({ status: 200, body })
    expect(await api.run(['reload', '--json'])).to.include({ code: 0, out: `${body}\n` })
  })

  it('shows every fault, and its exit code is 4', async () => {
    const errors = [{ path: 'services.a.url', line: 3, detail: 'Expected text, found 7.' }]
    api.script(problem(422, 'invalid_services', { title: 'Not valid', detail: 'It has faults.', errors }))
    const { code, err } = await api.run(['reload'])
    expect([code, err]).to.deep.equal([
      4,
      'task_api: 422 invalid_services - Not valid: It has faults.\n  services.a.url, line 3: Expected text, found 7.\n',
    ])
  })
})
