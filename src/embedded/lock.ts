// The lock on DATA_DIR: one live node at a time, freed by the kernel however its owner ends.
import { randomBytes } from 'node:crypto'
import { type FileHandle, link, open, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { type Server, connect, createServer } from 'node:net'
import { hostname, tmpdir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { EmbeddedPostgresFailure, errno } from './failure.ts'
import { makeFolder } from './folder.ts'

// The life of a lock. Every owner listens on a socket of its own: while it lives, be it frozen, the kernel accepts connections
// there, and refuses them the moment that it is gone, which a process id cannot tell (ids are reused, and start again in a
// container). Owners are generations: files named 1, 2, 3 …, each made once and naming its socket. The highest holds the lock
// while its socket answers. To take a dead one over is to make the next file, which only one of many can, and then to see that
// none is higher. The highest file is never deleted, so no number is ever given twice.

export interface DataDirLock {
  release(): Promise<void>
}

interface Owner {
  readonly pid: number
  readonly host: string
  /** A path; inside the lock's folder when it is not absolute. */
  readonly socket: string
}

/** Takes the lock of a data folder, which is made if it is not there. Throws a failure (`in_use`) when a live node has it. */
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
    while (!(await take(folder, draft, dataDir, handle)));
    return { release }
  } catch (error) {
    await release()
    throw error
  } finally {
    await rm(draft, { force: true })
  }
}

/** One try. False: somebody else moved in between, look again. */
async function take(folder: string, draft: string, dataDir: string, handle?: FileHandle): Promise<boolean> {
  const before = await generations(folder)
  const highest = before.at(-1) ?? 0
  const owner = await ownerOf(folder, highest)
  if (owner && (await answers(addressOf(folder, owner.socket, handle)))) {
    const who = owner.host === hostname() ? `process ${owner.pid}` : `process ${owner.pid} on ${owner.host}`
    const text = `The data folder ${dataDir} is in use by another task_api (${who}). Stop it, set DATA_DIR to another folder, or set DATABASE_URL to let several nodes share a Postgres.`
    throw new EmbeddedPostgresFailure('in_use', text)
  }
  const mine = highest + 1
  try {
    await link(draft, join(folder, String(mine)))
  } catch (error) {
    if (errno(error) === 'EEXIST') return false
    throw error
  }
  if ((await generations(folder)).at(-1) !== mine) {
    await rm(join(folder, String(mine)), { force: true })
    return false
  }
  for (const generation of before) await forget(folder, generation)
  return true
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
    // The machine went down before the text was on disk: whoever wrote it is gone.
    return undefined
  }
}

async function forget(folder: string, generation: number): Promise<void> {
  const owner = await ownerOf(folder, generation)
  if (owner && /^[0-9a-f]+\.sock$/.test(owner.socket)) await rm(join(folder, owner.socket), { force: true })
  await rm(join(folder, String(generation)), { force: true })
}

/** Listens in the lock's folder, or among the temporary files when that folder cannot hold a socket. */
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

/** A socket's address holds about 100 bytes; on Linux an open folder gives a long path a short name. */
function addressOf(folder: string, socket: string, handle?: FileHandle): string {
  if (isAbsolute(socket) || socket.startsWith('\\\\')) return socket
  const path = join(folder, socket)
  const short = Buffer.byteLength(path) < 100 || process.platform !== 'linux' || !handle
  return short ? path : `/proc/self/fd/${handle.fd}/${socket}`
}

/** Whether anybody listens. Only a clear no counts as one. */
function answers(path: string): Promise<boolean> {
  return new Promise((answer) => {
    const connection = connect(path)
    connection.once('connect', () => {
      connection.destroy()
      answer(true)
    })
    connection.once('error', (error) => answer(!['ECONNREFUSED', 'ENOENT', 'ENOTSOCK'].includes(errno(error))))
  })
}
