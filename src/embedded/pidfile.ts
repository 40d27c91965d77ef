// What postmaster.pid says, and whether the process that it names is really a Postgres on this very data directory.
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { readFile, readdir, readlink, rm, stat, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { type Cluster, NAME } from './cluster.ts'
import { errno } from './failure.ts'

/** The lines of postmaster.pid that are used. */
export interface PidFile {
  readonly pid: number
  readonly port: number
  /** `starting`, `stopping`, `ready`; empty in the first moments. */
  readonly status: string
}

/** Reads postmaster.pid. Undefined when there is none, or when it is not written yet. */
export async function readPidFile(cluster: Cluster): Promise<PidFile | undefined> {
  const text = await readFile(join(cluster.data, 'postmaster.pid'), 'utf8').catch(() => '')
  const lines = text.split('\n')
  const pid = Number(lines[0])
  return Number.isSafeInteger(pid) && pid > 0
    ? { pid, port: Number(lines[3] ?? 0), status: lines[7]?.trim() ?? '' }
    : undefined
}

/** Whether a process is there, whoever owns it. A dead one that its parent has not taken note of is not. */
export function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return process.platform !== 'linux' || !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch (error) {
    return errno(error) === 'EPERM'
  }
}

/**
 * What a living process is to this cluster. `old`: its server, but its program has been replaced since. `stranger`: something
 * else, which got the id of a server that is gone (after a restart of the machine or the container, nearly every time).
 */
export async function kinship(cluster: Cluster, { pid, port }: PidFile): Promise<'server' | 'old' | 'stranger'> {
  if (process.platform === 'linux') return kinshipByProc(cluster, pid)
  if (process.platform === 'win32') return (await answers(port)) ? 'server' : 'stranger'
  const { stdout } = await promisify(execFile)('ps', ['-ww', '-o', 'command=', '-p', String(pid)]).catch(() => ({
    stdout: '',
  }))
  return stdout.includes('postgres') && stdout.includes(` ${cluster.dataArgument} `) ? 'server' : 'stranger'
}

async function kinshipByProc(cluster: Cluster, pid: number): Promise<'server' | 'old' | 'stranger'> {
  try {
    const [theirs, ours] = await Promise.all([stat(`/proc/${pid}/cwd`), stat(cluster.data)])
    const program = basename(await readlink(`/proc/${pid}/exe`))
    if (theirs.dev !== ours.dev || theirs.ino !== ours.ino || !program.startsWith('postgres')) return 'stranger'
    return program === 'postgres' ? 'server' : 'old'
  } catch {
    // Its account is not ours, so it is no server that we started; or it has just gone.
    return 'stranger'
  }
}

/**
 * Keeps a stranger from being taken for a server: Postgres would refuse to start. In the place of its id ours is written, which
 * Postgres passes over as its parent's, and then still looks for leftovers in shared memory, as it would not without the file.
 */
export async function disown(cluster: Cluster): Promise<void> {
  const file = join(cluster.data, 'postmaster.pid')
  if (process.platform === 'win32') return rm(file, { force: true })
  const [, ...rest] = (await readFile(file, 'utf8')).split('\n')
  await writeFile(file, [process.pid, ...rest].join('\n'))
}

/**
 * Removes a postmaster.pid that names nobody, as a power cut leaves it: empty, zeros, or its first bytes. Postgres would refuse to
 * start. Where a server still runs on this data it stays, and Postgres says so.
 */
export async function removeTorn(cluster: Cluster): Promise<void> {
  if (!(await isServed(cluster))) await rm(join(cluster.data, 'postmaster.pid'), { force: true })
}

/** Whether any process of a Postgres runs in the data folder. Elsewhere than on Linux its shared memory has to tell Postgres. */
async function isServed(cluster: Cluster): Promise<boolean> {
  if (process.platform !== 'linux') return false
  for (const name of await readdir('/proc'))
    if (/^\d+$/.test(name) && (await kinshipByProc(cluster, Number(name))) !== 'stranger') return true
  return false
}

const STARTUP = startupPacket()
const PATIENCE = 2_000

/** Whether a Postgres that is ready listens on a port of loopback: it asks for a password. */
export function answers(port: number): Promise<boolean> {
  if (!Number.isInteger(port) || port < 1 || port > 65_535) return Promise.resolve(false)
  return new Promise((answer) => {
    const connection = connect(port, '127.0.0.1', () => connection.write(STARTUP))
    const end = (good: boolean): void => {
      connection.destroy()
      answer(good)
    }
    connection.setTimeout(PATIENCE, () => end(false))
    connection.once('data', (bytes) => end(bytes[0] === 0x52))
    connection.once('error', () => end(false))
    connection.once('end', () => end(false))
  })
}

/** The first packet of a client: its length, protocol 3.0, and who asks for which database. */
function startupPacket(): Buffer {
  const words = Buffer.from(`user\0${NAME}\0database\0${NAME}\0\0`)
  const head = Buffer.alloc(8)
  head.writeInt32BE(head.length + words.length, 0)
  head.writeInt32BE(196_608, 4)
  return Buffer.concat([head, words])
}
