// One running server of Postgres: started, found again after its node was killed, and stopped.
import { constants, type FileHandle, open, rename, stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import type { Log } from '../telemetry/log.ts'
import type { Cluster } from './cluster.ts'
import { EmbeddedPostgresFailure } from './failure.ts'
import { answers, disown, isThere, kinship, type PidFile, readPidFile, removeTorn } from './pidfile.ts'
import { cannotRun, lastLines, launch, run } from './programs.ts'

/** A server that accepts connections. */
export interface Postmaster {
  readonly pid: number
  readonly port: number
  /** Settles when it has ended, with how. Never rejects. */
  readonly gone: Promise<string>
}

export interface Start {
  readonly cluster: Cluster
  readonly log: Log
  readonly signal: AbortSignal
}

// Recovery after a crash reads at most 1 GB of log (max_wal_size): seconds, on a slow disk a minute.
const START_LIMIT = 180_000
const ANSWER_LIMIT = 5_000
const LOOK = 10
const LOG_LIMIT = 1 << 20

/** All that differs from what initdb wrote. Durability (fsync, synchronous_commit, full_page_writes) stays as it is: on. */
const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '100',
  // Without `error`: a refused statement is its client's to report, and the file would grow with it.
  log_min_messages: 'log',
  log_min_error_statement: 'panic',
  log_checkpoints: 'off',
}

/** Starts a server on a port of loopback and waits until it is ready. Throws a failure that carries what Postgres said. */
export async function startPostmaster({ cluster, log, signal }: Start, port: number): Promise<Postmaster> {
  const found = await readPidFile(cluster)
  if (!found) await removeTorn(cluster)
  else if ((await kinship(cluster, found)) === 'stranger') await disown(cluster)
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

/** Waits until a server says that it is ready. Returns why not, otherwise. */
async function untilReady(
  cluster: Cluster,
  { pid, gone }: Postmaster,
  signal: AbortSignal,
): Promise<string | undefined> {
  const limit = Date.now() + START_LIMIT
  let ended: string | undefined
  void gone.then((how) => (ended = how))
  for (;;) {
    const file = await readPidFile(cluster)
    if (file?.pid === pid && file.status === 'ready') return undefined
    if (ended !== undefined) return ended
    if (signal.aborted) return 'stopped before it was ready'
    if (Date.now() > limit) return `not ready after ${START_LIMIT / 1000} s`
    await pause(LOOK)
  }
}

/**
 * Takes over the server that a killed node left running on this cluster. Undefined when there is none, or none that is fit: then
 * it has been stopped.
 */
export async function takeOver({ cluster, log, signal }: Start): Promise<Postmaster | undefined> {
  const [answerBy, readyBy] = [Date.now() + ANSWER_LIMIT, Date.now() + START_LIMIT]
  for (;;) {
    const file = await readPidFile(cluster)
    if (!file || !isThere(file.pid)) return undefined
    const kin = await kinship(cluster, file)
    if (kin === 'stranger') return undefined
    const ready = file.status === 'ready'
    if (kin === 'server' && ready && (await answers(file.port))) {
      log.event('embedded_taken_over', { pid: file.pid })
      return watched(file)
    }
    // Still recovering, or stopping: either ends by itself. Or the killed node's connections still fill it.
    const waits = kin === 'server' && Date.now() < (ready ? answerBy : readyBy) && !signal.aborted
    if (!waits) {
      await stopPostmaster(cluster, watched(file), log)
      return undefined
    }
    await pause(LOOK)
  }
}

/** A server that is not our child: looked at five times a second. */
function watched({ pid, port }: PidFile): Postmaster {
  const gone = new Promise<string>((ends) => {
    const look = setInterval(() => {
      if (isThere(pid)) return
      clearInterval(look)
      ends('it is gone')
    }, 200)
    look.unref()
  })
  return { pid, port, gone }
}

/** The ways to end a server, each with the time it gets: SIGINT disconnects and stops cleanly, SIGQUIT leaves recovery to the next start. */
const ENDS = [
  ['SIGINT', 10_000],
  ['SIGQUIT', 5_000],
  ['SIGKILL', 5_000],
] as const

/** Ends a server and waits until it is gone, at most 20 s. */
export async function stopPostmaster(cluster: Cluster, { pid, gone }: Postmaster, log: Log): Promise<void> {
  for (const [end, time] of ENDS) {
    if (process.platform === 'win32' && end === 'SIGINT') await stopOnWindows(cluster)
    else signalTo(pid, end)
    const timer = new AbortController()
    const late = pause(time, 'late', { signal: timer.signal }).catch(() => 'gone')
    const how = await Promise.race([gone.then(() => 'gone'), late])
    timer.abort()
    if (how === 'gone') return
    log.event('embedded_stop_slow', { pid, signal: end })
  }
}

/** Sends a signal to a process that may be gone. */
export function signalTo(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // It is gone, which is what was wanted.
  }
}

/** Windows has no SIGINT to send: pg_ctl speaks to the server instead. */
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

/** The server writes its log into a file, not to us: it may outlive us. One old file is kept. */
async function openLog({ logFile, account }: Cluster): Promise<FileHandle> {
  const size = await stat(logFile).then(
    (found) => found.size,
    () => 0,
  )
  if (size > LOG_LIMIT) await rename(logFile, `${logFile}.old`)
  // Windows knows no O_NOFOLLOW, and leaves a bit of `undefined` unset.
  const { O_APPEND, O_CREAT, O_RDWR, O_NOFOLLOW } = constants
  const file = await open(logFile, O_APPEND | O_CREAT | O_RDWR | O_NOFOLLOW, 0o600)
  if (account) await file.chown(account.uid, account.gid)
  return file
}

async function tail(file: FileHandle, from: number): Promise<string> {
  const { size } = await file.stat()
  const start = Math.max(from, size - 16_384)
  const { buffer, bytesRead } = await file.read(Buffer.alloc(size - start), 0, size - start, start)
  return lastLines(buffer.toString('utf8', 0, bytesRead))
}
