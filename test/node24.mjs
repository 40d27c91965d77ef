// Runs all tests on Node 24, whichever Node runs this: its binary comes from npm, into node_modules/.cache.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const system = process.platform === 'win32' ? 'win' : process.platform
const name = `node-${system}-${process.arch}`
const folder = `${root}node_modules/.cache/node24`
const node = `${folder}/node_modules/${name}/bin/node${system === 'win' ? '.exe' : ''}`

if (!existsSync(node)) install()
const version = spawnSync(node, ['--version'], { encoding: 'utf8' })
if (version.status !== 0) fail(`${node} does not run: ${version.error?.message ?? version.stderr}`)
process.stdout.write(`Node ${version.stdout}`)

const files = process.argv.slice(2)
if (files.length === 0)
  files.push(
    'dist/test/spec.test.js',
    'dist/test/{unit,integration,nodes,mutations,chaos}/**/*.test.js',
    'dist/packages/*/test/**/*.test.js',
  )
const run = spawn(node, [`${root}node_modules/mocha/bin/mocha.js`, ...files], { cwd: root, stdio: 'inherit' })
run.once('exit', (code, signal) => {
  process.exitCode = code ?? (signal ? 1 : 0)
})
// A Ctrl-C reaches mocha too: wait for its end.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => run.kill(signal))

function install() {
  const quiet = ['--no-save', '--no-package-lock', '--no-audit', '--no-fund', '--loglevel=error']
  const args = ['install', '--prefix', folder, ...quiet, `${name}@24`]
  const cli = process.env.npm_execpath
  const [program, first] = cli?.endsWith('.js') ? [process.execPath, [cli]] : ['npm', []]
  const { status, error } = spawnSync(program, [...first, ...args], { stdio: 'inherit' })
  if (status !== 0) fail(`${name}@24 cannot be installed from npm${error ? `: ${error.message}` : ''}`)
}

function fail(text) {
  process.stderr.write(`${text}\n`)
  process.exit(1)
}
