// The commands of services, against a scripted API.
import { expect } from 'chai'
import { FakeApi, problem } from './fake-api.ts'

const shown = (name: string, more: Record<string, unknown> = {}): Record<string, unknown> => ({
  name,
  url: 'http://svc',
  paused: null,
  gatedUntil: null,
  concurrency: 100,
  limit: null,
  rate: null,
  running: 3,
  waiting: 0,
  delayed: 0,
  oldestSeconds: null,
  lastHour: { complete: 5, failed: 1 },
  nodes: ['a:1'],
  ...more,
})
const answer = (value: unknown) => ({ status: 200, body: JSON.stringify(value) })

describe('the commands of services', () => {
  const api = new FakeApi()
  before(() => api.start())
  after(() => api.stop())

  it('list all, one a line', async () => {
    const paused = { since: '2026-12-24T18:00:00.000Z', by: 'api', reason: null }
    const limited = shown('c', { limit: { concurrency: 5, rate: '50/s' }, gatedUntil: '2026-12-24T18:00:00.000Z' })
    const all = [shown('a'), shown('b', { paused, waiting: '1000+', delayed: 7, oldestSeconds: 7_300 }), limited]
    api.script(answer(all))
    const { code, out } = await api.run(['services'])
    const lines = out.trimEnd().split('\n')
    expect([code, lines.length, api.seen[0]?.line]).to.deep.equal([0, 4, 'GET /services'])
    expect(lines[0]).to.match(/^NAME +STATE +RUNNING +WAITING +DELAYED +OLDEST +LIMIT$/)
    expect(lines[1]).to.match(/^a +open +3 +0 +0 +- +-$/)
    expect(lines[2]).to.match(/^b +paused +3 +1000\+ +7 +2h +-$/)
    expect(lines[3]).to.match(/^c +gated +3 +0 +0 +- +concurrency 5, rate 50\/s$/)
    api.script(answer(all))
    const json = await api.run(['services', '--json'])
    expect(json.out.trim().split('\n')).to.deep.equal(all.map((one) => JSON.stringify(one)))
  })

  it('show one, each member on a line', async () => {
    api.script(answer(shown('a')))
    const { code, out } = await api.run(['services', 'a'])
    expect([code, api.seen[0]?.line]).to.deep.equal([0, 'GET /services/a'])
    expect(out).to.include('name          "a"\nurl           "http://svc"\n').and.to.not.include('paused')
    api.script(problem(404, 'not_found'))
    expect((await api.run(['services', 'nobody'])).code).to.equal(3)
  })

  it('pause and resume', async () => {
    api.script(answer(shown('a')), answer(shown('a')), answer(shown('a')))
    expect(await api.run(['pause', 'a', '--reason', 'the "bank" is away'])).to.include({
      code: 0,
      out: 'service a paused\n',
    })
    expect(await api.run(['pause', 'a'])).to.include({ code: 0, out: 'service a paused\n' })
    expect(await api.run(['resume', 'a'])).to.include({ code: 0, out: 'service a resumed\n' })
    expect(api.seen.map(({ line, body }) => [line, body])).to.deep.equal([
      ['POST /services/a/pause', '{"reason":"the \\"bank\\" is away"}'],
      ['POST /services/a/pause', '{}'],
      ['POST /services/a/resume', ''],
    ])
  })

  for (const [options, body, past] of [
    [['--concurrency', '10'], { concurrency: 10 }, 'limited'],
    [['--rate', '50/s', '--burst', '5'], { rate: '50/s', burst: 5 }, 'limited'],
    [['--none'], null, 'has the limit of its file'],
  ] as const)
    it(`limit: ${options.join(' ')}`, async () => {
      api.script(answer(shown('a')), answer(shown('a')))
      expect(await api.run(['limit', 'a', ...options])).to.include({ code: 0, out: `service a ${past}\n` })
      expect(api.seen[0]?.line).to.equal('PATCH /services/a')
      expect(JSON.parse(api.seen[0]?.body ?? '')).to.deep.equal({ limit: body })
      expect((await api.run(['limit', 'a', ...options, '--json'])).out).to.equal(`${JSON.stringify(shown('a'))}\n`)
    })

  it('say what the API refuses', async () => {
    api.script(problem(400, 'invalid_service', { errors: [{ pointer: '/limit/rate', detail: 'no rate' }] }))
    const { code, err } = await api.run(['limit', 'a', '--rate', 'fast'])
    expect(code).to.equal(4)
    expect(err).to.include('/limit/rate: no rate')
  })

  for (const argv of [
    ['pause'],
    ['pause', 'a', 'b'],
    ['pause', 'a b'],
    ['resume', '..'],
    ['resume', 'a', '--reason', 'x'],
    ['limit', 'a'],
    ['limit', 'a', '--none', '--rate', '5/s'],
    ['limit', 'a', '--concurrency', 'many'],
    ['limit', 'a', '--concurrency', '0'],
    ['limit', 'a', '--rate', '5/s', '--burst', '1.5'],
    ['services', 'a', 'b'],
    ['services', 'a/b'],
  ])
    it(`refuse ${argv.join(' ')}, and ask nothing`, async () => {
      api.script()
      expect((await api.run(argv)).code).to.equal(2)
      expect(api.seen).to.deep.equal([])
    })
})
