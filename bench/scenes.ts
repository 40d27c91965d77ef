// The scenes: what is posted to whom, which figures come of it, and which of them are promised.
import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import type { Engines } from './engines.ts'
import { type Contender, type Measured, type Run, measured, until } from './measure.ts'
import { DEAD, PEER_NAMES, type PeerName, SLOW } from './peers.ts'
import { type Figures, percentile } from './table.ts'

/** How much of a scene is done: tasks, and how many warm up before, so that code that is still being compiled is not measured. */
export interface Size {
  readonly count: number
  readonly warm: number
  /** The share of both that slow peers do; default: all. */
  readonly slow?: number
}

/** What of it a contender does. */
export function sizeFor({ peer }: Contender, { count, warm, slow = 1 }: Size): Size {
  const share = SLOW.includes(peer) ? slow : 1
  return { count: count * share, warm: warm * share }
}

/** What a figure is to be, as a ratio to the same figure of somebody else in the same round. `best`: of the best peer. */
export interface Goal {
  readonly figure: string
  /** Default: task_api. */
  readonly of?: string
  readonly against: string
  readonly least?: number
  readonly most?: number
}

export interface Scene {
  /** What is done, in words. */
  readonly words: string
  readonly contenders: readonly Contender[]
  readonly goals: readonly Goal[]
  readonly full: Size
  /** Absent: not part of a quick run. With it, who takes part. */
  readonly quick?: Size & { readonly peers: readonly PeerName[] }
  run(engines: Engines, contender: Contender, size: Size): Promise<Figures>
}

const MIB = 2 ** 20
const CPU = 'CPU µs/task'

/** What a run in which so many tasks were done says of each. */
const perTask = ({ seconds, cpu, memory, others }: Measured, count: number): Figures => ({
  'tasks/s': count / seconds,
  [CPU]: ((cpu.app + cpu.postgres + cpu.redis) / count) * 1_000,
  'app µs': (cpu.app / count) * 1_000,
  'Postgres µs': (cpu.postgres / count) * 1_000,
  'Redis µs': (cpu.redis / count) * 1_000,
  'memory MiB': memory / MIB,
  'others %': others * 100,
})

type Load = Omit<Parameters<Run['post']>[0], 'count'>

/** Posts, and waits for all that was posted. */
const loaded =
  (load: Load): Scene['run'] =>
  async (engines, contender, { count, warm }) => {
    const run = await measured(engines, contender, { count: warm }, async ({ post, finals, ended }) => {
      await post({ count, ...load })
      await finals(count)
      await ended()
    })
    return perTask(run.measured, count)
  }

async function light(engines: Engines, contender: Contender, { count, warm }: Size): Promise<Figures> {
  const { said, measured: run } = await measured(
    engines,
    contender,
    { count: warm },
    async ({ post, finals, ended }) => {
      await post({ count, rate: 50 })
      const latencies = await finals(count)
      await ended()
      return latencies
    },
  )
  return {
    'p50 ms': percentile(said, 0.5),
    'p95 ms': percentile(said, 0.95),
    'p99 ms': percentile(said, 0.99),
    [CPU]: perTask(run, count)[CPU] ?? NaN,
    'others %': run.others * 100,
  }
}

async function waiting(engines: Engines, contender: Contender, { count, warm }: Size): Promise<Figures> {
  const all = { ...contender, ground: { ...contender.ground, concurrency: count } }
  const { said } = await measured(
    engines,
    all,
    { count: warm },
    async ({ post, held, release, finals, ended, memory }) => {
      const before = memory()
      await post({ count, hold: true })
      await held(count)
      const during = memory()
      release()
      await finals(count)
      await ended()
      return { before, during }
    },
  )
  return {
    'memory before, MiB': said.before / MIB,
    'while they wait, MiB': said.during / MIB,
    'more, MiB': (said.during - said.before) / MIB,
  }
}

const SERVICES = 100

/** Tasks for 100 services in turn, the last of which may take requests and never answer; the others' tasks a second. */
async function dead(engines: Engines, contender: Contender, { count, warm }: Size): Promise<Figures> {
  const silent = await silence()
  const alive = Array.from({ length: SERVICES }, (_, i) => `s${i}`)
  const last = contender.name === 'one dead' ? DEAD : (alive.at(-1) as string)
  const names = [...alive.slice(0, -1), last]
  // Both runs have the same services, that which warms up with them: they differ in who is the last of the hundred.
  const services = (stub: string): Record<string, object> => ({
    ...Object.fromEntries([...alive, 'stub'].map((name) => [name, { url: `${stub}/run` }])),
    [DEAD]: { url: silent.url, timeout: '1s' },
  })
  // The slots as they come: one service's tasks must not be able to fill them.
  const ground = { concurrency: 1_000, services }
  const others = count - count / SERVICES
  const finals = (posted: number): number => (last === DEAD ? posted - posted / SERVICES : posted)
  // What a first time-out makes V8 throw away is compiled once more in the warm-up, whose own dead tasks are gone when the run begins.
  const over = async ({ ground: { database } }: Run): Promise<void> => {
    await until(
      'a time-out of every dead task',
      async () => (await database.count(`select count(*) from tasks where service = '${DEAD}' and fails = 0`)) === 0,
    )
    await database.run(`delete from tasks where service = '${DEAD}'`)
    await until('the end of the dead tasks', () => silent.open === 0)
  }
  const warming = { count: warm, services: names, finals: finals(warm), over }
  try {
    const run = await measured(engines, { ...contender, ground }, warming, async (started) => {
      await started.post({ count, services: names })
      await started.finals(finals(count))
      await started.ended()
    })
    return perTask(run.measured, others)
  } finally {
    silent.stop()
  }
}

/** A server that takes connections and says nothing. */
async function silence(): Promise<{ url: string; readonly open: number; stop(): void }> {
  const open = new Set<Socket>()
  const server = createServer((socket) => {
    open.add(socket)
    socket.on('error', () => undefined)
    socket.once('close', () => open.delete(socket)).resume()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    get open() {
      return open.size
    },
    stop: () => {
      for (const socket of open) socket.destroy()
      server.close()
    },
  }
}

const peers: readonly Contender[] = PEER_NAMES.map((name) => ({ name, peer: name }))
const own = (name: string, ground: Contender['ground'] = {}): Contender => ({ name, peer: 'task_api', ground })
const onNodes = (peer: PeerName, ...counts: number[]): readonly Contender[] =>
  counts.map((nodes) => ({ name: `${nodes} x ${peer}`, peer, ground: { nodes } }))
const only = (...names: PeerName[]): readonly Contender[] => peers.filter(({ peer }) => names.includes(peer))

export const SCENES: Readonly<Record<string, Scene>> = {
  saturation: {
    words: 'POSTs over 64 connections as fast as they are answered, one request each, until every task has ended',
    contenders: peers,
    goals: [
      { figure: 'tasks/s', against: 'best', least: 1.8 },
      { figure: 'tasks/s', against: 'no-store', least: 0.8 },
      // No promise: what the best peer leaves.
      { figure: 'tasks/s', of: 'bullmq', against: 'no-store' },
      { figure: CPU, against: 'bullmq', most: 0.55 },
      { figure: 'memory MiB', against: 'bullmq', most: 1.1 },
    ],
    full: { count: 60_000, warm: 15_000, slow: 0.1 },
    quick: { count: 6_000, warm: 3_000, slow: 0.1, peers: PEER_NAMES },
    run: loaded({}),
  },
  loop: {
    words: 'tasks of five requests: four answers 206, each committed before the next request, and a 200',
    contenders: peers,
    goals: [
      { figure: 'tasks/s', against: 'best', least: 2.2 },
      { figure: 'tasks/s', of: 'bullmq', against: 'no-store' },
    ],
    full: { count: 15_000, warm: 5_000, slow: 0.1 },
    quick: { count: 2_000, warm: 1_000, peers: ['task_api', 'bullmq'] },
    run: loaded({ steps: 4 }),
  },
  light: {
    words: '50 tasks a second: from the POST, as it is sent, to the arrival of the request at the service',
    contenders: peers,
    goals: [
      { figure: 'p50 ms', against: 'best', most: 1 },
      { figure: 'p99 ms', against: 'best', most: 1 },
    ],
    full: { count: 1_000, warm: 2_000 },
    quick: { count: 150, warm: 500, peers: ['task_api', 'bullmq'] },
    run: light,
  },
  reads: {
    words: 'the saturation, with two GETs of tasks by random after each POST',
    contenders: peers.filter(({ peer }) => peer !== 'no-store'),
    goals: [{ figure: 'tasks/s', against: 'best', least: 1 }],
    full: { count: 20_000, warm: 5_000, slow: 0.1 },
    run: loaded({ reads: 2 }),
  },
  waiting: {
    words: 'tasks in hand at once whose service does not answer yet, all of their requests sent',
    contenders: only('task_api', 'bullmq'),
    goals: [],
    full: { count: 10_000, warm: 20_000 },
    run: waiting,
  },
  embedded: {
    words: 'the saturation, on the Postgres and the queue that task_api brings along',
    contenders: [own('embedded', { embedded: true }), own('own engines')],
    goals: [],
    full: { count: 30_000, warm: 10_000 },
    run: loaded({}),
  },
  nodes: {
    words: 'the saturation on several nodes, which share the slots',
    contenders: [...onNodes('task_api', 1, 2, 4), ...onNodes('bullmq', 1, 4), ...onNodes('no-store', 1, 4)],
    goals: [
      { figure: CPU, of: '4 x task_api', against: '1 x task_api', most: 1.2 },
      // No promises: what several processes cost anybody on this machine.
      { figure: CPU, of: '4 x bullmq', against: '1 x bullmq' },
      { figure: CPU, of: '4 x no-store', against: '1 x no-store' },
    ],
    full: { count: 60_000, warm: 40_000 },
    run: loaded({}),
  },
  dead: {
    words: `the saturation over ${SERVICES} services, all alive, or one of them taking requests and never answering, as it has before; the others' tasks`,
    contenders: [own('all alive'), own('one dead')],
    goals: [{ figure: 'tasks/s', of: 'one dead', against: 'all alive', least: 0.9 }],
    full: { count: 30_000, warm: 10_000 },
    run: dead,
  },
}
