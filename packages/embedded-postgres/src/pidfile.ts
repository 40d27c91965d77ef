// What `postmaster.pid` says, and whether the process that it names is a Postgres on this data directory.
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { readFile, readdir, readlink, rm, stat, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { type Cluster, NAME } from './cluster.ts'
import { errno } from './failure.ts'

/** The lines of `postmaster.pid` that are used. */
export interface PidFile {
  readonly pid: number
  readonly port: number
  /** `starting`, `stopping`, `ready`; empty in the first moments. */
  readonly status: string
}

const pidFileOf = (cluster: Cluster): string => join(cluster.data, 'postmaster.pid')

/** Reads `postmaster.pid`. Undefined when the file is missing or not written yet. */
export async function readPidFile(cluster: Cluster): Promise<PidFile | undefined> {
  const text = await readFile(pidFileOf(cluster), 'utf8').catch(() => '')
  const lines = text.split('\n')
  const pid = Number(lines[0])
  return Number.isSafeInteger(pid) && pid > 0
    ? { pid, port: Number(lines[3] ?? 0), status: lines[7]?.trim() ?? '' }
    : undefined
}

/** Whether a process runs, whoever owns it. A zombie does not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return process.platform !== 'linux' || !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch (error) {
    return errno(error) === 'EPERM'
  }
}

/**
 * What a live process is to a cluster. `server`: the cluster's Postgres. `outdated`: the same, but its program file has been
 * replaced since. `foreign`: another program that got the process id of a dead Postgres, as happens after most reboots.
 */
export type Identity = 'server' | 'outdated' | 'foreign'

/** Identifies the live process that a pid file names. */
export async function identify(cluster: Cluster, { pid, port }: PidFile): Promise<Identity> {
  if (process.platform === 'linux') return identifyByProc(cluster, pid)
  if (process.platform === 'win32') return (await acceptsConnections(port)) ? 'server' : 'foreign'
  const { stdout } = await promisify(execFile)('ps', ['-ww', '-o', 'command=', '-p', String(pid)]).catch(() => ({
    stdout: '',
  }))
  return stdout.includes('postgres') && stdout.includes(` ${cluster.dataArgument} `) ? 'server' : 'foreign'
}

async function identifyByProc(cluster: Cluster, pid: number): Promise<Identity> {
  try {
    const [theirs, ours] = await Promise.all([stat(`/proc/${pid}/cwd`), stat(cluster.data)])
    const program = basename(await readlink(`/proc/${pid}/exe`))
    if (theirs.dev !== ours.dev || theirs.ino !== ours.ino || !program.startsWith('postgres')) return 'foreign'
    // Linux appends ` (deleted)` to the name of a program that was replaced.
    return program === 'postgres' ? 'server' : 'outdated'
  } catch {
    // The process belongs to another account, so we did not start it; or the process has just ended.
    return 'foreign'
  }
}

/**
 * Makes `postmaster.pid` harmless when it names a foreign process, with which Postgres would refuse to start. Our own process id
 * is written instead: Postgres ignores its parent's id. Without the file Postgres would not look for leftovers in shared memory.
 */
export async function replaceStalePid(cluster: Cluster): Promise<void> {
  const file = pidFileOf(cluster)
  if (process.platform === 'win32') return rm(file, { force: true })
  const [, ...rest] = (await readFile(file, 'utf8')).split('\n')
  await writeFile(file, [process.pid, ...rest].join('\n'))
}

/**
 * Removes a `postmaster.pid` without a process id, as a power cut leaves it: empty, zeros, or cut short. Postgres would refuse to
 * start with that file. While a server still runs on this data the file stays, and Postgres reports that server.
 */
export async function removeTornPidFile(cluster: Cluster): Promise<void> {
  if (!(await hasServer(cluster))) await rm(pidFileOf(cluster), { force: true })
}

/** Whether any Postgres process runs in the data directory. Only Linux can tell; elsewhere Postgres finds its shared memory. */
async function hasServer(cluster: Cluster): Promise<boolean> {
  if (process.platform !== 'linux') return false
  for (const name of await readdir('/proc'))
    if (/^\d+$/.test(name) && (await identifyByProc(cluster, Number(name))) !== 'foreign') return true
  return false
}

const STARTUP_MESSAGE = startupMessage()
const AUTHENTICATION_REQUEST = 'R'.charCodeAt(0)
const CONNECT_TIMEOUT_MS = 2_000

/** Whether a Postgres on a port of loopback accepts connections: a ready one asks for a password. */
export function acceptsConnections(port: number): Promise<boolean> {
  if (!Number.isInteger(port) || port < 1 || port > 65_535) return Promise.resolve(false)
  return new Promise((answer) => {
    const connection = connect(port, '127.0.0.1', () => connection.write(STARTUP_MESSAGE))
    const end = (accepts: boolean): void => {
      connection.destroy()
      answer(accepts)
    }
    connection.setTimeout(CONNECT_TIMEOUT_MS, () => end(false))
    connection.once('data', (bytes) => end(bytes[0] === AUTHENTICATION_REQUEST))
    connection.once('error', () => end(false))
    connection.once('end', () => end(false))
  })
}

/** The first message of a client: length, protocol 3.0, user and database. */
function startupMessage(): Buffer {
  const parameters = Buffer.from(`user\0${NAME}\0database\0${NAME}\0\0`)
  const head = Buffer.alloc(8)
  head.writeInt32BE(head.length + parameters.length, 0)
  head.writeInt32BE(196_608, 4)
  return Buffer.concat([head, parameters])
}
