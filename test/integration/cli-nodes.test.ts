// The command `nodes`, against a scripted API.
import { expect } from 'chai'
import { FakeApi, problem } from './fake-api.ts'

describe('the command nodes', () => {
  const api = new FakeApi()
  before(() => api.start())
  after(() => api.stop())

  const hourAgo = new Date(Date.now() - 3_700_000).toISOString()
  const all = [
    { name: 'a:3000', version: '1.2.3', since: hourAgo, beat: hourAgo, slots: 1000, running: 7, services: ['x', 'y'] },
    { name: 'b', version: null, since: hourAgo, beat: hourAgo, slots: null, running: null, services: [] },
  ]

  it('lists all, one a line', async () => {
    api.script({ status: 200, body: JSON.stringify(all) })
    const { code, out } = await api.run(['nodes'])
    const lines = out.trimEnd().split('\n')
    expect([code, lines.length, api.seen[0]?.line]).to.deep.equal([0, 3, 'GET /nodes'])
    expect(lines[0]).to.match(/^NAME +VERSION +UP +BEAT +RUNNING +SLOTS +SERVICES$/)
    expect(lines[1]).to.match(/^a:3000 +1\.2\.3 +1h +1h +7 +1000 +x, y$/)
    expect(lines[2]).to.match(/^b +- +1h +1h +- +- +-$/)
  })

  it('prints each as it is with --json', async () => {
    api.script({ status: 200, body: JSON.stringify(all) })
    const { out } = await api.run(['nodes', '--json'])
    expect(out.trim().split('\n')).to.deep.equal(all.map((one) => JSON.stringify(one)))
  })

  it('says so where nobody answers with a list', async () => {
    api.script({ status: 200, body: '{}' }, problem(503, 'unavailable'))
    expect((await api.run(['nodes'])).code).to.equal(5)
    expect((await api.run(['nodes'])).code).to.not.equal(0)
  })
})
