// The command `batch` as a process, against a real node: files of many lines, a terminal, and a run that is killed in the middle.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { TIMINGS } from '../../../src/core/timings.ts'
import { endsWithUs } from '../../support/child.ts'
import { eventually } from '../../support/eventually.ts'
import { openWorld, type World } from '../../support/world.ts'

const BIN = fileURLToPath(new URL('../../../src/bin.js', import.meta.url))
/** 10 batches of 1,000 tasks each; `LINES=100000` makes a longer run. */
const LINES = Number(process.env['LINES'] ?? 10_000)
/** A run is killed when the node has so many tasks. */
const KILLED = LINES / 5
const hasTerminals = process.platform === 'linux' && spawnSync('script', ['-qc', 'true', '/dev/null']).status === 0

describe('batch against a node', function () {
  this.timeout(300_000)
  let world: World
  let folder: string
  let url: string
  before(async () => {
    world = await openWorld()
    url = (await world.node({ timings: TIMINGS })).url
    folder = await mkdtemp(join(tmpdir(), 'task_api-batch-'))
  })
  after(async () => {
    await world.close()
    await rm(folder, { recursive: true })
  })

  /** Starts a line of shell in which $T is the command and $D the folder of the files. */
  const start = (line: string) => {
    const env = { PATH: process.env.PATH ?? '', TASK_API_URL: url, T: `${process.execPath} ${BIN}`, D: folder }
    const child = endsWithUs(spawn('sh', ['-c', line], { env, stdio: ['ignore', 'pipe', 'pipe'] }))
    let [out, err] = ['', '']
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
    const ended = once(child, 'close').then(([code]) => ({ code: code as unknown, out, err }))
    return { child, ended }
  }
  const run = (line: string) => start(line).ended

  const counted = async () =>
    (
      await world.sql<{ tasks: number; payloads: number }>(
        `select count(*)::integer as tasks, count(distinct payload ->> 'n')::integer as payloads from tasks`,
      )
    )[0]

  /** Kills a run once a condition holds, which must be before it ends. */
  const killed = async (line: string, when: () => Promise<boolean> | boolean) => {
    const { child, ended } = start(`exec ${line}`)
    await eventually(async () => expect(await when()).to.equal(true), 120_000)
    child.kill('SIGKILL')
    expect((await ended).code).to.equal(null)
  }

  it('goes on after a break, from a file or from stdin, by lines or as an array, and creates nothing twice', async () => {
    const tasks = Array.from(
      { length: LINES },
      (_, n) => `{"service":"svc","action":"ok","delay":"1d","payload":{"n":${n}}}`,
    )
    await writeFile(join(folder, 'lines'), `${tasks.join('\n')}\n`)
    await writeFile(join(folder, 'array'), `[${tasks.join(',\n ')}]`)
    await killed('$T batch $D/lines --no-wait', async () => ((await counted())?.tasks ?? 0) >= KILLED)
    expect((await counted())?.tasks).to.be.within(KILLED, LINES - 1)
    const first = JSON.parse((await run('$T batch --no-wait --json < $D/array')).out) as { existing: number }
    expect(first.existing).to.be.within(KILLED, LINES - 1)
    expect(await counted()).to.deep.equal({ tasks: LINES, payloads: LINES })
    const again = { code: 0, out: `{"submitted":${LINES},"existing":${LINES}}\n`, err: '' }
    for (const line of ['$T batch $D/array', '$T batch - < $D/lines', 'cat $D/lines | $T batch'])
      expect(await run(`${line} --no-wait --json`), line).to.deep.equal(again)
    expect(await counted()).to.deep.equal({ tasks: LINES, payloads: LINES })
    await world.sql('truncate tasks, task_labels')
  })

  it('waits again after a break, and ends with 1 as some have failed', async () => {
    const tasks = Array.from({ length: 3_000 }, (_, n) => `{"service":"svc","action":"some.10","payload":{"n":${n}}}`)
    await writeFile(join(folder, 'some'), tasks.join('\n'))
    await killed('$T batch $D/some', () => world.service.requests.length >= 500)
    expect(await run('$T batch $D/some'))
      .to.include({ code: 1, err: '' })
      .and.property('out')
      .that.matches(/^3000 submitted, \d+ of them before, 2700 complete, 300 failed, 0 gone\n$/)
    expect(world.service.requests).to.have.length(3_000)
    expect(await counted()).to.deep.equal({ tasks: 3_000, payloads: 3_000 })
  })

  it('shows a bar on a terminal, while it submits and while it waits', async function () {
    if (!hasTerminals) this.skip()
    const tasks = Array.from({ length: 3_000 }, (_, n) => `{"service":"svc","action":"echo","payload":{"n":${n}}}`)
    await writeFile(join(folder, 'echoes'), tasks.join('\n'))
    const { code, out } = await run(`script -qefc '$T batch < $D/echoes' /dev/null`)
    const lines = out.replaceAll('\r\x1b[K', '\r\n').split('\r\n')
    expect(lines).to.include('[##########....................]  33 %  1000 of 3000 submitted')
    expect(lines).to.include('[##############################] 100 %  3000 of 3000 ended')
    expect([code, ...lines.slice(-2)]).to.deep.equal([0, '3000 submitted, 3000 complete, 0 failed, 0 gone', ''])
    expect(lines.every((line) => line.length < 80)).to.equal(true)
  })
})
