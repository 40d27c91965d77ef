// The embedded Postgres of a node: one server on loopback, which lives as long as the part runs.
import { setTimeout as pause } from 'node:timers/promises'
import type { Part } from '../core/part.ts'
import type { Log } from '../telemetry/log.ts'
import { type Cluster, NAME, openCluster } from './cluster.ts'
import { EmbeddedPostgresFailure, folderFailure } from './failure.ts'
import { type DataDirLock, lockDataDir } from './lock.ts'
import {
  type Postmaster,
  type Start,
  freePort,
  signalTo,
  startPostmaster,
  stopPostmaster,
  takeOver,
} from './postmaster.ts'

const PORT_TRIES = 5
const STOP_LIMIT = 25_000
const BACKOFF = { first: 100, most: 5_000 }

/** What is there while the part runs. */
interface Running {
  readonly cluster: Cluster
  readonly lock: DataDirLock
  readonly stopping: AbortController
  readonly port: number
  /** Undefined while a server that died is started again. */
  postmaster: Postmaster | undefined
  /** Settles when nothing keeps the server alive any more. */
  kept: Promise<void>
}

/**
 * A Postgres 18 of this node's own, for those who set no DATABASE_URL. Its first start takes about a second, later ones 50 to 100
 * ms; data stays in `<dataDir>/postgres`. A server that a killed node left behind is taken over; one that dies is started again
 * on its port. `start` throws `EmbeddedPostgresFailure` for every expected fault, and then leaves nothing running.
 */
export class EmbeddedPostgres implements Part {
  readonly name = 'embedded postgres'
  readonly #dataDir: string
  readonly #log: Log
  #running: Running | undefined
  #turn: Promise<void> = Promise.resolve()

  /** `dataDir` is absolute. */
  constructor({ dataDir, log }: { dataDir: string; log: Log }) {
    this.#dataDir = dataDir
    this.#log = log
  }

  /** Where to connect. Throws while the part does not run. */
  get url(): string {
    if (!this.#running) throw new Error('the embedded Postgres does not run')
    const { cluster, port } = this.#running
    return `postgres://${NAME}:${cluster.password}@127.0.0.1:${port}/${NAME}`
  }

  start(): Promise<void> {
    return this.#inTurn(() => this.#open())
  }

  stop(): Promise<void> {
    return this.#inTurn(() => this.#close())
  }

  #inTurn(step: () => Promise<void>): Promise<void> {
    const ended = this.#turn.then(step)
    this.#turn = ended.catch(() => undefined)
    return ended
  }

  async #open(): Promise<void> {
    if (this.#running) return
    const lock = await lockFolder(this.#dataDir)
    try {
      const cluster = await openCluster(this.#dataDir, this.#log)
      const stopping = new AbortController()
      const start = { cluster, log: this.#log, signal: stopping.signal }
      const postmaster = (await takeOver(start)) ?? (await startOnFreePort(start))
      const running: Running = { cluster, lock, stopping, port: postmaster.port, postmaster, kept: Promise.resolve() }
      running.kept = this.#keep(running, start)
      this.#running = running
      process.on('exit', this.#exit)
    } catch (error) {
      await lock.release()
      throw folderFailure(this.#dataDir, error)
    }
  }

  async #close(): Promise<void> {
    const running = this.#running
    if (!running) return
    running.stopping.abort()
    if (running.postmaster) await stopPostmaster(running.cluster, running.postmaster, this.#log)
    // A server that not even SIGKILL ends (a dead disk) is not waited for.
    await Promise.race([running.kept, pause(STOP_LIMIT, undefined, { ref: false })])
    process.off('exit', this.#exit)
    this.#running = undefined
    await running.lock.release()
  }

  /** For an end without `stop`: there is time for a signal only. */
  readonly #exit = (): void => {
    const pid = this.#running?.postmaster?.pid
    if (pid !== undefined) signalTo(pid, 'SIGINT')
  }

  /** Starts the server again whenever it ends by itself: an operator may have killed it by mistake. */
  async #keep(running: Running, start: Start): Promise<void> {
    let backoff = BACKOFF.first
    while (!start.signal.aborted) {
      if (running.postmaster) {
        const how = await running.postmaster.gone
        running.postmaster = undefined
        if (start.signal.aborted) return
        this.#log.event('embedded_ended', { how })
      }
      try {
        running.postmaster = await startPostmaster(start, running.port)
        backoff = BACKOFF.first
        this.#log.event('embedded_back', { pid: running.postmaster.pid })
        if (start.signal.aborted) await stopPostmaster(running.cluster, running.postmaster, this.#log)
      } catch (error) {
        if (!start.signal.aborted) this.#log.event('embedded_start_failed', { err: error, again: backoff })
        await pause(backoff, undefined, { signal: start.signal }).catch(() => undefined)
        backoff = Math.min(backoff * 2, BACKOFF.most)
      }
    }
  }
}

async function lockFolder(dataDir: string): Promise<DataDirLock> {
  try {
    return await lockDataDir(dataDir)
  } catch (error) {
    throw folderFailure(dataDir, error)
  }
}

/** Between finding a free port and listening on it, another program may take it. */
async function startOnFreePort(start: Start): Promise<Postmaster> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await startPostmaster(start, await freePort())
    } catch (error) {
      const taken =
        error instanceof EmbeddedPostgresFailure && /could not bind|could not create any TCP/.test(error.message)
      if (!taken || tries === PORT_TRIES) throw error
    }
  }
}
