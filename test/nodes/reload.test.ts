// The services file changes while a node runs: however it is written, it is in use within 2 s, or the old one stays.
import { expect } from 'chai'
import { execFile } from 'node:child_process'
import { readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { eventually } from '../support/eventually.ts'
import { Fleet } from '../support/fleet.ts'
import type { Line, NodeProcess } from '../support/node.ts'
import { ServicesFile } from '../support/services-file.ts'
import { ended, post } from '../support/world.ts'

const BIN = fileURLToPath(new URL('../../src/bin.js', import.meta.url))
const RELOADED = 'the services file was read again'
const REJECTED = 'the services file is not valid; the services stay as they are'
/** The promise, ms. */
const SOON = 2_000
const RELOADS = 100

const changesOf = ({ added, changed, removed }: Line): unknown => ({ added, changed, removed })
const NONE = { added: [], changed: [], removed: [] }

/** What the command line says: its exit code, and the lines of both streams. */
async function command(node: NodeProcess, ...words: string[]): Promise<{ code: number; out: string; err: string }> {
  const run = promisify(execFile)(process.execPath, [BIN, ...words, '--url', node.url])
  return run.then(
    ({ stdout, stderr }) => ({ code: 0, out: stdout, err: stderr }),
    ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({
      code,
      out: stdout,
      err: stderr,
    }),
  )
}

describe('the services file of a node that runs', () => {
  let fleet: Fleet
  let file: ServicesFile
  let node: NodeProcess
  let svc: { url: string }
  /** The lines of each event that the test has seen. */
  let seen: Map<string, number>

  beforeEach(async () => {
    fleet = await Fleet.open()
    svc = { url: fleet.service.url }
    seen = new Map()
    file = await ServicesFile.create({ svc })
    node = await fleet.start('a', { TASK_API_CONFIG: file.path, PGBINARY: 'of the start' })
  })
  afterEach(async () => {
    await fleet.close()
    await file[Symbol.asyncDispose]()
  })

  /** The next line of its kind. */
  const next = async (msg: string): Promise<Line> => {
    const skip = seen.get(msg) ?? 0
    seen.set(msg, skip + 1)
    return node.logged(msg, 60_000, skip)
  }
  const runs = async (service: string): Promise<void> => {
    expect(await ended(node.url, await post(node.url, 'ok', '{}', service))).to.include({ status: 'complete' })
  }
  const reload = async (): Promise<Record<string, unknown>> =>
    (await (await fetch(`${node.url}/services/reload`, { method: 'POST' })).json()) as Record<string, unknown>

  it('is read again when it is written, replaced by a rename, or swapped behind a link', async () => {
    const steps = [
      [() => file.write({ svc, in: svc }), { ...NONE, added: ['in'] }],
      [() => file.replace({ svc: { ...svc, timeout: '9s' }, in: svc, over: svc }), { ...NONE, added: ['over'], changed: ['svc'] }], // prettier-ignore
      [() => file.swap({ svc, over: svc, link: svc }), { added: ['link'], changed: ['svc'], removed: ['in'] }],
      [() => file.swap({ svc, linked: svc }), { added: ['linked'], changed: [], removed: ['over', 'link'] }],
    ] as const
    const took: number[] = []
    for (const [write, changes] of steps) {
      const begun = performance.now()
      await write()
      const line = await next(RELOADED)
      took.push(performance.now() - begun)
      expect([line.level, changesOf(line)]).to.deep.equal([30, changes])
      for (const added of changes.added) await runs(added)
    }
    // One of them may have met a machine that is busy with something else.
    expect(took.toSorted((a, b) => a - b).at(-2), 'ms').to.be.below(SOON)
  })

  it('stays as it was where the new one is not valid, or is gone for a moment; every fault is said', async () => {
    await file.write({ svc: { ...svc, timeout: 5, on: 'x' }, 'a b': svc })
    const { level, faults } = await next(REJECTED)
    expect(level).to.equal(50)
    expect(faults).to.have.length(3)
    expect(faults).to.satisfy((all: string[]) => all.every((fault) => fault.startsWith(`${file.path}:1 services`)))
    const refused = await fetch(`${node.url}/services/reload`, { method: 'POST' })
    expect(refused.status).to.equal(422)
    const problem = (await refused.json()) as { code: string; errors: Record<string, unknown>[] }
    expect(problem.code).to.equal('invalid_services')
    expect(problem.errors.map(({ path, line }) => [path, line])).to.deep.include.members([['services.svc.timeout', 1]])
    await next(REJECTED)
    await runs('svc')

    await file.write({ svc })
    expect(changesOf(await next(RELOADED))).to.deep.equal(NONE)
    await file.without(async () => {
      expect((await next(REJECTED))['faults']).to.satisfy(([fault]: string[]) => fault?.includes('it is not there'))
      await runs('svc')
    })
    expect(changesOf(await next(RELOADED))).to.deep.equal(NONE)
  })

  it('is read again by POST /services/reload and by the command, with the environment of the start', async () => {
    await file.write({ svc: { ...svc, headers: { 'X-Told': '${PGBINARY}' } }, more: svc })
    expect(await reload()).to.deep.equal({ added: ['more'], changed: ['svc'], removed: [] })
    await runs('svc')
    expect(fleet.service.requests.at(-1)?.request.headers['x-told']).to.equal('of the start')
    const out = 'nothing has changed since the file was last read\n'
    expect(await command(node, 'reload')).to.deep.equal({ code: 0, out, err: '' })
    await file.write('services:\n  b: { url: 7 }\n')
    const failed = await command(node, 'reload')
    expect(failed.code).to.equal(4)
    expect(failed.err).to.match(
      /^task_api: 422 invalid_services - .*\n {2}services\.b\.url, line 2: Expected .*, found 7\.\n/,
    )
  })

  it('is read again when a secret changes that it names in a file, also behind a link that is swapped', async () => {
    const folder = dirname(file.path)
    const told = async (): Promise<unknown> => {
      await runs('svc')
      return fleet.service.requests.at(-1)?.request.headers['x-told']
    }
    await writeFile(join(folder, 'one'), 'first\n')
    await writeFile(join(folder, 'two'), 'third\n')
    await symlink('one', join(folder, 'secret'))
    await file.replace({ svc: { ...svc, headers: { 'X-Told': `\${file:${folder}/secret}` } } })
    await next(RELOADED)
    expect(await told()).to.equal('first')

    await writeFile(join(folder, 'one'), 'second\n')
    expect(changesOf(await next(RELOADED))).to.deep.equal({ ...NONE, changed: ['svc'] })
    expect(await told()).to.equal('second')

    await rm(join(folder, 'secret'))
    const { faults } = await next(REJECTED)
    expect(faults).to.deep.equal([
      `${file.path}:1 services.svc.headers.X-Told Expected a secret in the file ${folder}/secret, found it is not there.`,
    ])
    expect(await told()).to.equal('second')

    await symlink('two', join(folder, 'secret'))
    expect(changesOf(await next(RELOADED))).to.deep.equal({ ...NONE, changed: ['svc'] })
    expect(await told()).to.equal('third')
    // One fault is said once.
    expect(node.lines.filter(({ msg }) => msg === REJECTED)).to.have.length(1)
  })

  it('gives tasks the callbacks of now, also those made by SQL', async () => {
    const callback = async (): Promise<unknown> => {
      const [row] = await fleet.sql<{ id: string }>(`select task_api.submit('svc', 'ok', delay => '1h') as id`)
      return (await fleet.sql<{ callback: unknown }>('select callback from tasks where id = $1', [row?.id]))[0]
        ?.callback
    }
    expect(await callback()).to.equal(null)
    const own = { service: 'svc', action: 'seen', on: 'failed' }
    await file.write({ svc: { ...svc, callback: own } })
    await eventually(async () => expect(await callback()).to.deep.equal(own))
    const id = (await post(node.url, 'ok')).slice('/tasks/'.length)
    expect(await fleet.sql('select callback from tasks where id = $1', [id])).to.deep.equal([{ callback: own }])
  })

  it(`leaves no descriptor behind after ${RELOADS} changes`, async function () {
    if (process.platform !== 'linux') this.skip()
    const open = async (): Promise<number> => (await readdir(`/proc/${node.pid}/fd`)).length
    // Connections of a client that is not closed would stay for as long as they may.
    fleet.service.keepAlive = 600_000
    await runs('svc')
    const before = await open()
    for (let i = 1; i <= RELOADS; i++) {
      await file.write({ svc: { ...svc, concurrency: i } })
      expect(await reload()).to.deep.equal({ ...NONE, changed: ['svc'] })
      if (i % 5 === 0) await runs('svc')
    }
    await eventually(async () => expect(await open()).to.be.at.most(before + 3), 5_000)
    expect(node.errors).to.deep.equal([])
  })
})
