// A supervisor without an API on a world's database: its store and its queue are open to the test, to be held up or listened to.
import { randomUUID } from 'node:crypto'
import { type SinonSpy, type SinonStub, spy, stub } from 'sinon'
import { type Retention, SERVICE_DEFAULTS, type Service } from '../../src/core/service.ts'
import type { Supervision } from '../../src/core/ports.ts'
import type { Timings } from '../../src/core/timings.ts'
import { remove } from '../../src/lifecycle/remove.ts'
import { submit } from '../../src/lifecycle/submit.ts'
import { MemoryQueue } from '../../src/queue/memory.ts'
import { Store } from '../../src/store/store.ts'
import { Supervisor } from '../../src/supervisor/supervisor.ts'
import { type Log, silentLog } from '../../src/telemetry/log.ts'
import { FAST, type World } from './world.ts'

export interface CrewSetup {
  readonly timings?: Partial<Timings>
  readonly slots?: number
  readonly threads?: number
  /** The thread's entry, a file URL. */
  readonly entry?: string
  /** The limit of a thread's JS heap, MiB. */
  readonly heap?: number
  readonly service?: Partial<Service>
  /** Other services, for which nobody has tasks. */
  readonly idle?: readonly string[]
  readonly log?: Log
  /** For all services. */
  readonly retention?: Retention
  /** Whether tasks are handed over directly where they can be. */
  readonly direct?: boolean
  /** Called before the supervisor starts. */
  readonly prepare?: (store: Store) => void
}

export interface Crew extends AsyncDisposable {
  readonly store: Store
  readonly queue: MemoryQueue
  readonly supervisor: Supervisor
  /** Submits a task of `svc`; its location. */
  post(action: string, payload?: string): Promise<string>
  cancel(location: string): Promise<boolean>
}

export const idOf = (location: string): string => location.slice('/tasks/'.length)

/** Starts a supervisor. */
export async function openCrew(world: World, setup: CrewSetup = {}): Promise<Crew> {
  const { timings, slots = 100, threads = 1, service, idle = [], log = silentLog() } = setup
  const store = new Store({ url: world.databaseUrl, log })
  await store.start()
  const queue = new MemoryQueue()
  await queue.start()
  setup.prepare?.(store)
  const supervisor = new Supervisor({
    identity: { node: randomUUID() },
    name: () => 'crew',
    store,
    queue,
    services: new Map(
      ['svc', ...idle].map((name) => [name, { ...SERVICE_DEFAULTS, name, url: world.service.url, ...service }]),
    ),
    slots,
    threads,
    entry: setup.entry ?? new URL('../../workers/actors.js', import.meta.url).href,
    ...(setup.heap === undefined ? {} : { heap: setup.heap }),
    timings: { ...FAST, ...timings },
    drainTimeout: 50,
    keyWindow: 86_400_000,
    retention: setup.retention ?? {},
    alone: false,
    version: '0.0.0',
    log,
  })
  await supervisor.start()
  return {
    store,
    queue,
    supervisor,
    post: async (action, payload = '{}') => {
      const supervision = setup.direct ? supervisor : indirect(supervisor)
      const { id } = await submit({ store, queue, supervision }, { service: 'svc', action, payload })
      return `/tasks/${id}`
    },
    cancel: (location) => remove({ store, queue, services: new Map() }, idOf(location)),
    async [Symbol.asyncDispose]() {
      await supervisor.stop()
      await queue.stop()
      await store.stop()
    },
  }
}

/** Hands nothing over directly. */
const indirect = (supervisor: Supervisor): Pick<Supervision, 'reserve' | 'pushed' | 'pushFailed' | 'due'> => ({
  reserve: () => undefined,
  pushed: (service) => supervisor.pushed(service),
  pushFailed: (service) => supervisor.pushFailed(service),
  due: (service, ms) => supervisor.due(service, ms),
})

/** What of the store can be held up. */
type Verb = 'claim' | 'beat' | 'holdings' | 'standing' | 'insert'

/** The answers of a statement that is held up: it runs, and nobody hears of it until `open`. */
export interface Held {
  /** Resolves when an answer to which `which` applies is there and held. */
  readonly came: Promise<unknown>
  /** Lets the answers go, and holds no more. */
  open(): void
}

/** Holds back the answers of a statement; `which`: only those (default: all). */
export function holdAnswers(store: Store, verb: Verb, which: (answer: unknown) => boolean = () => true): Held {
  const real = store[verb].bind(store) as (...given: unknown[]) => Promise<unknown>
  let letGo = (): void => {}
  const gate = new Promise<void>((resolve) => (letGo = resolve))
  let arrive = (_answer: unknown): void => {}
  const came = new Promise<unknown>((resolve) => (arrive = resolve))
  const stubbed = stub(store, verb) as unknown as SinonStub<unknown[], Promise<unknown>>
  stubbed.callsFake(async (...given) => {
    const answer = await real(...given)
    if (!which(answer)) return answer
    arrive(answer)
    await gate
    return answer
  })
  const open = (): void => {
    stubbed.restore()
    letGo()
  }
  return { came, open }
}

/** Holds up the writes of a batch: they are not even sent until `open`. */
export function holdWrites<Entry, Result>(batch: { add(entry: Entry): Promise<Result> }): Held {
  const real = batch.add.bind(batch)
  let letGo = (): void => {}
  const gate = new Promise<void>((resolve) => (letGo = resolve))
  let arrive = (): void => {}
  const came = new Promise<void>((resolve) => (arrive = resolve))
  batch.add = async (entry) => {
    arrive()
    await gate
    return real(entry)
  }
  const open = (): void => {
    batch.add = real
    letGo()
  }
  return { came, open }
}

/** Listens to a statement. */
export const listenTo = (store: Store, verb: Verb): SinonSpy => spy(store, verb)
