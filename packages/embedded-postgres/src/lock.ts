// The lock on a data folder: one live process at a time. The kernel frees the lock however its owner ends.
import { randomBytes } from 'node:crypto'
import { type FileHandle, link, open, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { type Server, connect, createServer } from 'node:net'
import { hostname, tmpdir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { EmbeddedPostgresFailure, errno } from './failure.ts'
import { makeFolder } from './folder.ts'

// How the lock works.
// - Every owner listens on a socket of its own. The kernel accepts connections while the owner lives, even when the owner is
//   frozen, and refuses them as soon as the owner is dead. A process id cannot tell that: the system uses ids again.
// - The folder `lock` holds files named 1, 2, 3 …, the generations. Each names the socket of one owner. The owner of the highest
//   file holds the lock while its socket accepts connections.
// - To take over from a dead owner, a process makes the next file, which only one process can. Then the process checks that its
//   file is still the highest.
// - The highest file is never deleted, so that no number is used twice.
// - A child that the owner starts has the owner's socket too, until it runs its own program. So a dead owner is asked again for a while.

/** How long an owner is asked that may be dead, and the pause between two times, ms. */
const LEAVES_MS = 1_000
const PAUSE_MS = 50

export interface DataDirLock {
  release(): Promise<void>
}

interface Owner {
  readonly pid: number
  readonly host: string
  /** A path, absolute or relative to the lock's folder. */
  readonly socket: string
}

/** Takes the lock of a data folder, and makes that folder if needed. Throws a failure (`in_use`) when a live process has the lock for a second. */
export async function lockDataDir(dataDir: string): Promise<DataDirLock> {
  const folder = join(dataDir, 'lock')
  await makeFolder(folder)
  const handle = process.platform === 'win32' ? undefined : await open(folder)
  const name = randomBytes(6).toString('hex')
  const { server, socket } = await listen(folder, name, handle)
  const release = async (): Promise<void> => {
    await new Promise((closed) => server.close(closed))
    await handle?.close()
  }
  const draft = join(folder, `${name}.draft`)
  try {
    await writeFile(draft, JSON.stringify({ pid: process.pid, host: hostname(), socket } satisfies Owner))
    for (const end = performance.now() + LEAVES_MS; ; await sleep(PAUSE_MS)) {
      const owner = await take(folder, draft, handle)
      if (owner === undefined) return { release }
      if (owner !== 'again' && performance.now() > end) throw inUse(dataDir, owner)
    }
  } catch (error) {
    await release()
    throw error
  } finally {
    await rm(draft, { force: true })
  }
}

const inUse = (dataDir: string, { host, pid }: Owner): EmbeddedPostgresFailure => {
  const who = host === hostname() ? `process ${pid}` : `process ${pid} on ${host}`
  return new EmbeddedPostgresFailure(
    'in_use',
    `The data folder ${dataDir} is in use by another task_api (${who}). Stop it, set DATA_DIR to another folder, or set DATABASE_URL to let several nodes share a Postgres.`,
  )
}

/** Tries once to take the lock: undefined. Else its owner; or `again`, where another process came in between. */
async function take(folder: string, draft: string, handle?: FileHandle): Promise<Owner | 'again' | undefined> {
  const before = await generations(folder)
  const highest = before.at(-1) ?? 0
  const owner = await ownerOf(folder, highest)
  if (owner && (await isListening(addressOf(folder, owner.socket, handle)))) return owner
  const mine = highest + 1
  try {
    await link(draft, join(folder, String(mine)))
  } catch (error) {
    if (errno(error) === 'EEXIST') return 'again'
    throw error
  }
  if ((await generations(folder)).at(-1) !== mine) {
    await rm(join(folder, String(mine)), { force: true })
    return 'again'
  }
  for (const generation of before) await forget(folder, generation)
  return undefined
}

async function generations(folder: string): Promise<number[]> {
  const names = await readdir(folder)
  return names
    .filter((name) => /^[1-9]\d*$/.test(name))
    .map(Number)
    .sort((a, b) => a - b)
}

async function ownerOf(folder: string, generation: number): Promise<Owner | undefined> {
  const text = await readFile(join(folder, String(generation)), 'utf8').catch(() => '')
  try {
    const { pid, host, socket } = JSON.parse(text) as Partial<Owner>
    return pid === undefined || host === undefined || !socket ? undefined : { pid, host, socket }
  } catch {
    // The machine went down before the text was on disk, and its writer with the machine.
    return undefined
  }
}

async function forget(folder: string, generation: number): Promise<void> {
  const owner = await ownerOf(folder, generation)
  if (owner && /^[0-9a-f]+\.sock$/.test(owner.socket)) await rm(join(folder, owner.socket), { force: true })
  await rm(join(folder, String(generation)), { force: true })
}

/** Listens in the lock's folder, or in the folder of temporary files when the lock's folder cannot hold a socket. */
async function listen(folder: string, name: string, handle?: FileHandle): Promise<{ server: Server; socket: string }> {
  const elsewhere =
    process.platform === 'win32' ? `\\\\.\\pipe\\task_api-${name}` : join(tmpdir(), `task_api-${name}.sock`)
  const inside = `${name}.sock`
  if (process.platform !== 'win32') {
    const server = await listenAt(addressOf(folder, inside, handle)).catch(() => undefined)
    if (server) return { server, socket: inside }
  }
  return { server: await listenAt(elsewhere), socket: elsewhere }
}

function listenAt(path: string): Promise<Server> {
  const server = createServer((connection) => connection.destroy())
  server.unref()
  return new Promise((listening, failed) => {
    server.once('error', failed)
    server.listen({ path, exclusive: true }, () => listening(server))
  })
}

/** The address of a socket holds about 100 bytes. On Linux an open folder gives a long path a short name. */
function addressOf(folder: string, socket: string, handle?: FileHandle): string {
  if (isAbsolute(socket) || socket.startsWith('\\\\')) return socket
  const path = join(folder, socket)
  const short = Buffer.byteLength(path) < 100 || process.platform !== 'linux' || !handle
  return short ? path : `/proc/self/fd/${handle.fd}/${socket}`
}

/** Whether a process listens. In doubt one does: a wrong no would let two owners in. */
function isListening(path: string): Promise<boolean> {
  return new Promise((answer) => {
    const connection = connect(path)
    connection.once('connect', () => {
      connection.destroy()
      answer(true)
    })
    connection.once('error', (error) => answer(!['ECONNREFUSED', 'ENOENT', 'ENOTSOCK'].includes(errno(error))))
  })
}
