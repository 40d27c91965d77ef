// The command `batch` against a scripted API: what it sends, what it asks again, and what it says.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { type Answer, FakeApi, problem } from './fake-api.ts'

const LINE = '{"service":"svc","action":"act"}'
const NOW = { wait: async () => {} }

const made = (from: number, count: number, headers: Record<string, string> = {}, more = {}): Answer => ({
  status: 201,
  headers,
  body: JSON.stringify(Array.from({ length: count }, (_, i) => ({ location: `/tasks/${from + i}`, ...more }))),
})
/** What a dry run says. */
const counted = (matched: number, next: string | null = null): Answer => ({
  status: 200,
  body: JSON.stringify({ matched, done: 0, next }),
})
/** The looks at tasks that have ended: none is left, and so many are complete, and failed. */
const ended = (complete: number, failed = 0): Answer[] => [counted(0), counted(complete), counted(failed)]

describe('batch', () => {
  const api = new FakeApi()
  let folder: string
  before(async () => {
    await api.start()
    folder = await mkdtemp(join(tmpdir(), 'task_api-batch-'))
  })
  after(async () => {
    await api.stop()
    await rm(folder, { recursive: true })
  })

  const file = async (text: string | Buffer): Promise<string> => {
    const path = join(folder, 'tasks')
    await writeFile(path, text)
    return path
  }
  const keys = (): unknown[] => api.seen.map(({ headers }) => headers['idempotency-key'])

  it('submits a thousand at a time, each with a key of its own, and tells how they ended', async () => {
    const path = await file(`${LINE}\n`.repeat(1_500))
    const looks = [...ended(400), ...ended(390, 10), counted(5), ...ended(280, 10), ...ended(390)]
    api.script(made(1, 1_000), made(1_001, 500), ...looks)
    const { code, out } = await api.run(['batch', path], NOW)
    expect([code, out]).to.deep.equal([1, '1500 submitted, 1460 complete, 20 failed, 20 gone\n'])
    expect(api.seen.slice(0, 2).map(({ body }) => JSON.parse(body).length)).to.deep.equal([1_000, 500])
    const first = keys().slice(0, 2)
    expect(new Set(first)).to.have.property('size', 2)
    api.script(made(1, 1_000), made(1_001, 500))
    expect((await api.run(['batch', path, '--no-wait', '--json'], NOW)).out).to.equal(
      '{"submitted":1500,"existing":0}\n',
    )
    expect(keys()).to.deep.equal(first)
  })

  it('only counts the tasks that it waits for, and asks in lines that proxies let through', async () => {
    api.script(made(9_000_000_000_001, 1_000), ...ended(400), ...ended(400), ...ended(200))
    expect((await api.run(['batch', await file(`${LINE}\n`.repeat(1_000))], NOW)).code).to.equal(0)
    for (const { line } of api.seen.slice(1)) {
      expect(line).to.match(/^POST \/tasks\/retry\?ids=[\d,]+&status=(?:pending,running|complete|failed)&dryRun=true$/)
      expect(line.length).to.be.below(8_000)
    }
  })

  it('follows a count to its end', async () => {
    api.script(made(1, 3), counted(0, '/tasks/retry?after=2'), counted(1), ...ended(2, 1))
    expect((await api.run(['batch', await file(`${LINE}\n`.repeat(3))], NOW)).out).to.equal(
      '3 submitted, 2 complete, 1 failed, 0 gone\n',
    )
    expect(api.seen[2]?.line).to.equal('POST /tasks/retry?after=2')
  })

  for (const [what, text] of [
    ['an array', `[${LINE.replace('}', ',"payload":{"n":  1}}')},\n ${LINE}]`],
    ['lines', `\n${LINE.replace('}', ',"payload":{"n":  1}}')}\r\n\n\t${LINE}`],
    ['lines after a byte order mark', `\ufeff${LINE.replace('}', ',"payload":{"n":  1}}')}\n${LINE}\n`],
  ] as const)
    for (const from of ['a file', 'stdin'])
      it(`reads ${what} from ${from}, and keeps the bytes of each task`, async () => {
        api.script(made(1, 2), ...ended(2))
        const stdin = async function* () {
          yield Buffer.from(text)
        }
        const argv = from === 'stdin' ? ['batch'] : ['batch', await file(text)]
        expect((await api.run(argv, { ...NOW, stdin, piped: true })).code).to.equal(0)
        expect(api.seen[0]?.body).to.equal(`[${LINE.replace('}', ',"payload":{"n":  1}}')},${LINE}]`)
      })

  it('sends at most 8 MiB at a time, and what is larger by itself', async () => {
    const mib = LINE.replace('}', `,"payload":"${'x'.repeat(1024 * 1024)}"}`)
    const large = LINE.replace('}', `,"payload":"${'x'.repeat(9 * 1024 * 1024)}"}`)
    api.script(made(1, 1), made(2, 7), problem(413, 'body_too_large'))
    const { code, err } = await api.run(['batch', await file(`${large}\n${`${mib}\n`.repeat(10)}`)], NOW)
    expect([code, err.split(':').slice(0, 2)]).to.deep.equal([4, ['task_api', ' line 9 to line 11']])
    expect(api.seen.map(({ body }) => Math.floor(body.length / 1024 / 1024))).to.deep.equal([9, 7, 3])
  })

  it('asks again by the same key while nobody answers, or another request is in the way', async () => {
    const passing = [problem(409, 'idempotency_in_progress'), problem(409, 'unique_pending')]
    api.script(503, ...passing, made(1, 1), 503, ...ended(1))
    const { code, err } = await api.run(['batch', await file(LINE)], NOW)
    expect(code).to.equal(0)
    expect(err.split('trying again')).to.have.length(3)
    expect(new Set(keys().slice(0, 4))).to.have.property('size', 1)
  })

  it('gives up after a minute, and says that a second run goes on', async () => {
    const waits: number[] = []
    api.script()
    const wait = async (ms: number) => void waits.push(ms)
    const { code, err } = await api.run(['batch', await file(LINE)], { wait })
    expect(waits).to.deep.equal(Array(60).fill(1_000))
    expect([code, err]).to.deep.equal([5, err.match(/^.*trying again\n.*\nRun the same command again: .*\n$/)?.[0]])
    api.script(made(1, 1))
    expect((await api.run(['batch', await file(LINE)], NOW)).code).to.equal(5)
  })

  it('says which tasks were there before', async () => {
    api.script(made(1, 1, { 'idempotency-replayed': 'true' }), ...ended(1))
    expect((await api.run(['batch', await file(LINE)], NOW)).out).to.equal(
      '1 submitted, 1 of them before, 1 complete, 0 failed, 0 gone\n',
    )
    api.script(made(1, 1, {}, { existing: true }), ...ended(1))
    expect((await api.run(['batch', await file(LINE), '--json'], NOW)).out).to.equal(
      '{"submitted":1,"existing":1,"complete":1,"failed":0,"gone":0}\n',
    )
  })

  it('shows progress on a terminal only, and no other line beside it', async () => {
    api.script(made(1, 1), 503, ...ended(1))
    const shown = (await api.run(['batch', await file(LINE)], { ...NOW, terminal: true })).err
    const CLEAR = '\r\x1b[K'
    const bar = (what: string) => `[${'#'.repeat(30)}] 100 %  1 of 1 ${what}${CLEAR}`
    expect(shown).to.equal(`${bar('submitted')}503; trying again\n${bar('ended')}`)
    api.script(made(1, 1), ...ended(1))
    expect((await api.run(['batch', await file(LINE)], NOW)).err).to.equal('')
    api.script(400)
    expect((await api.run(['batch', await file(LINE)], { ...NOW, terminal: true })).err).to.match(/^task_api: line 1/)
  })

  it('ends with what was refused, by the lines of the file', async () => {
    const errors = [{ pointer: '/1/service', detail: 'is missing' }]
    api.script(made(1, 1_000), problem(400, 'invalid_task', { errors }))
    const { code, err } = await api.run(['batch', await file(`\n${`${LINE}\n`.repeat(1_001)}{}\n`)], NOW)
    expect(code).to.equal(4)
    expect(err).to.match(
      /^task_api: line 1002 to line 1003: 400 invalid_task - .*\n {2}line 1003 \/service: is missing\n$/,
    )
  })

  for (const [what, text, said] of [
    ['no task', ' \n\n', 'has no tasks'],
    ['an empty array', '[]', 'has no tasks'],
    ['a line with two objects', `${LINE}\n${LINE},${LINE}`, 'line 2 of'],
    ['a line that is no object', `${LINE}\n\n17`, 'line 3 of'],
    ['half a line', LINE.slice(0, -1), 'line 1 of'],
    ['an array that breaks off', `[${LINE},`, 'is no JSON array, from its byte 34 on'],
    ['an array of arrays', `[${LINE},[]]`, 'task 2 of'],
    ['bytes that are no text', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 'is not UTF-8'],
  ] as const)
    it(`sends nothing of a file with ${what}`, async () => {
      api.script()
      const { code, err } = await api.run(['batch', await file(text)], NOW)
      expect([code, api.seen]).to.deep.equal([2, []])
      expect(err).to.include(said)
    })

  it('says that a file cannot be read', async () => {
    const { code, err } = await api.run(['batch', join(folder, 'none')], NOW)
    expect([code, err]).to.deep.equal([2, err.match(/^task_api: .*none cannot be read: ENOENT\n.*\n$/)?.[0]])
  })
})
