// One run: a peer is started on empty engines, warmed up, given its tasks, and measured until the last of them has ended.
import { Assistant, until } from './assistant.ts'
import type { Posted, Posting, Stop } from './client.ts'
import type { Engines } from './engines.ts'
import { type Ground, PEERS, type Peer, type PeerName, type Running } from './peers.ts'
import { cpuOf, memoryOf, othersSince } from './processes.ts'
import type { Asked, Said } from './stub.ts'

/** Who runs: a peer, and what is special about its ground. */
export interface Contender {
  readonly name: string
  readonly peer: PeerName
  readonly ground?: Partial<Ground>
}

/** What is posted. */
export type Load = Omit<Posting, 'urls' | 'width'>

/** What a run has at hand. */
export interface Run {
  readonly ground: Ground
  readonly running: readonly Running[]
  /** Posts tasks and waits until all calls are answered; throws when one was answered wrongly. */
  post(posting: Load): Promise<Posted>
  /** Posts at a steady rate from another client, beside `post`. The call that it returns ends that, and waits until all is answered. */
  beside(posting: Load & { readonly rate: number }): () => Promise<Posted>
  /** Waits until so many tasks have got their 200; how long after its POST the first request of each timed one came, ms. */
  finals(count: number): Promise<readonly number[]>
  /** Waits until so many tasks are kept waiting by the stub. */
  held(count: number): Promise<void>
  /** Lets them go. */
  release(): void
  /** Waits until no task is unfinished, and counts all rows. */
  ended(): Promise<void>
  /** The memory of the peer's processes now, bytes. */
  memory(): number
}

/** The tasks that warm a run up. */
export interface Warming {
  readonly count: number
  /** To which services; default: `stub`. */
  readonly services?: readonly string[]
  /** How many of them get a 200; default: all. */
  readonly finals?: number
  /** What is to be over as well before the run begins. */
  over?(run: Run): Promise<void>
}

/** What a run came to. */
export interface Measured {
  readonly seconds: number
  /** CPU time of the peer's own processes and of the engines, ms. */
  readonly cpu: { readonly app: number; readonly postgres: number; readonly redis: number }
  /** The most memory of the peer's own processes, bytes. */
  readonly memory: number
  /** What share of the machine something else took, 0 to 1. */
  readonly others: number
}

/** Clients' connections. */
export const WIDTH = 64
/** Tasks in hand at once, everywhere. */
export const CONCURRENCY = 256
const LOOK = 250
/** The numbers of the tasks that warm up. */
const WARM = 1_000_000_000

/** Makes a run: its warming first, then `body`, which is what is measured. */
export async function measured<T>(
  engines: Engines,
  { peer: name, ground: special = {} }: Contender,
  { finals, over, ...warming }: Warming,
  body: (run: Run) => Promise<T>,
): Promise<{ measured: Measured; said: T }> {
  const peer: Peer = PEERS[name]
  await engines.redis.flushall()
  const database = await engines.database(special.settings)
  const stub = new Assistant<Said>('./stub.js')
  const client = new Assistant<Posted>('./client.js')
  let running: Running[] = []
  try {
    const first = await stub.says()
    const address = `http://127.0.0.1:${'port' in first ? first.port : 0}`
    const usual = { concurrency: CONCURRENCY, nodes: 1, embedded: false, services: () => ({}), settings: {} }
    const ground: Ground = { ...usual, ...special, engines, database, stub: address }
    running = await peer.start(ground)
    const run = atHand(peer, ground, running, { stub, client })
    if (warming.count > 0) {
      await run.post({ ...warming, first: WARM })
      await run.finals(finals ?? warming.count)
      await run.ended()
      await over?.(run)
      stub.child.send({ reset: true } satisfies Asked)
    }
    return await watched(run, body)
  } finally {
    for (const { stop } of running) await stop()
    await Promise.all([client.stop(), stub.stop()])
    await database.drop()
  }
}

function atHand(
  peer: Peer,
  ground: Ground,
  running: readonly Running[],
  { stub, client }: { stub: Assistant<Said>; client: Assistant<Posted> },
): Run {
  const urls = running.map(({ url }) => url)
  const postFrom = async (by: Assistant<Posted>, posting: Load): Promise<Posted> => {
    const posted = await by.ask({ ...posting, urls, width: WIDTH } satisfies Posting)
    if (posted.failed > 0) throw new Error(`${posted.failed} calls failed`)
    return posted
  }
  return {
    ground,
    running,
    post: (posting) => postFrom(client, posting),
    beside(posting) {
      const second = new Assistant<Posted>('./client.js')
      const posted = postFrom(second, posting)
      // Who ends it hears of it.
      posted.catch(() => undefined)
      return async () => {
        second.child.send({ stop: true } satisfies Stop)
        try {
          return await posted
        } finally {
          await second.stop()
        }
      }
    },
    async finals(count) {
      const said = await stub.ask({ finals: count } satisfies Asked)
      return 'latencies' in said ? said.latencies : []
    },
    async held(count) {
      await stub.ask({ held: count } satisfies Asked)
    },
    release: () => void stub.child.send({ release: true } satisfies Asked),
    ended: () => until('the end of all tasks', async () => (await peer.standing(ground, running)).unfinished === 0),
    memory: () => memoryOf(running.map(({ pid }) => pid)),
  }
}

async function watched<T>(run: Run, body: (run: Run) => Promise<T>): Promise<{ measured: Measured; said: T }> {
  const { pids } = run.ground.engines
  const app = run.running.map(({ pid }) => pid)
  const groups = { app, postgres: [pids.postgres], redis: [pids.redis] }
  // The stub and the clients are children of this process.
  const all = [...app, pids.postgres, pids.redis, process.pid]
  const now = (): Record<keyof typeof groups, number> => ({
    app: cpuOf(groups.app),
    postgres: cpuOf(groups.postgres),
    redis: cpuOf(groups.redis),
  })
  let memory = 0
  const look = (): number => (memory = Math.max(memory, run.memory()))
  const others = othersSince(() => all)
  const looking = setInterval(look, LOOK)
  const before = now()
  const begun = performance.now()
  try {
    const said = await body(run)
    const seconds = (performance.now() - begun) / 1_000
    const after = now()
    look()
    const cpu = {
      app: after.app - before.app,
      postgres: after.postgres - before.postgres,
      redis: after.redis - before.redis,
    }
    return { measured: { seconds, cpu, memory, others: others() }, said }
  } finally {
    clearInterval(looking)
  }
}
