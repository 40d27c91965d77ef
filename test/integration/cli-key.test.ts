// The key on the command line: sent with every request and never shown; and `key new`, which makes one.
import { expect } from 'chai'
import { createHash } from 'node:crypto'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'yaml'
import { readConfig } from '../../src/config/read.ts'
import { FakeApi, problem } from './fake-api.ts'

const TOKEN = 'tk_secret-0000000000000000000000000000000000000'
const LIST = { status: 200, body: '[]' }

describe('the key of the command line', () => {
  const [api, other] = [new FakeApi(), new FakeApi()]
  let folder = ''
  let file = ''
  before(async () => {
    await Promise.all([api.start(), other.start()])
    folder = await mkdtemp(join(tmpdir(), 'task_api-key-'))
    file = join(folder, 'key')
    await writeFile(file, `${TOKEN}\n`, { mode: 0o600 })
  })
  beforeEach(() => api.script(LIST))
  after(async () => {
    await Promise.all([api.stop(), other.stop()])
    await rm(folder, { recursive: true })
  })

  const run = (argv: string[], more: Record<string, string> = {}) =>
    api.run(argv, { env: { TASK_API_URL: api.url, ...more } })
  const sent = (): unknown[] => api.seen.map(({ headers }) => headers.authorization)

  it('comes from the variable or from a file, and the file comes first', async () => {
    api.script(LIST, LIST, LIST, LIST)
    expect(await run(['services'])).to.include({ code: 0, err: '' })
    expect(await run(['services'], { TASK_API_KEY: 'tk_a' })).to.include({ code: 0, err: '' })
    expect(await run(['services', '--key-file', file], { TASK_API_KEY: 'tk_a' })).to.include({ code: 0, err: '' })
    expect((await run(['schedules', '--key-file', file])).code).to.equal(0)
    expect(sent()).to.deep.equal([undefined, 'Bearer tk_a', `Bearer ${TOKEN}`, `Bearer ${TOKEN}`])
  })

  for (const mode of [0o640, 0o604, 0o620])
    it(`is used from a file of mode ${mode.toString(8)}, with a warning`, async () => {
      const open = join(folder, `open-${mode}`)
      await writeFile(open, TOKEN)
      await chmod(open, mode)
      const { code, err } = await run(['services', '--key-file', open])
      expect([code, err]).to.deep.equal([0, `others may read or change ${open}: chmod 600 ${open}\n`])
    })

  it('is not sent beside another Authorization', async () => {
    for (const [argv, env] of [
      [['list', '-H', 'Authorization: Basic secret'], { TASK_API_KEY: TOKEN }],
      [['list', '--key-file', file], { TASK_API_HEADERS: 'authorization: Basic secret' }],
    ] as const) {
      const { code, err } = await run([...argv], env)
      expect(code).to.equal(2)
      expect(err).to.contain('only one can be sent').and.not.contain('secret')
    }
    expect(sent()).to.deep.equal([])
  })

  it('must be a key, in a file that can be read', async () => {
    await writeFile(join(folder, 'empty'), '\n', { mode: 0o600 })
    for (const [argv, env, said] of [
      [['list', '--key-file', join(folder, 'none')], {}, 'none cannot be read: ENOENT'],
      [['list', '--key-file', join(folder, 'empty')], {}, 'empty does not hold a key'],
      [['list'], { TASK_API_KEY: 'two secret words' }, 'TASK_API_KEY does not hold a key'],
      [['list'], { TASK_API_KEY: 'secretö' }, 'TASK_API_KEY does not hold a key'],
    ] as const) {
      const { code, err } = await run([...argv], env)
      expect(code).to.equal(2)
      expect(err).to.contain(said).and.not.contain('secret')
    }
  })

  it('is not shown when it is refused, and the way out is', async () => {
    for (const [env, said] of [
      [{}, 'no key was sent: set TASK_API_KEY, or use --key-file'],
      [{ TASK_API_KEY: TOKEN }, 'the key that was sent is not accepted'],
    ] as const) {
      api.script(problem(401, 'unauthorized'), problem(403, 'not_allowed'), problem(401, 'unauthorized'))
      const refused = await run(['list'], env)
      expect([refused.code, refused.out]).to.deep.equal([4, ''])
      expect(refused.err).to.contain(`401 unauthorized - A title: a detail\n  ${said}`).and.not.contain('tk_')
      const forbidden = await run(['list'], env)
      expect([forbidden.code, forbidden.err]).to.deep.equal([4, 'task_api: 403 not_allowed - A title: a detail\n'])
      expect(JSON.parse((await run(['list', '--json'], env)).err)).to.include({ error: 'refused', exit: 4 })
    }
  })

  it('goes to no other API', async () => {
    for (const [argv, env] of [
      [[], { TASK_API_KEY: TOKEN }],
      [['--key-file', file], {}],
    ] as const) {
      const { code, err } = await api.run(['show', `${other.url}/tasks/7`, ...argv], { env })
      expect([code, err]).to.satisfy(([exit, text]: [number, string]) => exit === 2 && text.includes('use --url'))
    }
    expect(other.seen).to.deep.equal([])
  })
})

describe('the command key new', () => {
  const api = new FakeApi()
  before(() => api.start())
  after(() => api.stop())
  const run = (...argv: string[]) => api.run(['key', ...argv])

  it('prints a token and an entry that a node accepts, and asks no server', async () => {
    const argv = ['new', 'shop', '--scope', 'submit,cancel', '--service', 'a,b', '--own', '--expires', '2999-01-31']
    const { code, out, err } = await run(...argv)
    expect([code, err, api.seen]).to.deep.equal([0, '', []])
    const [, token = ''] = /(tk_[A-Za-z0-9_-]{43})\n/.exec(out) ?? []
    const services = '\nservices:\n  a: { url: http://a }\n  b: { url: http://b }\n'
    const text = out.slice(out.indexOf('keys:')) + services
    const { keys } = readConfig({ env: { TASK_API_CONFIG: 'x.yaml' }, cwd: '/', readFile: () => Buffer.from(text) })
    expect([...keys.values()]).to.deep.equal([
      {
        name: 'shop',
        hashes: [createHash('sha256').update(token).digest('hex')],
        scopes: ['submit', 'cancel'],
        services: ['a', 'b'],
        own: true,
        expires: Date.UTC(2999, 0, 31),
      },
    ])
  })

  it('is for submit and read of all services, where nothing else is said', async () => {
    const { out } = await run('new', 'shop')
    const { keys } = parse(out.slice(out.indexOf('keys:'))) as { keys: Record<string, object> }
    expect(Object.keys(keys.shop ?? {})).to.deep.equal(['hash', 'scopes'])
    expect(keys.shop).to.deep.include({ scopes: ['submit', 'read'] })
  })

  it('prints one line of JSON with --json, and another token each time', async () => {
    const [a, b] = [await run('new', 'shop', '--json'), await run('new', 'shop', '--json')].map(
      ({ out }) => JSON.parse(out) as { token: string; keys: Record<string, { hash: string }> },
    )
    expect(a?.keys.shop?.hash).to.match(/^sha256:[0-9a-f]{64}$/)
    expect(a?.token).to.match(/^tk_[A-Za-z0-9_-]{43}$/)
    expect(a?.token).to.not.equal(b?.token)
  })

  for (const [argv, said] of [
    [[], 'too few words: task_api key new NAME'],
    [['new'], 'too few words: task_api key new NAME'],
    [['old', 'a'], 'key knows new, and not "old"'],
    [['new', 'a', 'b'], 'too many words'],
    [['new', 'a b'], '"a b" is not a name'],
    [['new', 'a', '--service', 'b,'], '"" is not a name'],
    [['new', 'a', '--scope', 'submit,write'], '--scope knows submit, read, cancel, operate, and not "write"'],
    [['new', 'a', '--expires', 'soon'], '--expires must be a date'],
    [['new', 'a', '--expires', '2020-01-01'], '--expires must be a date or a time to come'],
    [['new', 'a', '--url', 'http://a'], 'key has no option --url'],
  ] as const)
    it(`refuses ${['key', ...argv].join(' ')}`, async () => {
      const { code, out, err } = await run(...argv)
      expect([code, out]).to.deep.equal([2, ''])
      expect(err).to.contain(said)
    })
})
