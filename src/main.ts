// A node: builds the parts from the configuration, starts them in order, and stops them in reverse. The table of contents.
import { availableParallelism } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { Api, SERVER_LIMITS } from './api/server.ts'
import type { Config } from './config/config.ts'
import { type Services } from './core/service.ts'
import { TIMINGS, type Timings } from './core/timings.ts'
import { DemoService, demoHints, demoService } from './demo/demo.ts'
import { EmbeddedPostgres } from './embedded/postgres.ts'
import { cancel } from './lifecycle/cancel.ts'
import { submit } from './lifecycle/submit.ts'
import { MemoryQueue } from './queue/memory.ts'
import { RedisQueue } from './queue/redis.ts'
import { StoreError } from './store/trouble.ts'
import { Store } from './store/store.ts'
import { Supervisor } from './supervisor/supervisor.ts'
import type { Log } from './telemetry/log.ts'

/** What a node needs beside its configuration. */
export interface NodeOptions {
  readonly log: Log
  readonly version: string
  /** Says something to a person, on stderr. */
  readonly tell: (text: string) => void
  /** Ends the start: `startNode` then throws its reason, when it has stopped what had been started. */
  readonly signal: AbortSignal
  readonly timings?: Timings
}

/** A node that runs. */
export interface RunningNode {
  readonly url: string
  /** Drains, and stops every part. */
  stop(): Promise<void>
}

const RECONNECT = 500
const REMIND = 10_000

/** Starts a node; resolves when it serves. Throws when a part cannot start; what had been started is stopped again. */
export async function startNode(config: Config, options: NodeOptions): Promise<RunningNode> {
  const { log, version, tell, signal, timings = TIMINGS } = options
  const started: { stop(): Promise<void> }[] = []
  const stop = async (): Promise<void> => {
    for (const part of started.splice(0).toReversed())
      await part.stop().catch((error: unknown) => log.error({ err: error }, 'a part could not be stopped'))
  }
  try {
    warn(config, log)
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
    const services: Services = demo ? new Map([['demo', demoService(demo.url)]]) : config.services

    const store = new Store({ url: config.databaseUrl ?? postgres?.url ?? '', log })
    started.push(store)
    const queue =
      config.redisUrl === undefined
        ? new MemoryQueue()
        : new RedisQueue({ url: config.redisUrl, prefix: config.redisPrefix, log })
    started.push(queue)
    await queue.start()

    const supervisor = new Supervisor({
      store,
      queue,
      services,
      slots: config.slots,
      threads: Math.min(4, Math.max(1, availableParallelism() - 1)),
      entry: new URL(`../workers/actors${import.meta.url.slice(-3)}`, import.meta.url).href,
      timings,
      drainTimeout: config.drainTimeout,
      alone: postgres !== undefined,
      version,
      log,
    })
    const unheard = (): void => supervisor.unheard()
    const api = new Api(
      {
        host: config.host,
        port: config.port,
        services,
        submit: (task) => submit({ store, queue, unheard }, task),
        cancel: (id) => cancel({ store, queue }, id),
        store,
        queue,
        log,
      },
      { ...SERVER_LIMITS, linger: timings.linger },
    )
    const serve = async (): Promise<void> => {
      await api.start()
      started.push(api)
    }
    const announce = (): void => {
      log.info({ url: api.url, ...inUse(config) }, 'listening')
      if (demo) tell(demoHints(api.url))
    }

    // Where Postgres does not answer at once the API serves meanwhile, unready.
    const early = await connect(store, log, signal, () => serve().then(announce))
    // The port first: a node whose port is taken must not have begun a task.
    if (!early) await serve()
    signal.throwIfAborted()
    started.push(supervisor)
    await supervisor.start()
    if (!early) announce()
    return {
      url: api.url,
      stop: async () => {
        // The API serves on while the supervisor drains.
        api.drain()
        await supervisor.stop()
        await stop()
      },
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Waits for Postgres; true when it did not answer at once, and `serve` was called meanwhile. */
async function connect(store: Store, log: Log, signal: AbortSignal, serve: () => Promise<void>): Promise<boolean> {
  for (let early = false, reminded = 0; ; early = true) {
    try {
      await store.start()
      if (early) log.info('postgres answers')
      return early
    } catch (error) {
      if (!(error instanceof StoreError) || error.trouble === 'bad' || error.trouble === 'defect') throw error
      if (!early) await serve()
      if (performance.now() - reminded > REMIND || !early) {
        log.error({ why: error.message }, 'postgres cannot be reached; trying on')
        reminded = performance.now()
      }
      await sleep(RECONNECT, undefined, { signal }).catch(() => signal.throwIfAborted())
    }
  }
}

/** What is in use and where the data lies, for the log: never a password. */
function inUse({ databaseUrl, redisUrl, dataDir, file }: Config): Record<string, string> {
  return {
    postgres: databaseUrl === undefined ? `embedded, data in ${dataDir}` : hostOf(databaseUrl),
    queue: redisUrl === undefined ? 'in this process' : `redis ${hostOf(redisUrl)}`,
    services: file ?? 'demo',
  }
}

const hostOf = (url: string): string => new URL(url).host

function warn({ host, databaseUrl, redisUrl }: Config, log: Log): void {
  if (!/^(localhost|127\..*|::1|\[::1\])$/.test(host))
    log.warn({ host }, 'the API can be reached from other machines, and it asks nobody who they are')
  if (databaseUrl !== undefined && redisUrl === undefined)
    log.warn('without REDIS_URL other nodes take up to 2 s to start a task and 3 s to cancel one')
}
