// A node: builds the parts from the configuration, starts the parts in order, and stops them in reverse order.
import { randomUUID } from 'node:crypto'
import { availableParallelism, hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { EmbeddedPostgres } from '../packages/embedded-postgres/src/index.ts'
import { Api, SERVER_LIMITS, tryAddress } from './api/server.ts'
import type { Config } from './config/config.ts'
import type { Environment } from './config/settings.ts'
import type { Identity } from './core/identity.ts'
import { TIMINGS, type Timings } from './core/timings.ts'
import { DemoService, demoHints, demoService } from './demo/demo.ts'
import { MemoryQueue } from './queue/memory.ts'
import { RedisQueue } from './queue/redis.ts'
import { StoreError } from './store/trouble.ts'
import { Store } from './store/store.ts'
import { inUse, warn, warnOfDescriptors, warnOfOpenApi } from './notes.ts'
import { Reload } from './reload.ts'
import { Supervisor } from './supervisor/supervisor.ts'
import type { Log } from './telemetry/log.ts'
import { openTracing } from './telemetry/tracing.ts'

/** What a node needs besides its configuration. */
interface NodeOptions {
  readonly log: Log
  /** The node's id, shared with the log; absent: a new one. */
  readonly identity?: Identity
  readonly version: string
  /** What `${NAME}` in the services file means; absent: the file is not read again. */
  readonly env?: Environment
  /** Writes text for a person to stderr. */
  readonly tell: (text: string) => void
  /** Aborts the start. `startNode` then stops the parts that it has started, and throws the signal's reason. */
  readonly signal: AbortSignal
  readonly timings?: Timings
}

/** A running node. */
export interface RunningNode {
  readonly url: string
  /** Drains, and stops every part. */
  stop(): Promise<void>
}

/** How long Postgres may take at the start before the API serves without Postgres. */
const START_GRACE_MS = 3_000
const RECONNECT_WAIT_MS = 500
const LOG_AGAIN_AFTER_MS = 10_000

/** Starts a node; resolves when the node serves. Throws when a part cannot start, after it has stopped the started parts. */
export async function startNode(config: Config, options: NodeOptions): Promise<RunningNode> {
  const { log, version, tell, signal, timings = TIMINGS, identity = { node: randomUUID() } } = options
  const started: { stop(): Promise<void> }[] = []
  const stop = async (): Promise<void> => {
    for (const part of started.splice(0).toReversed())
      await part.stop().catch((error: unknown) => log.event('part_not_stopped', { err: error }))
  }
  try {
    warn(config, log)
    // Checked before anything slow, for example the creation of a database.
    await tryAddress(config)
    const postgres =
      config.databaseUrl === undefined ? new EmbeddedPostgres({ dataDir: config.dataDir, log }) : undefined
    if (postgres) {
      started.push(postgres)
      await postgres.start()
    }
    const demo = config.file === undefined ? new DemoService() : undefined
    if (demo) {
      started.push(demo)
      await demo.start()
    }
    const services = new Map(demo ? [['demo', demoService(demo.url)]] : config.services)
    const keys = new Map(config.keys)
    await warnOfDescriptors(services, config.slots, log)

    const store = new Store({ url: config.databaseUrl ?? postgres?.url ?? '', log, keys: config.encryptionKeys })
    started.push(store)
    const queue =
      config.redisUrl === undefined
        ? new MemoryQueue()
        : new RedisQueue({ url: config.redisUrl, prefix: config.redisPrefix, log })
    started.push(queue)
    await queue.start()

    const tracing = openTracing(version)
    const supervisor = new Supervisor({
      identity,
      // The port distinguishes the nodes of one host.
      name: () => `${hostname()}${/:\d+$/.exec(api.url)?.[0] ?? ''}`,
      store,
      queue,
      services,
      slots: config.slots,
      threads: Math.min(4, Math.max(1, availableParallelism() - 1)),
      entry: new URL(`../workers/actors${import.meta.url.slice(-3)}`, import.meta.url).href,
      timings,
      drainTimeout: config.drainTimeout,
      keyWindow: config.idempotencyWindow,
      retention: config.retention,
      alone: postgres !== undefined,
      version,
      log,
      tracing,
    })
    const reload = new Reload({
      file: options.env && config.file,
      env: options.env ?? {},
      services,
      keys,
      retention: config.retention,
      log,
      changed: (retention) => {
        supervisor.serve(retention)
        warnOfOpenApi(config.host, keys, log)
        void warnOfDescriptors(services, config.slots, log)
      },
    })
    const api = new Api(
      {
        host: config.host,
        port: config.port,
        version,
        services,
        keys,
        reload: () => reload.reload(),
        supervision: supervisor,
        store,
        queue,
        log,
        tracing,
      },
      { ...SERVER_LIMITS, linger: timings.linger },
    )
    const serve = async (): Promise<void> => {
      await api.start()
      started.push(api)
    }
    const announce = (): void => {
      log.event('listening', { url: api.url, ...inUse(config) })
      if (demo) tell(demoHints(api.url))
    }

    // If Postgres does not answer at once, the API serves during the wait, and `/readyz` says that the node is not ready.
    const starting = { log, signal }
    const early = await reach({ ...starting, step: () => store.start(), late: () => serve().then(announce) })
    // The port comes before the supervisor: a node whose port is taken must not begin a task.
    if (!early) await serve()
    signal.throwIfAborted()
    started.push(supervisor)
    await reach({ ...starting, step: () => supervisor.start(), late: async () => {} })
    started.push(reload)
    await reload.start()
    if (!early) announce()
    return {
      url: api.url,
      stop: async () => {
        // The API goes on serving while the supervisor drains.
        api.drain()
        await Promise.all([supervisor.stop(), sleep(config.stopDelay)])
        await stop()
      },
    }
  } catch (error) {
    await stop()
    throw error
  }
}

interface Reaching extends Pick<NodeOptions, 'log' | 'signal'> {
  /** A step of the start that needs Postgres. */
  step(): Promise<void>
  /** Called once, when the step does not succeed at once. */
  late(): Promise<void>
}

/** Repeats a step until it succeeds; true when `late` was called. Throws an error that no repeat can help. */
async function reach({ log, signal, step, late }: Reaching): Promise<boolean> {
  let isLate = false
  const beLate = async (why: string): Promise<void> => {
    if (!isLate || performance.now() - reminded > LOG_AGAIN_AFTER_MS) {
      log.event('postgres_awaited', { why })
      reminded = performance.now()
    }
    if (isLate) return
    isLate = true
    await late()
  }
  let reminded = 0
  for (;;) {
    signal.throwIfAborted()
    const stepping = step()
    try {
      if (!(await orAborted(isWithin(stepping, START_GRACE_MS), signal))) {
        await beLate('no answer yet')
        await orAborted(stepping, signal)
      }
      if (isLate) log.event('postgres_answers')
      return isLate
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof StoreError) || error.trouble === 'rejected' || error.trouble === 'bug') throw error
      await beLate(error.message)
      await orAborted(sleep(RECONNECT_WAIT_MS), signal)
    }
  }
}

const isWithin = (step: Promise<void>, ms: number): Promise<boolean> =>
  Promise.race([step.then(() => true), sleep(ms, false, { ref: false })])

function orAborted<T>(waiting: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason)
    // Also after an earlier abort: `waiting` may reject later, and then the rejection must be handled.
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort)
    waiting.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}
