// The account that Postgres runs as. Postgres refuses to run as root.
import { lchown, readFile, readdir, realpath, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** A user other than our own. Where an account is undefined, Postgres runs as our own user. */
export interface Account {
  readonly uid: number
  readonly gid: number
}

// The ids of `nobody` on Linux, for when /etc/passwd does not name any.
const NOBODY: Account = { uid: 65_534, gid: 65_534 }

/** The account for the data in `folder`. Only root needs another account: the owner of the data, or `nobody` for new data. */
export async function accountFor(folder: string): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const owner = await stat(folder).catch(() => undefined)
  if (owner && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid }
  const passwd = await readFile('/etc/passwd', 'utf8').catch(() => '')
  const [, uid, gid] = /^nobody:[^:]*:(-?\d+):(-?\d+):/m.exec(passwd) ?? []
  // macOS writes the unsigned number as -2.
  return uid === undefined || gid === undefined ? NOBODY : { uid: Number(uid) >>> 0, gid: Number(gid) >>> 0 }
}

/** Whether the modes let an account enter every folder above `path`, and enter the folder or run the file `path`. */
export async function reaches(account: Account | undefined, path: string): Promise<boolean> {
  if (!account) return true
  for (let at = await realpath(path); ; at = dirname(at)) {
    const { uid, gid, mode } = await stat(at)
    const bit = uid === account.uid ? 0o100 : gid === account.gid ? 0o010 : 0o001
    if ((mode & bit) === 0) return false
    if (at === dirname(at)) return true
  }
}

/** Makes an account the owner of a folder and of everything in the folder. */
export async function giveTo(account: Account, folder: string): Promise<void> {
  for (const name of await readdir(folder, { recursive: true })) {
    await lchown(join(folder, name), account.uid, account.gid)
  }
  await lchown(folder, account.uid, account.gid)
}
