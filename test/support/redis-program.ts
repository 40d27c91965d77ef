// Where the program of Redis is: on PATH, or Debian's packages unpacked into node_modules/.cache without root.
import { execFile } from 'node:child_process'
import { access, constants, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { delimiter, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const exec = promisify(execFile)
const CACHE = fileURLToPath(new URL('../../../node_modules/.cache/', import.meta.url))

export interface Program {
  readonly path: string
  readonly env: NodeJS.ProcessEnv
}

/** Finds Redis or Valkey; the first time on a machine without them, unpacks Debian's (3 to 6 s). Throws an error that says what to do. */
export async function redisProgram(): Promise<Program> {
  const found = (await onPath('redis-server')) ?? (await onPath('valkey-server'))
  if (found !== undefined) return { path: found, env: process.env }
  const root = join(CACHE, 'redis')
  const path = join(root, 'usr/bin/redis-server')
  if (!(await runs(path))) await unpack(root)
  return { path, env: { ...process.env, LD_LIBRARY_PATH: (await libraries(root)).join(delimiter) } }
}

async function onPath(name: string): Promise<string | undefined> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = resolve(folder || '.', name)
    if (await runs(path)) return path
  }
  return undefined
}

const runs = (path: string): Promise<boolean> =>
  access(path, constants.X_OK).then(
    () => true,
    () => false,
  )

/** The packages that apt would install for redis-server, except for the C library, which every program here already runs on. */
async function unpack(root: string): Promise<void> {
  await mkdir(CACHE, { recursive: true })
  const draft = await mkdtemp(join(CACHE, 'redis.new-'))
  try {
    const apt = await aptOf(draft)
    await exec('apt-get', [...apt, 'update'])
    const install = ['install', '--print-uris', '-qq', '--no-install-recommends', 'redis-server']
    const { stdout } = await exec('apt-get', [...apt, ...install])
    const names = [...stdout.matchAll(/^'[^']+' ([^_\s]+)_/gm)]
      .map(([, name]) => name ?? '')
      .filter((name) => name !== 'libc6')
    await exec('apt-get', [...apt, 'download', ...names], { cwd: join(draft, 'packages') })
    for (const file of await readdir(join(draft, 'packages')))
      await exec('dpkg-deb', ['-x', join(draft, 'packages', file), join(draft, 'root')])
    await access(join(draft, 'root/usr/bin/redis-server'), constants.X_OK)
    // Fails where another process was faster: what it has put there may be running by now.
    await rename(join(draft, 'root'), root)
  } catch (error) {
    if (await runs(join(root, 'usr/bin/redis-server'))) return
    const text = `The tests need a real Redis, and there is no redis-server or valkey-server on PATH. Unpacking Debian's packages failed too (${String(error)}). Install Redis 6.2 or newer, or Valkey.`
    throw new Error(text, { cause: error })
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
}

/** Options by which apt keeps its lists and files in a folder of ours, so that it needs neither root nor an earlier update. */
async function aptOf(draft: string): Promise<string[]> {
  for (const folder of ['packages', 'root', 'lists/partial', 'cache/archives/partial'])
    await mkdir(join(draft, folder), { recursive: true })
  const places = [`Dir::State::lists=${join(draft, 'lists')}`, `Dir::Cache=${join(draft, 'cache')}`]
  // As root, apt would fetch as the user _apt, whom our folders are closed to.
  const options = [
    ...places,
    'Debug::NoLocking=1',
    'APT::Sandbox::User=',
    'Acquire::Languages=none',
    'Acquire::Retries=2',
  ]
  return options.flatMap((option) => ['-o', option])
}

async function libraries(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true })
  return [...new Set(entries.filter(({ name }) => /\.so(\.|$)/.test(name)).map(({ parentPath }) => parentPath))]
}
