// The embedded Postgres and the processes that own it: killed, frozen, interrupted, two at once.
import { expect } from 'chai'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, chown, mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { reaches } from '../src/account.ts'
import { EmbeddedPostgres } from '../src/index.ts'
import { lockDataDir } from '../src/lock.ts'
import { eventually } from '../../../test/support/eventually.ts'
import { ask, runs, serverOf, userOf } from '../../../test/support/postgres-files.ts'

const OWNER = fileURLToPath(new URL('./owner.js', import.meta.url))
const NOBODY = { uid: 65_534, gid: 65_534 }
const isRoot = process.getuid?.() === 0

/** A process that starts the embedded Postgres of a folder. */
class Owner {
  readonly child: ChildProcess
  readonly #said: Promise<string>

  constructor(dataDir: string, account: Partial<typeof NOBODY> = {}) {
    this.child = spawn(process.execPath, [OWNER, dataDir], {
      ...account,
      detached: true,
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const lines = createInterface({ input: this.child.stdout ?? process.stdin })
    this.#said = Promise.race([once(lines, 'line'), once(lines, 'close')]).then(([line]: unknown[]) => String(line))
  }

  /** The address of its server. */
  async url(): Promise<string> {
    const said = await this.#said
    if (!said.startsWith('ready ')) throw new Error(said)
    return said.slice('ready '.length)
  }

  /** What it was refused with. */
  async refusal(): Promise<string> {
    const said = await this.#said
    if (!said.startsWith('refused ')) throw new Error(said)
    return said.slice('refused '.length)
  }

  /** Ends it at once, as the kernel would for want of memory. */
  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return
    const exit = once(this.child, 'exit')
    this.child.kill('SIGKILL')
    await exit
  }
}

describe('the embedded Postgres and its owner', () => {
  // Most tests share one folder: a first start costs ten times a later one.
  let folder: string
  let dataDir: string
  let postgres: EmbeddedPostgres
  const owners: Owner[] = []
  const owner = (account?: typeof NOBODY): Owner => {
    const started = new Owner(dataDir, account)
    owners.push(started)
    return started
  }

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'task_api-embedded-'))
    await chmod(folder, 0o755)
  })
  beforeEach(() => use('shared'))
  afterEach(async () => {
    for (const one of owners.splice(0)) await one.kill()
    // Takes over what a killed owner left, and stops it.
    await postgres.start()
    await postgres.stop()
  })
  after(() => rm(folder, { recursive: true, force: true }))

  async function use(name: string): Promise<void> {
    dataDir = join(folder, name)
    postgres = new EmbeddedPostgres({ dataDir })
    await mkdir(dataDir, { recursive: true })
  }

  it('takes over the server of an owner that was killed, and stops it in the end', async () => {
    const killed = owner()
    const url = await killed.url()
    await ask(url, 'create table kept as select 42 as value')
    const server = await serverOf(dataDir)
    await killed.kill()
    expect(runs(server)).to.equal(true)
    await postgres.start()
    expect(postgres.url).to.equal(url)
    expect(await serverOf(dataDir)).to.equal(server)
    expect(await ask(postgres.url, 'select value from kept')).to.equal(42)
    await postgres.stop()
    expect(runs(server)).to.equal(false)
  })

  it('brings a server back that was taken over and then killed', async () => {
    const killed = owner()
    const url = await killed.url()
    await killed.kill()
    await postgres.start()
    const server = await serverOf(dataDir)
    process.kill(server, 'SIGKILL')
    await eventually(async () => expect(await serverOf(dataDir)).not.to.equal(server))
    expect(await eventually(() => ask(url, 'select 1'), 15_000)).to.equal(1)
  })

  it('refuses a second owner, and names the first', async () => {
    const first = owner()
    const url = await first.url()
    const refusal = await owner().refusal()
    expect(refusal).to.match(/^in_use /)
    expect(refusal).to.contain(`process ${first.child.pid}`)
    expect(refusal).to.contain(dataDir)
    expect(await ask(url, 'select 1')).to.equal(1)
  })

  it('refuses a second owner also while the first is frozen', async () => {
    const first = owner()
    await first.url()
    first.child.kill('SIGSTOP')
    expect(await owner().refusal()).to.match(/^in_use /)
    first.child.kill('SIGCONT')
  })

  it('lets one of many in that start at once', async () => {
    await use('crowded')
    const many = Array.from({ length: 4 }, () => owner())
    const ends = await Promise.allSettled(many.map((one) => one.url()))
    expect(ends.filter(({ status }) => status === 'fulfilled')).to.have.length(1)
    for (const end of ends) if (end.status === 'rejected') expect(String(end.reason)).to.contain('refused in_use')
  })

  it('lets one of many in that start at once after a kill', async () => {
    const first = owner()
    await first.url()
    await first.kill()
    const many = Array.from({ length: 4 }, () => owner())
    const ends = await Promise.allSettled(many.map((one) => one.url()))
    expect(ends.filter(({ status }) => status === 'fulfilled')).to.have.length(1)
  })

  it('starts anew after a kill in the middle of the first start', async () => {
    await use('half')
    const killed = owner()
    await eventually(async () => expect((await readdir(dataDir)).join()).to.contain('postgres.new-'))
    await killed.kill()
    expect(await readdir(dataDir)).not.to.contain('postgres')
    await postgres.start()
    expect(await ask(postgres.url, 'select 1')).to.equal(1)
  })

  it('takes over from one that is about to go', async () => {
    await use('going')
    const first = await lockDataDir(dataDir)
    const second = lockDataDir(dataDir)
    await eventually(async () => expect((await readdir(join(dataDir, 'lock'))).join()).to.contain('.draft'))
    await first.release()
    await (await second).release()
  })

  it('keeps a Ctrl-C from the server', async () => {
    const first = owner()
    const url = await first.url()
    const server = await serverOf(dataDir)
    process.kill(-(first.child.pid ?? 0), 'SIGINT')
    expect(await ask(url, 'select 1')).to.equal(1)
    expect(await serverOf(dataDir)).to.equal(server)
  })

  it('ends the server when its owner exits without a stop', async () => {
    const first = owner()
    await first.url()
    const server = await serverOf(dataDir)
    first.child.stdin?.end()
    await eventually(() => expect(runs(server)).to.equal(false))
  })

  if (isRoot)
    it('runs as the user that owns the data, when that is not root', async function () {
      if (!(await reaches(NOBODY, OWNER.replace(/[^/]*$/, ''))) || !(await reaches(NOBODY, process.execPath)))
        this.skip()
      await use('owned')
      await chown(dataDir, NOBODY.uid, NOBODY.gid)
      const first = owner(NOBODY)
      await first.url()
      expect(userOf(await serverOf(dataDir))).to.equal(NOBODY.uid)
      await first.kill()
      await postgres.start()
      expect((await stat(join(dataDir, 'postgres/data'))).uid).to.equal(NOBODY.uid)
    })
})
