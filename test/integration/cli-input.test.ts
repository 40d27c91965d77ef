// What the command line does with stdin: the real command, with every kind of stdin that a shell, a cron or an ssh gives it.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { MAX_BODY } from '../../src/core/limits.ts'
import { endsWithUs } from '../support/child.ts'
import { type Answer, FakeApi, task } from './fake-api.ts'

const BIN = fileURLToPath(new URL('../../src/bin.js', import.meta.url))
const CREATED: Answer = { status: 302, headers: { location: '/tasks/7' }, body: task(7, 'pending') }
const NO_PAYLOAD = '{"service":"s","action":"a"}'
const withPayload = (payload: string): string => `{"service":"s","action":"a","payload":${payload}}`

const api = new FakeApi()

interface Ended {
  readonly code: unknown
  readonly err: string
}

/** Runs a line of shell in which $T stands for the command; its stdin is a file, nothing, or a pipe that is held open. */
async function shell(line: string, stdin: number | 'ignore' | 'pipe' = 'ignore'): Promise<Ended> {
  const env = { PATH: process.env.PATH ?? '', TASK_API_URL: api.url, T: `${process.execPath} ${BIN}` }
  const child = endsWithUs(spawn('sh', ['-c', line], { env, stdio: [stdin, 'ignore', 'pipe'] }))
  let err = ''
  child.stderr?.on('data', (chunk: Buffer) => (err += chunk.toString()))
  const [code] = (await once(child, 'close')) as unknown[]
  return { code, err }
}

describe('stdin of the command line', function () {
  let folder: string
  before(async () => {
    await api.start()
    folder = await mkdtemp(join(tmpdir(), 'task_api-input-'))
  })
  after(async () => {
    await api.stop()
    await rm(folder, { recursive: true })
  })
  beforeEach(() => api.script(CREATED))

  const rows: [what: string, line: string, body: string][] = [
    ['what is piped in', `printf '{"i": 7.0}' | $T submit s a`, withPayload('{"i": 7.0}')],
    ['what is piped in slowly', `(printf '{"i":'; sleep 1; echo 7}) | $T submit s a`, withPayload('{"i":7}\n')],
    ['what is piped in, to -', 'echo 7 | $T submit s a -', withPayload('7\n')],
    ['a document in the script', '$T submit s a <<X\n[1]\nX', withPayload('[1]\n')],
    ['nothing of /dev/null', '$T submit s a </dev/null', NO_PAYLOAD],
    ['nothing of a stdin that is closed', '$T submit s a <&-', NO_PAYLOAD],
    ['nothing of a pipe that ends without a word', ': | $T submit s a', NO_PAYLOAD],
    ['nothing of a directory', '$T submit s a </', NO_PAYLOAD],
    ['the payload of the command line, and not stdin', 'echo 8 | $T submit s a 7', withPayload('7')],
  ]
  for (const [what, line, body] of rows)
    it(`gives ${what}`, async () => {
      expect(await shell(line)).to.deep.equal({ code: 0, err: '' })
      expect(api.seen.map((seen) => seen.body)).to.deep.equal([body])
    })

  it('gives what is in a file', async () => {
    const path = join(folder, 'payload.json')
    await writeFile(path, '{"from":"file"}')
    const file = await open(path)
    expect(await shell('$T submit s a', file.fd)).to.deep.equal({ code: 0, err: '' })
    await file.close()
    expect(api.seen[0]?.body).to.equal(withPayload('{"from":"file"}'))
  })

  for (const [what, line, said] of [
    ['text that is not JSON', 'echo nonsense | $T submit s a', 'PAYLOAD is not JSON'],
    ['an empty line', 'echo | $T submit s a', 'PAYLOAD is not JSON'],
    ['nothing where - asks for something', '$T submit s a - </dev/null', 'PAYLOAD is not JSON'],
    ['a byte order mark', `printf '\\357\\273\\2771' | $T submit s a`, 'byte order mark'],
    ['a pipe that never ends', 'yes | $T submit s a', 'over 1 MiB'],
    ['a pipe that never ends, to -', 'yes | $T submit s a -', 'over 1 MiB'],
    ['a directory where - asks for something', '$T submit s a - </', 'PAYLOAD is not JSON'],
  ] as const)
    it(`refuses ${what}, and creates nothing`, async () => {
      const { code, err } = await shell(line)
      expect(code).to.equal(2)
      expect(err).to.contain(said)
      expect(api.seen).to.deep.equal([])
    })

  it('does not wait for ever for a pipe that somebody holds open', async () => {
    const { code, err } = await shell('$T submit s a', 'pipe')
    expect(code).to.equal(2)
    expect(err).to.contain('stdin did not end in 10 s: give PAYLOAD as a word')
    expect(api.seen).to.deep.equal([])
  })

  it('reads nothing for the other commands', async () => {
    api.script({ status: 200, body: '[]' })
    expect(await shell('$T list', 'pipe')).to.deep.equal({ code: 0, err: 'no tasks\n' })
  })

  it('loses nothing of a pipe that brings something and stays open: it is refused', async () => {
    const held = new Readable({ read: () => undefined })
    held.push('{"i":7}')
    const { code, err } = await api.run(['submit', 's', 'a'], { stdin: () => held, piped: true, timeLimit: 50 })
    expect(code).to.equal(2)
    expect(err).to.contain('stdin did not end in 0.05 s')
    expect(held.destroyed).to.equal(true)
    expect(api.seen).to.deep.equal([])
  })

  it('says why stdin cannot be read', async () => {
    const stdin = (): Readable => new Readable({ read: () => stdinFails() })
    const stdinFails = (): never => {
      throw new Error('EIO: i/o error, read')
    }
    for (const argv of [
      ['submit', 's', 'a', '-'],
      ['submit', 's', 'a'],
    ])
      expect(await api.run(argv, { stdin, piped: true })).to.deep.include({
        code: 2,
        err: 'task_api: stdin cannot be read: EIO: i/o error, read\nSee task_api --help.\n',
      })
    expect(api.seen).to.deep.equal([])
  })

  it('takes a payload as large as a body may be, and leaves the verdict to the API', async () => {
    const stdin = (): Readable => Readable.from([Buffer.alloc(MAX_BODY, '1')])
    expect((await api.run(['submit', 's', 'a'], { stdin, piped: true })).code).to.equal(0)
    expect(api.seen[0]?.body).to.have.length(MAX_BODY + withPayload('').length)
  })
})
