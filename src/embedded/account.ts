// The account that Postgres runs as: it refuses to be root.
import { lchown, readFile, readdir, realpath, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** A user other than our own. Undefined wherever it is optional: Postgres runs as ourselves. */
export interface Account {
  readonly uid: number
  readonly gid: number
}

// What Linux calls `nobody` wherever /etc/passwd does not say.
const NOBODY: Account = { uid: 65_534, gid: 65_534 }

/** Who Postgres runs as. Only root needs another account: the owner of the files that are there, else `nobody`. */
export async function accountFor(folder: string): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const owner = await stat(folder).catch(() => undefined)
  if (owner && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid }
  const passwd = await readFile('/etc/passwd', 'utf8').catch(() => '')
  const [, uid, gid] = /^nobody:[^:]*:(-?\d+):(-?\d+):/m.exec(passwd) ?? []
  // macOS writes -2, and means the unsigned number.
  return uid === undefined || gid === undefined ? NOBODY : { uid: Number(uid) >>> 0, gid: Number(gid) >>> 0 }
}

/** Whether an account may pass every folder down to `path`, and enter (a folder) or run (a file) `path` itself, by their modes. */
export async function reaches(account: Account | undefined, path: string): Promise<boolean> {
  if (!account) return true
  for (let at = await realpath(path); ; at = dirname(at)) {
    const { uid, gid, mode } = await stat(at)
    const bit = uid === account.uid ? 0o100 : gid === account.gid ? 0o010 : 0o001
    if ((mode & bit) === 0) return false
    if (at === dirname(at)) return true
  }
}

/** Gives a folder and all that is in it to an account. */
export async function giveTo(account: Account, folder: string): Promise<void> {
  for (const name of await readdir(folder, { recursive: true })) {
    await lchown(join(folder, name), account.uid, account.gid)
  }
  await lchown(folder, account.uid, account.gid)
}
