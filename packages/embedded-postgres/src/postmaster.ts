// One running server of Postgres: started, taken over from a killed owner, and stopped.
import { constants, type FileHandle, open, rename, stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import type { Cluster } from './cluster.ts'
import { EmbeddedPostgresFailure } from './failure.ts'
import type { Log } from './log.ts'
import {
  type PidFile,
  acceptsConnections,
  identify,
  isAlive,
  readPidFile,
  removeTornPidFile,
  replaceStalePid,
} from './pidfile.ts'
import { cannotRun, lastLines, launch, run } from './programs.ts'

/** A server that accepts connections. */
export interface Postmaster {
  readonly pid: number
  readonly port: number
  /** Settles with how the server ended. Never rejects. */
  readonly gone: Promise<string>
}

export interface Start {
  readonly cluster: Cluster
  readonly log: Log
  /** Ends the start early. */
  readonly signal: AbortSignal
}

// Recovery after a crash reads at most 1 GB of log (max_wal_size): seconds, on a slow disk a minute.
const READY_LIMIT_MS = 180_000
const TAKE_OVER_LIMIT_MS = 5_000
const POLL_MS = 10
const POLL_TAKEN_OVER_MS = 200
const LOG_LIMIT_BYTES = 1 << 20

/** All settings that differ from initdb's. Durability (fsync, synchronous_commit, full_page_writes) stays on. */
const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '100',
  // Without `error`: clients report their own refused statements, which would only make the file grow.
  log_min_messages: 'log',
  log_min_error_statement: 'panic',
  log_checkpoints: 'off',
}

/** Starts a server on a port of loopback and waits until that server is ready. Throws a failure with Postgres' own words. */
export async function startPostmaster({ cluster, log, signal }: Start, port: number): Promise<Postmaster> {
  const left = await readPidFile(cluster)
  if (!left) await removeTornPidFile(cluster)
  else if ((await identify(cluster, left)) === 'foreign') await replaceStalePid(cluster)
  const file = await openLog(cluster)
  try {
    const from = (await file.stat()).size
    const settings = Object.entries(SETTINGS).flatMap(([name, value]) => ['-c', `${name}=${value}`])
    const args = ['-D', cluster.dataArgument, '-p', String(port), ...settings]
    const place = { cwd: cluster.data, account: cluster.account }
    const child = launch(cluster.binaries.postgres, args, place, ['ignore', file.fd, file.fd])
    const gone = new Promise<string>((ends) => {
      child.once('exit', (code, killer) => ends(killer ?? `exit code ${code}`))
      child.once('error', (error) => ends(cannotRun(cluster.binaries.postgres, error).message))
    })
    if (child.pid === undefined) throw new EmbeddedPostgresFailure('no_binaries', await gone)
    const postmaster = { pid: child.pid, port, gone }
    const failed = await untilReady(cluster, postmaster, signal)
    if (failed === undefined) return postmaster
    await stopPostmaster(cluster, postmaster, log)
    throw new EmbeddedPostgresFailure(
      'not_started',
      `The embedded Postgres did not start (${failed}):\n${await tail(file, from)}`,
    )
  } finally {
    await file.close()
  }
}

/** Waits until a server reports that it is ready; otherwise returns the reason why not. */
async function untilReady(
  cluster: Cluster,
  { pid, gone }: Postmaster,
  signal: AbortSignal,
): Promise<string | undefined> {
  const limit = Date.now() + READY_LIMIT_MS
  let ended: string | undefined
  void gone.then((how) => (ended = how))
  for (;;) {
    const file = await readPidFile(cluster)
    if (file?.pid === pid && file.status === 'ready') return undefined
    if (ended !== undefined) return ended
    if (signal.aborted) return 'stopped before it was ready'
    if (Date.now() > limit) return `not ready after ${READY_LIMIT_MS / 1000} s`
    await pause(POLL_MS)
  }
}

/**
 * Takes over the server that a killed owner left running on this cluster. Returns undefined when no server runs, and when the
 * server was of no use and has been stopped.
 */
export async function takeOver({ cluster, log, signal }: Start): Promise<Postmaster | undefined> {
  const [acceptBy, readyBy] = [Date.now() + TAKE_OVER_LIMIT_MS, Date.now() + READY_LIMIT_MS]
  for (;;) {
    const file = await readPidFile(cluster)
    if (!file || !isAlive(file.pid)) return undefined
    const identity = await identify(cluster, file)
    if (identity === 'foreign') return undefined
    const isReady = file.status === 'ready'
    if (identity === 'server' && isReady && (await acceptsConnections(file.port))) {
      log.event('embedded_taken_over', { pid: file.pid })
      return watched(file)
    }
    // A server that is not ready recovers or stops, and ends that by itself. A ready one may be full of the old owner's connections.
    const isWorthWaiting = identity === 'server' && Date.now() < (isReady ? acceptBy : readyBy) && !signal.aborted
    if (!isWorthWaiting) {
      await stopPostmaster(cluster, watched(file), log)
      return undefined
    }
    await pause(POLL_MS)
  }
}

/** A server that is not our child, so that nothing announces its end. */
function watched({ pid, port }: PidFile): Postmaster {
  const gone = new Promise<string>((ends) => {
    const timer = setInterval(() => {
      if (isAlive(pid)) return
      clearInterval(timer)
      ends('it is gone')
    }, POLL_TAKEN_OVER_MS)
    timer.unref()
  })
  return { pid, port, gone }
}

/** The signals that end a server, and the ms that each gets. SIGINT is a clean stop; after SIGQUIT the next start recovers. */
const STOP_SIGNALS = [
  ['SIGINT', 10_000],
  ['SIGQUIT', 5_000],
  ['SIGKILL', 5_000],
] as const

/** Ends a server and waits until the server is gone, at most 20 s. */
export async function stopPostmaster(cluster: Cluster, { pid, gone }: Postmaster, log: Log): Promise<void> {
  for (const [signal, time] of STOP_SIGNALS) {
    if (process.platform === 'win32' && signal === 'SIGINT') await stopOnWindows(cluster)
    else signalTo(pid, signal)
    const timer = new AbortController()
    const late = pause(time, true, { signal: timer.signal }).catch(() => false)
    const isLate = await Promise.race([gone.then(() => false), late])
    timer.abort()
    if (!isLate) return
    log.event('embedded_stop_slow', { pid, signal })
  }
}

/** Sends a signal to a process that may be gone. */
export function signalTo(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // The process is gone, as intended.
  }
}

/** Windows has no SIGINT; there pg_ctl asks the server to stop. */
async function stopOnWindows(cluster: Cluster): Promise<void> {
  const args = ['stop', '-D', cluster.dataArgument, '-m', 'fast', '-w', '-t', '10']
  await run(cluster.binaries.pgCtl, args, { cwd: cluster.data, account: undefined }).catch(() => undefined)
}

/** A port of loopback that was free a moment ago. */
export function freePort(): Promise<number> {
  const server = createServer()
  return new Promise((found, failed) => {
    server.once('error', failed)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => found(typeof address === 'object' && address ? address.port : 0))
    })
  })
}

/** The server writes its log into a file and not into a pipe, because the server may outlive us. One old file is kept. */
async function openLog({ logFile, account }: Cluster): Promise<FileHandle> {
  const found = await stat(logFile).catch(() => undefined)
  if (found && found.size > LOG_LIMIT_BYTES) await rename(logFile, `${logFile}.old`)
  // Windows has no O_NOFOLLOW: the constant is undefined there, which sets no bit.
  const { O_APPEND, O_CREAT, O_RDWR, O_NOFOLLOW } = constants
  const file = await open(logFile, O_APPEND | O_CREAT | O_RDWR | O_NOFOLLOW, 0o600)
  if (account) await file.chown(account.uid, account.gid)
  return file
}

/** The last lines of a log, of those behind byte `from`. */
async function tail(file: FileHandle, from: number): Promise<string> {
  const { size } = await file.stat()
  const start = Math.max(from, size - 16_384)
  const { buffer, bytesRead } = await file.read(Buffer.alloc(size - start), 0, size - start, start)
  return lastLines(buffer.toString('utf8', 0, bytesRead))
}
