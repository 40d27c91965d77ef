// The use of what only this release knows, through its own nodes, while nodes of the release before may run the tasks: what was given
// with a task must still be there at its end.
import { randomUUID } from 'node:crypto'
import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import { setTimeout as passed } from 'node:timers/promises'
import { insist } from '../chaos/insist.ts'
import type { Rig } from '../chaos/rig.ts'
import { type Figures, hold } from '../chaos/row.ts'
import { serviceAt } from '../chaos/services.ts'

/** Requests of `limited` that may be open at once, over all nodes; and those of `narrow`, which both releases know, in each node. */
const [LIMIT, NARROW] = [3, 4]
/** A request takes so long, ms; and one that is to be open for a while. */
const [TAKES, LONG] = [100, 1_500]
const BETWEEN_POSTS = 150
/** So many at once of a service with a limit, so that it is reached. */
const BURST = 8
/** Nothing begins so long after a pause, ms. */
const PAUSED = 2_000
const SCHEDULE = '/schedules/tick'

/** What becomes of a task, by the second part of its action. */
const KINDS = ['200', '500', 'loop', 'cancel', 'delete', 'unique', 'delay', 'limited', 'narrow'] as const
type Kind = (typeof KINDS)[number]
/** Those whose request is to be open for a while. */
const LASTING: readonly string[] = ['cancel', 'delete', 'unique']

/** Whether it is of a service of its own, whose requests are limited. */
const isLimited = (kind: Kind): boolean => kind === 'limited' || kind === 'narrow'

interface Given {
  readonly location: string
  readonly kind: Kind
  readonly key: string
  readonly body: string
}

interface Kept {
  readonly id: string
  readonly labels: unknown
  readonly listed: number
  readonly unique_key: string | null
  readonly priority: number
  readonly status: string
  readonly code: string | null
  readonly callbacks: number
  readonly early: boolean
}

/** What the services file of a node says beside the rig's own. `limited` is of this release alone: the one before refuses `limit`. */
export const servicesOf = (port: number, node: string, isNew: boolean): Record<string, unknown> => ({
  narrow: { ...serviceAt(port, node), concurrency: NARROW },
  ...(isNew && { limited: { ...serviceAt(port, node), limit: { concurrency: LIMIT } } }),
})

/** Posts tasks with everything that is new, and judges what has become of them. */
export class News {
  readonly #rig: Rig
  readonly #given: Given[] = []
  /** Requests that are open, by service and node; and the most that there were. */
  readonly #open = new Map<string, number>()
  readonly #most = new Map<string, number>()
  readonly #isNew: (node: string) => boolean
  readonly #asked = new Set<string>()
  readonly #faults: string[] = []
  #ranByOld = 0
  #first = 0
  #paused = Infinity

  constructor(rig: Rig, isNew: (node: string) => boolean) {
    this.#rig = rig
    this.#isNew = isNew
    rig.referee.answer('called', (_request, response) => void response.writeHead(200).end('{}'))
    rig.referee.answer('new', ({ headers }, response) => this.#answer(headers, response))
  }

  #answer(headers: IncomingHttpHeaders, response: ServerResponse): void {
    const kind = String(headers['task-action']).split('.')[1] ?? ''
    const node = String(headers['x-node'])
    this.#asked.add(String(headers['task-location']))
    if (!this.#isNew(node)) this.#ranByOld += 1
    if (kind === 'limited' && Date.now() > this.#paused) this.#faults.push('a request of a paused service began')
    const place = kind === 'limited' ? kind : `${kind} in ${node}`
    const open = (this.#open.get(place) ?? 0) + 1
    this.#open.set(place, open)
    this.#most.set(place, Math.max(this.#most.get(place) ?? 0, open))
    response.on('close', () => this.#open.set(place, (this.#open.get(place) ?? 0) - 1))
    const status = kind === '500' ? 500 : kind === 'loop' && Number(headers['task-step']) < 3 ? 206 : 200
    setTimeout(() => response.writeHead(status).end('{}'), LASTING.includes(kind) ? LONG : TAKES)
  }

  /** Asks nodes of this release alone. */
  #ask(statuses: readonly number[], method: string, path: string, body?: string, key?: string) {
    const headers = { 'content-type': 'application/json', ...(key !== undefined && { 'idempotency-key': key }) }
    const members = this.#rig.members.filter(({ name }) => this.#isNew(name))
    return insist(this.#rig, statuses, method, path, { headers, ...(body !== undefined && { body }) }, members)
  }

  /** Posts tasks of all kinds in turn until it is told to stop. */
  async post(stop: AbortSignal): Promise<void> {
    const put = JSON.stringify({ cron: '* * * * * *', task: { service: 'svc', action: 'new.tick' } })
    const { text } = await this.#ask([200, 201], 'PUT', SCHEDULE, put)
    this.#first = Date.parse((JSON.parse(text) as { nextAt: string }).nextAt)
    const open = new Set<Promise<void>>()
    for (let i = 0; !stop.aborted; i += 1) {
      const kind = KINDS[i % KINDS.length] ?? '200'
      for (let count = isLimited(kind) ? BURST : 1; count > 0; count -= 1) {
        const one = this.#one(i, kind).catch((error: unknown) => void this.#faults.push(String(error)))
        open.add(one)
        void one.then(() => open.delete(one))
      }
      await passed(BETWEEN_POSTS)
    }
    await Promise.all(open)
    await this.#ask([200], 'POST', `${SCHEDULE}/pause`)
  }

  async #one(i: number, kind: Kind): Promise<void> {
    const service = isLimited(kind) ? kind : 'svc'
    const key = randomUUID()
    const body = JSON.stringify({
      service,
      action: `new.${kind}`,
      payload: { i },
      labels: { i: String(i), of: 'upgrade' },
      priority: i % 2 ? 'high' : 'low',
      callback: { service: 'svc', action: 'called' },
      ...(kind === 'unique' && { unique: `u${i}` }),
      ...(kind === 'delay' && { delay: '3s' }),
    })
    const { response } = await this.#ask([302], 'POST', '/tasks', body, key)
    const location = response.headers.get('location') ?? ''
    this.#given.push({ location, kind, key, body })
    if (kind === 'unique') {
      const second = await this.#ask([302], 'POST', '/tasks', body, randomUUID())
      const found = second.response.headers
      if (found.get('task-existing') === null || found.get('location') !== location)
        this.#faults.push(`${location} was posted twice`)
    }
    if (kind !== 'cancel' && kind !== 'delete') return
    const since = performance.now()
    while (!this.#asked.has(location) && performance.now() - since < 60_000) await passed(20)
    // Any node may delete; only those of this release know the other verb. A task that has ended meanwhile is as well.
    if (kind === 'delete') await insist(this.#rig, [204, 404], 'DELETE', location)
    else await this.#ask([200, 409], 'POST', `${location}/cancel`)
  }

  /** Pauses the service with a limit for the time that `body` takes. */
  async paused(body: () => Promise<void>): Promise<void> {
    await this.#ask([200], 'POST', '/services/limited/pause')
    this.#paused = Date.now() + PAUSED
    await body()
    this.#paused = Infinity
    await this.#ask([200], 'POST', '/services/limited/resume')
  }

  /** Throws a `Breach` where something that was given, or promised, was not kept. All tasks have ended. */
  async judge(): Promise<Figures> {
    const { postgres } = this.#rig
    const kept = await postgres.sql<Kept & Record<string, unknown>>(
      `select t.id, t.labels, coalesce(l.count, 0) as listed, t.unique_key, t.priority, t.status, t.error ->> 'code' as code,
         coalesce(c.count, 0) as callbacks, coalesce(t.started_at < t.due_at, false) as early
       from tasks t
         left join (select task, count(*)::integer from task_labels group by 1) l on l.task = t.id
         left join (select callback_of, count(*)::integer from tasks where callback_of is not null group by 1) c on c.callback_of = t.id
       where t.action like 'new.%' and t.schedule is null`,
    )
    const byId = new Map(kept.map((row) => [`/tasks/${row.id}`, row]))
    const broken = this.#given.flatMap((given) => {
      const row = byId.get(given.location)
      const fault = whatIsWrong(given, row)
      return fault === undefined ? [] : [`${given.location} (${given.kind}) ${fault}: ${JSON.stringify(row)}`]
    })
    for (const { location, key, body } of this.#given) {
      const { headers } = (await this.#ask([302], 'POST', '/tasks', body, key)).response
      if (headers.get('location') !== location || headers.get('idempotency-replayed') === null)
        broken.push(`${location} was made twice by one key`)
    }
    const [orphans] = await postgres.sql<{ count: number }>(
      'select count(*)::integer as count from task_labels l where not exists (select from tasks t where t.id = l.task)',
    )
    const [ticks] = await postgres.sql<{ next: number; made: number }>(
      `select extract(epoch from next_at)::float8 * 1000 as next, (select count(*)::integer from tasks where schedule = 'tick') as made from schedules`,
    )
    const times = Math.round(((ticks?.next ?? 0) - this.#first) / 1_000)
    const limited = this.#most.get('limited') ?? 0
    const narrow = Math.max(...[...this.#most].map(([place, most]) => (place.startsWith('narrow') ? most : 0)))
    hold({
      [[...this.#faults, ...broken].slice(0, 5).join('; ')]: this.#faults.length + broken.length === 0,
      [`${kept.length} new tasks, of ${this.#given.length}`]: kept.length <= this.#given.length,
      [`${orphans?.count} labels of tasks that are gone`]: orphans?.count === 0,
      [`${ticks?.made} tasks of ${times} times of the schedule`]: ticks?.made === times,
      [`${limited} requests at once, not ${LIMIT}`]: limited === LIMIT,
      [`${narrow} requests at once in a node, not ${NARROW}`]: narrow === NARROW,
      'no node of the release before has run a new task': this.#ranByOld > 0,
    })
    return { 'new tasks': this.#given.length, 'requests of them by old nodes': this.#ranByOld, 'schedule times': times }
  }
}

/** What of a task is not as it was given, in words; undefined: nothing. */
function whatIsWrong({ kind, body }: Given, row: Kept | undefined): string | undefined {
  if (kind === 'delete') return row && row.status !== 'complete' ? 'is there after its DELETE' : undefined
  if (!row) return 'is lost'
  const { labels, priority, unique } = JSON.parse(body) as { labels: object; priority: string; unique?: string }
  const code = kind === '500' ? ['service_error'] : kind === 'cancel' ? ['cancelled', null] : [null]
  if (!code.includes(row.code)) return 'has ended otherwise'
  if (JSON.stringify(row.labels) !== JSON.stringify(labels) || row.listed !== 2) return 'has other labels'
  if (row.priority !== (priority === 'high' ? 0 : 2)) return 'has another priority'
  if (row.unique_key !== (unique ?? null)) return 'has another unique'
  if (row.callbacks !== 1) return 'has not one callback'
  return row.early ? 'began before its time' : undefined
}
