// An API on a real socket, with everything behind it faked and open to the test; and a bare connection to it.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { ApiDependencies } from '../../../src/api/dependencies.ts'
import { Api, SERVER_LIMITS, type ServerLimits } from '../../../src/api/server.ts'
import type { Stored } from '../../../src/core/ports.ts'
import type { Key } from '../../../src/core/key.ts'
import { Refusal } from '../../../src/core/refusal.ts'
import { SERVICE_DEFAULTS } from '../../../src/core/service.ts'
import type { NewTask, RequestKey } from '../../../src/core/task.ts'
import type { FullView, ListQuery, Page } from '../../../src/core/view.ts'
import { makeLog } from '../../../src/telemetry/log.ts'
import { aService } from './a-service.ts'
import { idleStore, idleSupervision } from './idle.ts'
import { theSchedule } from './the-schedule.ts'

const SERVICE = { ...SERVICE_DEFAULTS, url: 'http://127.0.0.1:1', deadline: 0 }

/** A task as its row says; only what the test is about is given. */
export const aTask = (row: Partial<FullView> = {}): FullView => ({
  id: '1',
  service: 'billing',
  action: 'charge',
  payload: '{}',
  status: 'pending',
  result: null,
  resultOmitted: false,
  error: null,
  state: null,
  step: 0,
  attempt: 0,
  fails: 0,
  createdAt: '2026-01-02T03:04:05.678Z',
  startedAt: null,
  finishedAt: null,
  runAt: null,
  priority: 'normal',
  firstDueAt: '2026-01-02T03:04:05.678Z',
  deadline: null,
  labels: null,
  unique: null,
  callback: null,
  caller: null,
  retryOf: null,
  retriedAs: null,
  callbackOf: null,
  schedule: null,
  ...row,
})

/** What stands behind the API. Tests change it as they go. */
export class Backstage {
  readonly submitted: NewTask[] = []
  readonly cancelled: string[] = []
  readonly queries: ListQuery[] = []
  readonly logged: Record<string, unknown>[] = []
  readonly tasks = new Map<string, FullView>()
  page: Page = { tasks: [] }
  queue: { healthy: boolean; limited: boolean; kind: 'redis' | 'memory' } = {
    healthy: true,
    limited: false,
    kind: 'redis',
  }
  /** Who has submitted plain tasks. */
  readonly submitters: unknown[] = []
  /** The keys of the POSTs that were not plain. */
  readonly keys: (RequestKey | undefined)[] = []
  ping: () => Promise<boolean> = async () => true
  /** The keys of the callers, by name. */
  readonly callers = new Map<string, Key>()
  /** Runs before every verb; throws what the test wants to be thrown. */
  before: () => Promise<void> = async () => undefined

  /** Holds the next verb until `go` is called; resolves when one has come. */
  hold(): Promise<{ go: () => void }> {
    return new Promise((come) => {
      this.before = () => new Promise((go) => come({ go }))
    })
  }

  stored = (task: NewTask): Stored =>
    Object.assign({ id: String(this.submitted.push(task)), key: '', claimed: false, age: 0 }, task)

  dependencies(level = 'warn'): ApiDependencies {
    return {
      host: '127.0.0.1',
      port: 0,
      version: '0.0.0',
      services: new Map(['billing', 'constructor'].map((name) => [name, { ...SERVICE, name }])),
      keys: this.callers,
      reload: async () => ({ added: [], changed: [], removed: [] }),
      supervision: idleSupervision,
      store: {
        ...idleStore(),
        insert: async (task, _taker, caller) => {
          this.submitters.push(caller)
          await this.before()
          return this.stored(task)
        },
        insertAll: async (tasks) => {
          await this.before()
          return tasks.map((task) => this.stored(task))
        },
        create: async ({ tasks, key }) => {
          await this.before()
          this.keys.push(key)
          return {
            replayed: false,
            tasks: tasks.map((task) => ({
              ...task,
              id: String(this.submitted.push(task)),
              status: 'pending' as const,
              existing: false,
            })),
          }
        },
        retryTask: async ({ id }) => {
          const { service, action, payload, status } = aTask()
          const made = { id: String(Number(id) + 1), existing: false }
          return { task: { ...made, service, action, payload, status }, replayed: false }
        },
        retryMany: async () => [],
        change: async ({ id }) => (this.tasks.has(id) ? { service: 'billing', waits: true } : undefined),
        cancel: async ({ id }) => {
          await this.before()
          return this.tasks.has(id) ? { node: null, service: 'billing', cancelled: true } : undefined
        },
        remove: async ({ id }) => {
          await this.before()
          this.cancelled.push(id)
          return this.tasks.delete(id) ? { node: null, service: 'billing', cancelled: false } : undefined
        },
        window: () => this.before().then(() => ({ ids: [], looked: 0, last: undefined, until: undefined })),
        versions: async (ids) =>
          ids.flatMap((id) => {
            const task = this.tasks.get(id)
            return task ? [{ id, version: JSON.stringify(task), ended: task.finishedAt !== null }] : []
          }),
        attempts: async (id) => (this.tasks.has(id) ? [] : undefined),
        facts: async () => undefined,
        sees: async (id) => this.tasks.has(id),
        get: async (id) => {
          await this.before()
          return this.tasks.get(id)
        },
        list: async (query) => {
          await this.before()
          this.queries.push(query)
          return this.page
        },
        schedules: theSchedule(),
        services: async (names) => names.map(aService),
        waiting: async () => 0,
        states: { pause: async () => [], resume: async () => [], limit: async () => [] },
        ping: () => this.ping(),
      },
      queue: Object.assign(this.queue, { push: async () => true, notify: () => {} }),
      log: makeLog(level, { node: 'n' }, (line) => this.logged.push(JSON.parse(line) as Record<string, unknown>)),
    }
  }
}

export interface Opened extends AsyncDisposable {
  readonly api: Api
  readonly backstage: Backstage
  readonly url: string
  readonly port: number
  /** A request over fetch; redirects are not followed. */
  request(path: string, options?: RequestInit): Promise<Response>
  /** POST /tasks with a body, declared as JSON. */
  post(body: string | Uint8Array, headers?: Record<string, string>): Promise<Response>
  /** Writes text to a bare connection, and gives all that comes back until it closes. */
  raw(text: string | Buffer): Promise<string>
  /** A bare connection that the test drives itself. */
  connect(): Promise<Socket>
}

/** Starts an API on a free port. */
export async function openApi(limits: Partial<ServerLimits> = {}, level?: string): Promise<Opened> {
  const backstage = new Backstage()
  const api = new Api(backstage.dependencies(level), { ...SERVER_LIMITS, linger: 0, ...limits })
  await api.start()
  const { url } = api
  const port = Number(new URL(url).port)
  const open = async (): Promise<Socket> => {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    return socket
  }
  const request = (path: string, options?: RequestInit): Promise<Response> =>
    fetch(url + path, { redirect: 'manual', ...options })
  return {
    api,
    backstage,
    url,
    port,
    request,
    post: (body, headers = {}) =>
      request('/tasks', { method: 'POST', body, headers: { 'Content-Type': 'application/json', ...headers } }),
    raw: async (text) => {
      const socket = await open()
      socket.write(text)
      return everything(socket)
    },
    connect: open,
    [Symbol.asyncDispose]: () => api.stop(),
  }
}

/** All that a connection gives until it closes, as latin1. */
export async function everything(socket: Socket): Promise<string> {
  let text = ''
  socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk))
  socket.on('error', () => socket.destroy())
  await once(socket, 'close')
  return text
}

/** The `code` of a problem, after checking that it is one and that it says the same as the status line. */
export async function codeOf(response: Response): Promise<string> {
  const type = response.headers.get('Content-Type')
  const problem = (await response.json()) as Record<string, unknown>
  if (type !== 'application/problem+json') throw new Error(`not a problem: ${type}`)
  if (problem.status !== response.status) throw new Error(`status ${String(problem.status)} in a ${response.status}`)
  for (const name of ['type', 'title', 'detail']) {
    if (typeof problem[name] !== 'string' || problem[name] === '')
      throw new Error(`no ${name}: ${JSON.stringify(problem)}`)
  }
  return String(problem.code)
}

/** Makes the verbs fail as they do while Postgres is out of reach. */
export const outage = (code: 'unavailable' | 'outcome_unknown') => async (): Promise<void> => {
  throw new Refusal(code, 'connect ECONNREFUSED db.internal:5432')
}

/** The words of a text. */
export const words = (text: string): string[] => text.trim().split(/\s+/)

/** What is no id of a task. */
export const NO_IDS = words('0 -1 01 1.0 1e3 0x1 9223372036854775808 99999999999999999999 abc +1 １')
