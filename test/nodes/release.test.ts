// A release is made of a clean tree whose version and changelog fit; a dry run sets no tag.
import { expect } from 'chai'
import { execFile } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { plainEnvironment } from '../support/started.ts'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const AUTHOR = ['-c', 'user.name=test', '-c', 'user.email=test@example.invalid']

interface Sbom {
  readonly bomFormat: string
  readonly metadata: { readonly component: { readonly name: string; readonly version: string } }
  readonly components: readonly {
    readonly name: string
    readonly version: string
    readonly hashes?: readonly unknown[]
  }[]
}

describe('npm run release', () => {
  let clone: string
  const run = async (program: string, ...args: string[]): Promise<{ code: number; said: string }> =>
    promisify(execFile)(program, args, { cwd: clone, env: plainEnvironment() }).then(
      ({ stdout }) => ({ code: 0, said: stdout.trim() }),
      ({ code, stderr }: { code: number; stderr: string }) => ({ code, said: stderr.trim() }),
    )
  const release = () => run(process.execPath, 'test/release.mjs', '--dry-run')
  const commit = async (): Promise<void> => {
    await run('git', 'add', '--all')
    await run('git', ...AUTHOR, 'commit', '--quiet', '--message', 'a change')
  }
  const edit = async (file: string, change: (text: string) => string): Promise<void> => {
    await writeFile(join(clone, file), change(await readFile(join(clone, file), 'utf8')))
  }

  before(async () => {
    clone = join(await mkdtemp(join(tmpdir(), 'task_api-release-')), 'clone')
    // What was compiled comes along with its dates: it is not compiled again.
    const left = /\/(node_modules|dist-[^/]*|\.git|\.task_api)$/
    await cp(ROOT, clone, { recursive: true, preserveTimestamps: true, filter: (path) => !left.test(path) })
    await symlink(join(ROOT, 'node_modules'), join(clone, 'node_modules'))
    await run('git', 'init', '--quiet')
    await commit()
  })
  after(() => rm(join(clone, '..'), { recursive: true }))

  it('refuses a tree with changes, and a version that lockfile and changelog do not have', async () => {
    await edit('package.json', (text) => text.replace(/"version": "[^"]*"/, '"version": "9.9.9"'))
    const { code, said } = await release()
    expect(code).to.equal(1)
    expect(said.split('\n')).to.deep.equal([
      'release: the tree has changes that are not committed',
      'release: package-lock.json is not of version 9.9.9',
      'release: CHANGELOG.md has "## [Unreleased]" where "## [9.9.9] - <date>" must be, with nothing unreleased before it',
    ])
  })

  it('packs, lists every package that is installed with its version, and sets no tag in a dry run', async () => {
    await edit('package-lock.json', (text) =>
      text.replaceAll(/("name": "task_api",\s+"version": )"[^"]*"/g, '$1"9.9.9"'),
    )
    await edit('CHANGELOG.md', (text) => text.replace('## [Unreleased]', '## [Unreleased]\n\n## [9.9.9] - 2026-11-28'))
    await commit()
    const { code, said } = await release()
    expect(said).to.match(/^task_api-9\.9\.9\.tgz\nsbom\.cdx\.json, \d+ components\nno tag v9\.9\.9$/)
    expect(code).to.equal(0)
    expect((await run('git', 'tag')).said).to.equal('')
    // What a release writes is no change of the tree.
    expect((await run('git', 'status', '--porcelain')).said).to.equal('')

    const { bomFormat, metadata, components } = JSON.parse(await readFile(join(clone, 'sbom.cdx.json'), 'utf8')) as Sbom
    expect([bomFormat, metadata.component.name, metadata.component.version]).to.deep.equal([
      'CycloneDX',
      'task_api',
      '9.9.9',
    ])
    const { dependencies } = JSON.parse(await readFile(join(clone, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>
    }
    const listed = components.map(({ name, version }) => `${name} ${version}`)
    expect(listed).to.include.members(Object.entries(dependencies).map(([name, version]) => `${name} ${version}`))
    expect(listed.filter((one) => /^(mocha|typescript|standardwebhooks) /.test(one))).to.deep.equal([])
  })

  it('refuses a version that has a tag', async () => {
    await run('git', ...AUTHOR, 'tag', 'v9.9.9')
    expect(await release()).to.deep.equal({ code: 1, said: 'release: the tag v9.9.9 is there: raise the version' })
  })
})
