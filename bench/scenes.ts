// The table of scenes: who takes part in each, how much is done, and what is wanted.
import { BATCH_GOALS, BATCHES, submitting } from './batch.ts'
import { BULK_GOALS, CHANGERS, beside } from './bulk.ts'
import { SERVICES, dead } from './dead.ts'
import { BACKLOG, CROWDED, FLOODED, flood } from './flood.ts'
import { FREE, HELD, HORIZON_GOALS, horizon } from './horizon.ts'
import { GUARDED, GUARDED_GOALS } from './guarded.ts'
import { FLEETS, IDLE, IDLE_GOALS, idle } from './idle.ts'
import { LIMITED, LIMITED_GOALS } from './limited.ts'
import { CPU, light, loaded, toRequest, waiting } from './loads.ts'
import type { Contender } from './measure.ts'
import { PEER_NAMES, type PeerName } from './peers.ts'
import { RETAINING, RETENTION_GOALS, retaining } from './retention.ts'
import type { Scene } from './scene.ts'

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
      { figure: 'tasks/s', against: 'bullmq', least: 1.2 },
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
  defaults: {
    words: 'the saturation with nothing set: no `SLOTS` and no `concurrency`, and 100 jobs at once of the peer',
    contenders: only('task_api', 'bullmq').map((one) => ({ ...one, ground: { concurrency: undefined } })),
    goals: [
      { figure: 'tasks/s', against: 'bullmq', least: 1.2 },
      { figure: CPU, against: 'bullmq' },
      { figure: 'p50 ms', most: 60 },
    ],
    full: { count: 60_000, warm: 15_000 },
    run: loaded({}, toRequest),
  },
  loop: {
    words: 'tasks of five requests: four answers 206, each committed before the next request, and a 200',
    contenders: peers,
    goals: [
      { figure: 'tasks/s', against: 'bullmq', least: 1 },
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
  batch: {
    words: 'submitting alone: tasks that wait behind one without an answer, one a request or ten',
    contenders: Object.keys(BATCHES).map((name) => own(name)),
    goals: BATCH_GOALS,
    full: { count: 40_000, warm: 500 },
    run: submitting,
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
      { figure: CPU, of: '4 x task_api', against: '1 x task_api', most: 1.6 },
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
  flood: {
    words:
      'with nothing set, 50 tasks a second for one service, alone, or beside a backlog that another service cannot take; also beside floods that take all CPU, for one service, and for a hundred, a slow one and a dead one; of the few tasks, the time from the POST to the request',
    contenders: [own('no flood'), own(BACKLOG), own(FLOODED), own(CROWDED)],
    goals: [{ figure: 'p50 ms', of: BACKLOG, against: 'no flood', most: 2 }],
    full: { count: 50_000, warm: 15_000 },
    run: flood,
  },
  limited: {
    words: 'the saturation of one service, which has no limit over all nodes, one of requests at once, or a rate',
    contenders: Object.entries(LIMITED).map(([name, ground]) => own(name, ground)),
    goals: LIMITED_GOALS,
    full: { count: 20_000, warm: 5_000 },
    run: loaded({}),
  },
  guarded: {
    words: 'the saturation of a node without guards, with keys, with encryption at rest, or with signed requests',
    contenders: Object.entries(GUARDED).map(([name, ground]) => own(name, ground)),
    goals: GUARDED_GOALS,
    full: { count: 30_000, warm: 10_000 },
    run: loaded({}),
  },
  bulk: {
    words: 'the saturation, alone or beside a change in bulk of 100,000 tasks of another service, call after call',
    contenders: CHANGERS.map((name) => own(name)),
    goals: BULK_GOALS,
    full: { count: 60_000, warm: 15_000 },
    run: beside,
  },
  retention: {
    words:
      'the saturation, without the index of ended tasks, with it, and beside the purge of 200,000 tasks of another service that ended long ago',
    contenders: RETAINING.map((name) => own(name)),
    goals: RETENTION_GOALS,
    full: { count: 60_000, warm: 15_000 },
    run: retaining,
  },
  horizon: {
    words:
      'tasks that wait in the list, with and without a transaction that stays open meanwhile; the mean time of each kind of statement',
    contenders: [own(FREE), own(HELD)],
    goals: HORIZON_GOALS,
    full: { count: 150_000, warm: 10_000 },
    run: horizon,
  },
  idle: {
    words: 'a node that has nothing to do, with nothing set',
    unit: 'seconds',
    contenders: Object.keys(IDLE).map((name) => own(name)),
    goals: IDLE_GOALS,
    full: { count: 15, warm: 500 },
    run: idle,
  },
  fleet: {
    words:
      'nodes of 50 slots that have nothing to do, on one Postgres and one Redis; the figures are those of all nodes',
    unit: 'seconds',
    contenders: Object.keys(FLEETS).map((name) => own(name)),
    goals: [],
    full: { count: 60, warm: 500 },
    run: idle,
  },
}
