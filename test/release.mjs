// Makes a release of a clean tree: npm run release. With -- --dry-run it leaves out the gate and the tag.
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'

const SBOM = 'sbom.cdx.json'
const dryRun = process.argv.includes('--dry-run')
const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'))
const { name, version } = readJson('package.json')
const tag = `v${version}`

/** What keeps this tree from being released. */
function faults() {
  const changes = readFileSync('CHANGELOG.md', 'utf8').replace(/^## \[Unreleased\]\s*(?=^## )/m, '')
  const [heading = ''] = /^## .*$/m.exec(changes) ?? []
  return [
    [output('git', 'status', '--porcelain') !== '', 'the tree has changes that are not committed'],
    [output('git', 'tag', '--list', tag) !== '', `the tag ${tag} is there: raise the version`],
    [readJson('package-lock.json').version !== version, `package-lock.json is not of version ${version}`],
    [
      !heading.startsWith(`## [${version}] - 20`),
      `CHANGELOG.md has "${heading}" where "## [${version}] - <date>" must be, with nothing unreleased before it`,
    ],
  ]
    .filter(([broken]) => broken)
    .map(([, fault]) => fault)
}

const output = (program, ...args) => execFileSync(program, args, { encoding: 'utf8', maxBuffer: 2 ** 26 }).trim()

const found = faults()
if (found.length > 0) {
  process.stderr.write(found.map((fault) => `release: ${fault}\n`).join(''))
  process.exit(1)
}
if (!dryRun) execFileSync('npm', ['run', 'check'], { stdio: 'inherit' })
const packed = output('npm', 'pack', '--silent').split('\n').at(-1)
const format = ['--sbom-format', 'cyclonedx', '--sbom-type', 'application']
// Not `--omit dev`: npm then leaves out what development and the program both need.
const sbom = JSON.parse(output('npm', 'sbom', '--package-lock-only', ...format))
const isForDevelopment = ({ properties }) => properties.some((one) => one.name === 'cdx:npm:package:development')
const left = new Set(sbom.components.filter(isForDevelopment).map((component) => component['bom-ref']))
sbom.components = sbom.components.filter((component) => !left.has(component['bom-ref']))
sbom.dependencies = sbom.dependencies
  .filter(({ ref }) => !left.has(ref))
  .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((one) => !left.has(one)) }))
// npm takes the name of the folder.
sbom.metadata.component.name = name
writeFileSync(SBOM, `${JSON.stringify(sbom, null, 2)}\n`)
if (!dryRun) output('git', 'tag', '--annotate', tag, '--message', `task_api ${version}`)
process.stdout.write(`${packed}\n${SBOM}, ${sbom.components.length} components\n${dryRun ? 'no ' : ''}tag ${tag}\n`)
