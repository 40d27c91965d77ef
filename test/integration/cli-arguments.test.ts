import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import { EXITS } from '../../src/cli/exits.ts'
import { FakeApi, problem } from './fake-api.ts'

const api = new FakeApi()

describe('the command line', () => {
  before(() => api.start())
  after(() => api.stop())
  beforeEach(() => api.script())

  describe('without an answer', () => {
    it('says that nothing listens', async () => {
      const closed = createServer()
      await once(closed.listen(0, '127.0.0.1'), 'listening')
      const address = `http://127.0.0.1:${(closed.address() as AddressInfo).port}`
      closed.close()
      await once(closed, 'close')
      for (const argv of [['list'], ['show', '1'], ['watch', '1'], ['cancel', '1'], ['submit', 'a', 'b']]) {
        const { code, out, err } = await api.run([...argv, '--url', `${address}/`])
        expect([code, out]).to.deep.equal([5, ''])
        expect(err).to.equal(`task_api: nothing listens on ${address}: is task_api running? npm start\n`)
      }
    })

    it('ends with 5 when there is none in time', async () => {
      api.script('hang')
      const { code, err } = await api.run(['list'], { timeLimit: 50 })
      expect([code, err]).to.deep.equal([5, `task_api: no answer from ${api.url} in 0.05 s\n`])
    })

    it('ends with 5 when the server fails', async () => {
      api.script(problem(503, 'unavailable'), 500)
      const { code, err } = await api.run(['list'])
      expect([code, err]).to.deep.equal([5, 'task_api: 503 unavailable - A title: a detail\n'])
      expect((await api.run(['list'])).code).to.equal(5)
    })
  })

  describe('its arguments', () => {
    for (const [argv, text] of [
      [[], 'a command is missing'],
      [['sumbit', 'a', 'b'], 'there is no command sumbit: did you mean submit?'],
      [['constructor'], 'there is no command constructor'],
      [['list', '--limt', '5'], 'there is no option --limt: did you mean --limit?'],
      [['submit', 'a', 'b', '-5'], 'there is no option -5 (write -- before a payload that begins with -)'],
      [['submit', 'a'], 'too few words: task_api submit SERVICE ACTION [PAYLOAD]'],
      [['submit', 'a', 'b', '1', '2'], 'too many words'],
      [['list', '7'], 'too many words: task_api list'],
      [['show', '1', '--limit', '5'], 'show has no option --limit'],
      [['show'], 'too few words: task_api show ID...'],
      [['version'], 'there is no command version: did you mean --version?'],
      [['help', 'lits'], 'there is no command lits: did you mean list?'],
      [['help', 'list', 'show'], 'too many words: task_api help [COMMAND]'],
      [['list', '--limit'], '--limit needs a value: --limit N'],
      [['list', '--limit='], '--limit needs a value'],
      [['list', '--json=yes'], '--json takes no value'],
      [['list', '--url', 'localhost:3000'], '--url must be the address of the API'],
      [['list', '--url', 'http://u:p@a'], '--url must be the address of the API'],
      [['start'], 'start is not possible here: run task_api start by itself'],
    ] as const) {
      it(`are refused: ${argv.join(' ') || '(none)'}`, async () => {
        const { code, out, err } = await api.run([...argv])
        expect([code, out]).to.deep.equal([2, ''])
        expect(err).to.include(`task_api: ${text}`).and.include('--help')
        expect(api.seen).to.deep.equal([])
      })
    }

    it('are refused when TASK_API_URL is no address', async () => {
      const { code, err } = await api.run(['list'], { env: { TASK_API_URL: 'nowhere' } })
      expect([code, err.split(' ')[1]]).to.deep.equal([2, 'TASK_API_URL'])
    })

    it('may name an API below a path', async () => {
      api.script({ status: 200, body: '[]' })
      expect((await api.run(['list', '--url', `${api.url}/below/`])).code).to.equal(0)
      expect(api.seen[0]?.line).to.equal('GET /below/tasks')
    })

    it('print the help, with every command, option and exit code', async () => {
      const { code, out } = await api.run(['--help'])
      expect(code).to.equal(0)
      for (const word of [
        'start',
        'submit SERVICE ACTION [PAYLOAD]',
        'show ID...',
        'list',
        'watch ID...',
        'cancel [ID...]',
        'delete [ID...]',
        'retry [ID...]',
        'patch ID...',
        'batch [FILE]',
        'explain ID...',
        'attempts ID...',
        'help [COMMAND]',
        '--header',
        '--url URL',
        '--json',
      ]) {
        expect(out).to.include(word)
      }
      for (const exit of Object.values(EXITS)) expect(out).to.match(new RegExp(`^ +${exit.code} `, 'm'))
      for (const argv of [['-h'], ['help']]) expect(await api.run(argv)).to.deep.include({ code: 0, out })
    })

    it('print the help of one command', async () => {
      const { code, out } = await api.run(['list', '--help'])
      expect(code).to.equal(0)
      expect(out).to.include('--before ID').and.not.include('submit')
      expect(await api.run(['help', 'list'])).to.deep.equal({ code: 0, out, err: '' })
    })

    it('print the version that they are given', async () => {
      for (const option of ['--version', '-v'])
        expect(await api.run([option])).to.deep.equal({ code: 0, out: '1.2.3\n', err: '' })
    })
  })
})
