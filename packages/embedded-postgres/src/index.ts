// The embedded Postgres: one server on loopback, which runs from `start` to `stop`. Other code imports only this file.
import { setTimeout as pause } from 'node:timers/promises'
import { type Cluster, NAME, openCluster } from './cluster.ts'
import { EmbeddedPostgresFailure, folderFailure } from './failure.ts'
import { type DataDirLock, lockDataDir } from './lock.ts'
import { type Log, SILENT } from './log.ts'
import {
  type Postmaster,
  type Start,
  freePort,
  signalTo,
  startPostmaster,
  stopPostmaster,
  takeOver,
} from './postmaster.ts'

export { type EmbeddedFailureCode, EmbeddedPostgresFailure } from './failure.ts'
export type { Log } from './log.ts'

const PORT_TRIES = 5
const STOP_LIMIT_MS = 25_000
const RESTART_DELAY_MS = { first: 100, longest: 5_000 }

/** What exists between `start` and `stop`. */
interface Running {
  readonly cluster: Cluster
  readonly lock: DataDirLock
  readonly stopping: AbortController
  readonly port: number
  /** Undefined while a server that died is started again. */
  postmaster: Postmaster | undefined
  /** Settles when nothing restarts the server any more. */
  supervised: Promise<void>
}

/**
 * A Postgres 18 with its data in `<dataDir>/postgres`. `start` and `stop` are idempotent, and may be called in any order and at once.
 *
 * The first start takes about a second, later ones 50 to 100 ms. A server that a killed process left behind is taken over. A server
 * that dies is started again on its port.
 */
export class EmbeddedPostgres {
  readonly #dataDir: string
  readonly #log: Log
  #running: Running | undefined
  #lastStep: Promise<void> = Promise.resolve()

  /** `dataDir` is an absolute path; the folder is made at the first start. Without a `log` nothing is told. */
  constructor({ dataDir, log = SILENT }: { dataDir: string; log?: Log }) {
    this.#dataDir = dataDir
    this.#log = log
  }

  /** Where to connect: the URL of a superuser. It stays the same until `stop`. Throws while the server is not started. */
  get url(): string {
    if (!this.#running) throw new Error('the embedded Postgres does not run')
    const { cluster, port } = this.#running
    return `postgres://${NAME}:${cluster.password}@127.0.0.1:${port}/${NAME}`
  }

  /** Resolves when the server accepts connections. Throws an `EmbeddedPostgresFailure` for every expected fault; then nothing runs. */
  start(): Promise<void> {
    return this.#afterLastStep(() => this.#open())
  }

  /** Resolves when the server has ended and the data folder is free for others. A server that no signal ends is given up after 45 s. */
  stop(): Promise<void> {
    return this.#afterLastStep(() => this.#close())
  }

  #afterLastStep(step: () => Promise<void>): Promise<void> {
    const ended = this.#lastStep.then(step)
    this.#lastStep = ended.catch(() => undefined)
    return ended
  }

  async #open(): Promise<void> {
    if (this.#running) return
    let lock: DataDirLock | undefined
    try {
      lock = await lockDataDir(this.#dataDir)
      const cluster = await openCluster(this.#dataDir, this.#log)
      const stopping = new AbortController()
      const start = { cluster, log: this.#log, signal: stopping.signal }
      const postmaster = (await takeOver(start)) ?? (await startOnFreePort(start))
      const { port } = postmaster
      const running: Running = { cluster, lock, stopping, port, postmaster, supervised: Promise.resolve() }
      running.supervised = this.#supervise(running, start)
      this.#running = running
      process.on('exit', this.#endAtExit)
    } catch (error) {
      await lock?.release()
      throw folderFailure(this.#dataDir, error)
    }
  }

  async #close(): Promise<void> {
    const running = this.#running
    if (!running) return
    running.stopping.abort()
    if (running.postmaster) await stopPostmaster(running.cluster, running.postmaster, this.#log)
    // A server on a dead disk survives even SIGKILL; do not wait for that server.
    await Promise.race([running.supervised, pause(STOP_LIMIT_MS, undefined, { ref: false })])
    process.off('exit', this.#endAtExit)
    this.#running = undefined
    await running.lock.release()
  }

  /** For a process that exits without `stop`: there is only time to send a signal. */
  readonly #endAtExit = (): void => {
    const pid = this.#running?.postmaster?.pid
    if (pid !== undefined) signalTo(pid, 'SIGINT')
  }

  /** Starts the server again whenever it ends by itself, for example because somebody killed it by mistake. */
  async #supervise(running: Running, start: Start): Promise<void> {
    let delay = RESTART_DELAY_MS.first
    while (!start.signal.aborted) {
      if (running.postmaster) {
        const how = await running.postmaster.gone
        running.postmaster = undefined
        if (start.signal.aborted) return
        this.#log.event('embedded_ended', { how })
      }
      try {
        running.postmaster = await startPostmaster(start, running.port)
        delay = RESTART_DELAY_MS.first
        this.#log.event('embedded_back', { pid: running.postmaster.pid })
        if (start.signal.aborted) await stopPostmaster(running.cluster, running.postmaster, this.#log)
      } catch (error) {
        if (!start.signal.aborted) this.#log.event('embedded_start_failed', { err: error, again: delay })
        await pause(delay, undefined, { signal: start.signal }).catch(() => undefined)
        delay = Math.min(delay * 2, RESTART_DELAY_MS.longest)
      }
    }
  }
}

/** Another program may take a port between the moment that it is found free and the moment that Postgres listens on it. */
async function startOnFreePort(start: Start): Promise<Postmaster> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await startPostmaster(start, await freePort())
    } catch (error) {
      const isTaken =
        error instanceof EmbeddedPostgresFailure && /could not bind|could not create any TCP/.test(error.message)
      if (!isTaken || tries === PORT_TRIES) throw error
    }
  }
}
