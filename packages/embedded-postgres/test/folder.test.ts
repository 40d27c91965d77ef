// What the embedded Postgres does with a data folder that cannot be one, and with a pid file that is torn.
import { expect } from 'chai'
import { execFile } from 'node:child_process'
import { chmod, chown, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { openCluster } from '../src/cluster.ts'
import { EmbeddedPostgresFailure } from '../src/failure.ts'
import { EmbeddedPostgres } from '../src/index.ts'
import { SILENT } from '../src/log.ts'
import { freePort, startPostmaster } from '../src/postmaster.ts'
import { ask } from '../../../test/support/postgres-files.ts'

describe('the data folder of the embedded Postgres', () => {
  let folder: string
  let dataDir: string
  const parts: EmbeddedPostgres[] = []
  const part = (at = dataDir): EmbeddedPostgres => {
    const postgres = new EmbeddedPostgres({ dataDir: at })
    parts.push(postgres)
    return postgres
  }
  /** What a start there is refused with; undefined when it is not. */
  const refusalAt = (at: string): Promise<unknown> =>
    part(at)
      .start()
      .then(
        () => undefined,
        (error: unknown) => error,
      )

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'task_api-folder-'))
    await chmod(folder, 0o755)
    dataDir = join(folder, 'data')
  })
  afterEach(async () => {
    for (const postgres of parts.splice(0)) await postgres.stop()
  })
  after(() => rm(folder, { recursive: true, force: true }))

  it('starts over a pid file that a power cut has torn', async () => {
    const postgres = part()
    await postgres.start()
    const file = join(dataDir, 'postgres/data/postmaster.pid')
    const whole = await readFile(file, 'utf8')
    await postgres.stop()
    const { uid, gid } = await stat(join(dataDir, 'postgres/data'))
    const cuts = [1, whole.indexOf('\n'), whole.indexOf('\n') + 1, whole.length - 20].map((at) => whole.slice(0, at))
    for (const torn of ['', '\n', '\0'.repeat(whole.length), 'no number\n', '-1\n', '0', ...cuts]) {
      await writeFile(file, torn, { mode: 0o600 })
      await chown(file, uid, gid)
      await postgres.start()
      expect(await ask(postgres.url, 'select 1'), JSON.stringify(torn)).to.equal(1)
      await postgres.stop()
    }
  })

  it('leaves a torn pid file in place while its server still runs', async function () {
    if (process.platform !== 'linux') this.skip()
    const postgres = part()
    await postgres.start()
    const file = join(dataDir, 'postgres/data/postmaster.pid')
    const whole = await readFile(file, 'utf8')
    const cluster = await openCluster(dataDir, SILENT)
    await writeFile(file, '')
    const start = { cluster, log: SILENT, signal: new AbortController().signal }
    const refusal = await startPostmaster(start, await freePort()).catch((error: unknown) => error)
    expect(refusal).to.be.instanceOf(EmbeddedPostgresFailure).with.property('message').that.contains('postmaster.pid')
    await writeFile(file, whole)
    expect(await ask(postgres.url, 'select 1')).to.equal(1)
  })

  it('says what is wrong with a data folder that cannot be one', async () => {
    const file = join(folder, 'file')
    await writeFile(file, 'a file')
    const refusal = await refusalAt(file)
    expect(refusal).to.be.instanceOf(EmbeddedPostgresFailure).with.property('code', 'unusable_folder')
    expect(refusal).to.have.property('message').that.contains(file).and.contains('DATA_DIR')
  })

  // `mount` may be refused, even to root: /proc takes no folder either, and says ENOENT.
  for (const [what, at] of [
    ['is to be made where nothing can be', '/proc/task_api/data'],
    ['has a name that is too long', join('/tmp', 'x'.repeat(300))],
    ['goes round in a circle', '/proc/self/cwd/loop/data'],
  ] as const)
    it(`says what is wrong with a data folder that ${what}`, async function () {
      if (process.platform !== 'linux') this.skip()
      const place = at.replace('/proc/self/cwd', folder)
      await symlink('loop', join(folder, 'loop')).catch(() => undefined)
      const refusal = await refusalAt(place)
      expect(refusal).to.be.instanceOf(EmbeddedPostgresFailure).with.property('code', 'unusable_folder')
      expect(refusal).to.have.property('message').that.contains(place).and.contains('DATA_DIR')
    })

  it('says that a new data folder would be on a file system that is read-only', async function () {
    const disk = join(folder, 'read-only')
    await mkdir(disk)
    const mounted = promisify(execFile)('mount', ['-t', 'tmpfs', '-o', 'ro', 'tmpfs', disk])
    if (!(await mounted.then(Boolean, () => false))) this.skip()
    try {
      for (const at of [disk, join(disk, 'data'), join(disk, 'deep/data')]) {
        const refusal = await refusalAt(at)
        expect(refusal).to.be.instanceOf(EmbeddedPostgresFailure).with.property('code', 'unusable_folder')
        expect(refusal).to.have.property('message').that.contains(at).and.contains('EROFS').and.contains('DATA_DIR')
      }
    } finally {
      await promisify(execFile)('umount', ['-l', disk])
    }
  })
})
