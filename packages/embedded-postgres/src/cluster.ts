// The files of one Postgres: data directory, password and log. A cluster is made completely or not at all.
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, open, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Account, accountFor, giveTo, reaches } from './account.ts'
import { type Binaries, binariesFor } from './binaries.ts'
import { EmbeddedPostgresFailure } from './failure.ts'
import type { Log } from './log.ts'
import { run } from './programs.ts'

/** Name of the superuser and of the database. */
export const NAME = 'task_api'

/** A complete data directory, and what is needed to run a server on it. */
export interface Cluster {
  readonly binaries: Binaries
  readonly account: Account | undefined
  /** The data directory, absolute. Every program is started there. */
  readonly data: string
  /** The data directory as Postgres' programs are told it. */
  readonly dataArgument: string
  readonly password: string
  readonly logFile: string
}

const DRAFT = 'postgres.new-'

/** Opens the cluster in `dataDir`, or makes one (~0.7 s). The caller holds the lock of `dataDir`. Throws failures. */
export async function openCluster(dataDir: string, log: Log): Promise<Cluster> {
  const folder = join(dataDir, 'postgres')
  const data = join(folder, 'data')
  const account = await accountFor(data)
  const binaries = await binariesFor(account, log)
  await removeDrafts(dataDir, log)
  if (!(await exists(folder))) await makeCluster(dataDir, folder, account, binaries)
  else if (!(await exists(join(data, 'PG_VERSION')))) throw noCluster(folder)
  else if (account && (await stat(data)).uid === 0) await giveTo(account, folder)
  const password = (await readFile(join(folder, 'password'), 'utf8')).trim()
  const logFile = join(dataDir, 'postgres.log')
  return { binaries, account, data, dataArgument: await dataArgumentFor(account, data), password, logFile }
}

const exists = (path: string): Promise<boolean> => stat(path).then(Boolean, () => false)

const noCluster = (folder: string): EmbeddedPostgresFailure =>
  new EmbeddedPostgresFailure(
    'unusable_folder',
    `${folder} holds no database of Postgres that this user can read. Move it away, or set DATA_DIR to another folder.`,
  )

/** Makes a cluster in a draft folder and renames that folder when the cluster is complete, so that a kill leaves only a draft. */
async function makeCluster(
  dataDir: string,
  folder: string,
  account: Account | undefined,
  binaries: Binaries,
): Promise<void> {
  const draft = await mkdtemp(join(dataDir, DRAFT))
  const data = join(draft, 'data')
  await mkdir(data, { mode: 0o700 })
  await writeFile(join(draft, 'password'), randomBytes(24).toString('base64url'), { mode: 0o600 })
  if (account) await giveTo(account, draft)
  const place = ['-D', await dataArgumentFor(account, data)]
  const identity = ['--username', NAME, '--pwfile=../password', '--auth=scram-sha-256', '--encoding=UTF8', '--locale=C']
  // One sync of the file system instead of a thousand of files: a new cluster survives a power cut as well.
  const sync = process.platform === 'linux' ? ['--sync-method=syncfs'] : []
  await run(binaries.initdb, [...place, ...identity, ...sync], { cwd: data, account })
  const single = ['--single', ...place, '-c', 'exit_on_error=on', 'postgres']
  await run(binaries.postgres, single, { cwd: data, account, input: `create database ${NAME}\n` })
  await rename(draft, folder)
  await syncFolder(dataDir)
}

async function removeDrafts(dataDir: string, log: Log): Promise<void> {
  for (const name of await readdir(dataDir)) {
    if (!name.startsWith(DRAFT)) continue
    // The initdb of a killed owner may still write there; then a later start removes the draft.
    await rm(join(dataDir, name), { recursive: true, force: true }).catch((error: unknown) => {
      log.event('draft_not_removed', { err: error, folder: name })
    })
  }
}

/** Makes a rename last through a power cut. Windows cannot sync a folder, and need not. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return
  const opened = await open(folder)
  try {
    await opened.sync()
  } finally {
    await opened.close()
  }
}

/**
 * Root may keep the data where the account of Postgres cannot go, for example under /root. Linux starts a program in any folder that
 * root can enter, and the program then reaches that folder as /proc/self/cwd.
 */
async function dataArgumentFor(account: Account | undefined, data: string): Promise<string> {
  if (await reaches(account, dirname(dirname(data)))) return data
  if (process.platform === 'linux') return '/proc/self/cwd'
  const text = `Postgres does not run as root, and user ${account?.uid} cannot reach ${data}. Set DATA_DIR to a folder that everybody may enter (DATA_DIR=/var/lib/task_api), or run task_api as another user.`
  throw new EmbeddedPostgresFailure('unusable_folder', text)
}
