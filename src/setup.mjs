// What the command (src/task_api.mjs), `npm test` and `npm pack` need first: the packages installed and the sources compiled. Quiet
// when they are.
// It runs before anything is installed and on any Node, so it is plain JavaScript of the oldest kind that knows `import`.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { alone } from './alone.mjs'

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..')
const at = (...names) => path.join(ROOT, ...names)
const LOCK = at('dist-lock')
const SOURCES = ['src', 'packages', 'workers', 'migrations', 'test', 'bench', 'knexfile.ts', 'tsconfig.json']
const STAMP = at('dist', '.sources')
/** Set for the npm that we run. */
const NESTED = 'TASK_API_SETUP'

/** Whether this is run to compile, and not by a command that only needs what was compiled. */
const COMPILES = fs.realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)
if (COMPILES) void setUp()

/** Sees to it that `dist` is there and of these sources. Ends the process with 1 when it cannot be. */
export async function setUp() {
  try {
    checkNode()
    await complete()
  } catch (error) {
    process.stderr.write(`task_api: ${error.message}\n`)
    process.exit(1)
  }
}

async function complete() {
  // A package that was installed holds what was compiled, and nothing to compile it with.
  if (!fs.existsSync(at('tsconfig.json'))) return checkPacked()
  // npm runs `prepare` after each install: after ours we go on ourselves, and what production installs compiles nothing.
  if (process.env.npm_lifecycle_event === 'prepare') {
    checkGlobal()
    if (process.env[NESTED] || !isInstalled()) return
  }
  if (isInstalled() && isBuilt()) return
  await alone(LOCK, async () => {
    if (!isInstalled()) await install()
    if (!isBuilt()) await build()
  })
}

/** For a global install from git npm links to its own temporary clone, and then removes that. Both names are npm's. */
function checkGlobal() {
  if (!process.env._PACOTE_NO_PREPARE_ || process.env.npm_config_global !== 'true') return
  throw new Error(
    'npm cannot install this globally from git. Run `npm pack` with the same URL, then `npm install -g` with its file.',
  )
}

function checkPacked() {
  if (fs.existsSync(at('dist', 'src', 'bin.js'))) return
  throw new Error(
    'Nothing in this package is compiled: npm installed it from git with --ignore-scripts. Install it without that.',
  )
}

function checkNode() {
  const wanted = /\d+(\.\d+)*/.exec(readJson(at('package.json')).engines.node)[0]
  const [major, minor = 0] = wanted.split('.').map(Number)
  const [ours, oursMinor] = process.versions.node.split('.').map(Number)
  if (ours > major || (ours === major && oursMinor >= minor)) return
  throw new Error(`Node ${wanted} or newer is needed; this is ${process.version} (${process.execPath}).`)
}

/** Whether every package of the lockfile is there in its version. npm writes what it installed last of all, so half is not taken for whole. */
function isInstalled() {
  if (!fs.existsSync(at('package-lock.json'))) return fs.existsSync(at('node_modules'))
  const installed = at('node_modules', '.package-lock.json')
  if (!fs.existsSync(installed)) return isInstalledByOthers()
  const wanted = readJson(at('package-lock.json')).packages
  const found = readJson(installed).packages
  const missing = Object.keys(wanted).filter((name) => {
    // A workspace is a folder of this repository.
    if (!name.startsWith('node_modules/') || wanted[name].link) return false
    if (!found[name]) return !wanted[name].optional && !wanted[name].devOptional
    return found[name].version !== wanted[name].version || !fs.existsSync(at(name))
  })
  return missing.length === 0 || (missing.every((name) => wanted[name].dev) && !needsDev())
}

/** pnpm and yarn leave other traces. */
function isInstalledByOthers() {
  return ['.modules.yaml', '.yarn-integrity', '.yarn-state.yml'].some((name) => fs.existsSync(at('node_modules', name)))
}

/** Without a build to make, the command runs on what production installs. */
function needsDev() {
  return COMPILES || !isBuilt()
}

async function install() {
  process.stderr.write('task_api: installing packages…\n')
  const command = fs.existsSync(at('package-lock.json')) ? 'ci' : 'install'
  const dev = needsDev() ? ['--include=dev'] : []
  await npm([command, '--no-audit', '--no-fund', '--loglevel=error', ...dev])
}

function npm(args) {
  // Those of the npm that runs us (`npm --prefix … start`) would send this one elsewhere.
  const foreign = /^npm_config_(prefix|local_prefix|global|location|workspaces?|dry_run|json)$/i
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name)))
  env[NESTED] = '1'
  const cli = process.env.npm_execpath
  if (cli && /npm-cli\.c?js$/.test(cli)) return run(process.execPath, [cli, ...args], { env })
  return run('npm', args, { env, shell: process.platform === 'win32' })
}

/** Whether `dist` was compiled from these very sources, and nothing has been written there since. */
function isBuilt() {
  if (!fs.existsSync(STAMP) || fs.readFileSync(STAMP, 'utf8') !== digest()) return false
  const built = fs.statSync(STAMP).mtimeMs
  return filesOf(at('dist')).every((file) => fs.statSync(file).mtimeMs <= built)
}

/** Over the sources' text, not their dates: those of a copy or a checkout may be older than the build. */
function digest() {
  const hash = createHash('sha256')
  for (const file of SOURCES.flatMap((name) => filesOf(at(name)))) {
    if (/\.(ts|json)$/.test(file))
      hash
        .update(`${path.relative(ROOT, file)}\0`)
        .update(fs.readFileSync(file))
        .update('\0')
  }
  return hash.digest('hex')
}

function filesOf(name) {
  if (!fs.existsSync(name)) return []
  if (!fs.statSync(name).isDirectory()) return [name]
  const names = fs.readdirSync(name).filter((inside) => inside !== 'node_modules')
  return names.sort().flatMap((inside) => filesOf(path.join(name, inside)))
}

/** Compiles into a new folder, which then takes the place of the old one: nothing stale stays, and whoever runs sees one or the other. */
async function build() {
  const draft = at(`dist-new-${process.pid}`)
  const old = at(`dist-old-${process.pid}`)
  try {
    // A start is silent for a minute otherwise; `npm run build` is quiet.
    if (!COMPILES) process.stderr.write('task_api: compiling…\n')
    const sources = digest()
    await run(process.execPath, [at('node_modules', 'typescript', 'bin', 'tsc'), '--outDir', draft], {})
    fs.writeFileSync(path.join(draft, '.sources'), sources)
    if (fs.existsSync(at('dist'))) fs.renameSync(at('dist'), old)
    fs.renameSync(draft, at('dist'))
  } finally {
    for (const folder of [draft, old]) fs.rmSync(folder, { recursive: true, force: true })
  }
}

/** Runs a program. What it says is shown only when it fails. */
function run(program, args, options) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'], ...options })
    let said = ''
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (said += text))
    const stop = () => child.kill()
    process.once('exit', stop)
    child.once('error', reject)
    child.once('close', (code, signal) => {
      process.off('exit', stop)
      if (code === 0) return resolve()
      const name = [path.basename(program), ...args.map((arg) => path.relative(ROOT, arg) || arg)].join(' ')
      // npm prints its whole usage after an error.
      const start = said.trimEnd().split('\n').slice(0, 40).join('\n')
      return reject(new Error(`${name} failed (${signal || code}):\n${start}`))
    })
  })
}

function readJson(file) {
  return JSON.parse(fs.readFileSync(file, 'utf8'))
}
