// The files of one Postgres: made whole or not at all, with their account, their password and their log.
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, open, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Log } from '../telemetry/log.ts'
import { type Account, accountFor, giveTo, reaches } from './account.ts'
import { type Binaries, binariesFor } from './binaries.ts'
import { EmbeddedPostgresFailure } from './failure.ts'
import { run } from './programs.ts'

/** Name of the superuser and of the database. */
export const NAME = 'task_api'

/** A data directory of Postgres that is complete, and all that it takes to run a server on it. */
export interface Cluster {
  readonly binaries: Binaries
  readonly account: Account | undefined
  /** The data directory, absolute. Every program is started in it. */
  readonly data: string
  /** The same as Postgres is told it. */
  readonly dataArgument: string
  readonly password: string
  readonly logFile: string
}

/** Opens the cluster under `dataDir`, which must be locked; the first time it is made (~0.7 s). Throws failures. */
export async function openCluster(dataDir: string, log: Log): Promise<Cluster> {
  const folder = join(dataDir, 'postgres')
  const data = join(folder, 'data')
  const account = await accountFor(data)
  const binaries = await binariesFor(account, log)
  const logFile = join(dataDir, 'postgres.log')
  await sweepDrafts(dataDir, log)
  const found = await stat(folder).catch(() => undefined)
  if (!found) await makeCluster({ dataDir, folder, account, binaries })
  else if (!(await stat(join(data, 'PG_VERSION')).catch(() => undefined))) throw noCluster(folder)
  else if (account && (await stat(data)).uid === 0) await giveTo(account, folder)
  const password = (await readFile(join(folder, 'password'), 'utf8')).trim()
  return { binaries, account, data, dataArgument: await dataArgumentFor(account, data), password, logFile }
}

const noCluster = (folder: string): EmbeddedPostgresFailure =>
  new EmbeddedPostgresFailure(
    'unusable_folder',
    `${folder} holds no database of Postgres that this user can read. Move it away, or set DATA_DIR to another folder.`,
  )

interface Place {
  readonly dataDir: string
  readonly folder: string
  readonly account: Account | undefined
  readonly binaries: Binaries
}

/** Makes the cluster beside its place and renames it when it is complete: what a kill leaves half made is never used. */
async function makeCluster({ dataDir, folder, account, binaries }: Place): Promise<void> {
  const draft = await mkdtemp(join(dataDir, DRAFT))
  const data = join(draft, 'data')
  await mkdir(data, { mode: 0o700 })
  await writeFile(join(draft, 'password'), randomBytes(24).toString('base64url'), { mode: 0o600 })
  if (account) await giveTo(account, draft)
  const at = ['-D', await dataArgumentFor(account, data)]
  const identity = ['--username', NAME, '--pwfile=../password', '--auth=scram-sha-256', '--encoding=UTF8', '--locale=C']
  // One call for the whole file system instead of a thousand: the files of a new cluster survive a power cut as well.
  const sync = process.platform === 'linux' ? ['--sync-method=syncfs'] : []
  await run(binaries.initdb, [...at, ...identity, ...sync], { cwd: data, account })
  const single = ['--single', ...at, '-c', 'exit_on_error=on', 'postgres']
  await run(binaries.postgres, single, { cwd: data, account, input: `create database ${NAME}\n` })
  await rename(draft, folder)
  await syncFolder(dataDir)
}

const DRAFT = 'postgres.new-'

async function sweepDrafts(dataDir: string, log: Log): Promise<void> {
  for (const name of await readdir(dataDir)) {
    if (!name.startsWith(DRAFT)) continue
    // An initdb whose node was killed may still write there; then the next start removes the rest.
    await rm(join(dataDir, name), { recursive: true, force: true }).catch((error: unknown) => {
      log.event('draft_not_removed', { err: error, folder: name })
    })
  }
}

/** Makes a rename last through a power cut. Windows cannot, and need not. */
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
 * Root may keep the data where its Postgres cannot go, for example under /root. The server is started in that folder by root, and
 * Linux lets it stay there: /proc/self/cwd names it without the way down.
 */
async function dataArgumentFor(account: Account | undefined, data: string): Promise<string> {
  if (await reaches(account, dirname(dirname(data)))) return data
  if (process.platform === 'linux') return '/proc/self/cwd'
  const text = `Postgres does not run as root, and user ${account?.uid} cannot reach ${data}. Set DATA_DIR to a folder that everybody may enter (DATA_DIR=/var/lib/task_api), or run task_api as another user.`
  throw new EmbeddedPostgresFailure('unusable_folder', text)
}
