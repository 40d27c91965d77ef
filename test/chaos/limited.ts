// Services with limits under load, and what can be done to them: limits are changed, services are paused and resumed.
import { randomUUID } from 'node:crypto'
import { setTimeout as passed } from 'node:timers/promises'
import { Redis } from 'ioredis'
import type { Limit } from '../../src/core/limit.ts'
import { CHANGED, Keys } from '../../src/queue/keys.ts'
import type { Regime, Seen } from './counted.ts'
import { NORMAL, long } from './faults/fault.ts'
import { kill } from './faults/nodes.ts'
import { insist } from './insist.ts'
import type { Random } from './random.ts'
import type { Rig } from './rig.ts'

/** Two with a limit, and one without that is paused as well. */
export const LIMITS = {
  limited: { concurrency: 7, rate: '50/s', burst: 20 },
  narrow: { concurrency: 5 },
  free: undefined,
} as const
export type Name = keyof typeof LIMITS
export const NAMES = Object.keys(LIMITS) as readonly Name[]
/** How long a request takes, ms. Those of `narrow` are long enough for a limit to be used whole. */
const TAKES = { limited: [20, 110], narrow: [200, 200], free: [20, 60], long: 2_000, held: 5_000 } as const
/** Tasks of a service that wait, at most. */
const MOST_WAITING = 80
const BETWEEN_POSTS = 20
/** Nothing begins so long after a pause, ms: nodes were told, or were not. */
const PAUSED = { told: 2_000, untold: 3_000 }
/** A calm time: first what is left of faults passes, then the use of the limits is measured, ms. */
const CALM = { least: 12_000, measured: 4_000 }

/** The load, what the services have seen of it, and what was done to them. */
export class Trial {
  readonly seen: Seen[] = []
  readonly regimes: Regime[] = [{ from: 0, limit: {} }]
  readonly pauses: { readonly from: number; to: number }[] = []
  readonly calm: { readonly from: number; readonly to: number; readonly waiting: number }[] = []
  over = false
  /** A limit is to be used whole: only tasks of limited services are posted, and none is deleted while its request is open. So a run begins. */
  #calm = true
  readonly #rig: Rig
  readonly #random: Random
  readonly #waiting = new Map<string, Name>()
  readonly #answered = new Set<string>()

  constructor(rig: Rig) {
    this.#rig = rig
    this.#random = rig.random.fork('limits')
    for (const name of NAMES)
      rig.referee.answer(name, ({ headers }, response) => {
        const location = String(headers['task-location'])
        const kind = String(headers['task-action']).split('.')[1] ?? ''
        const [least, most] = kind === 'long' || kind === 'held' ? [TAKES[kind], TAKES[kind]] : TAKES[name]
        const one: Seen = { service: name, node: String(headers['x-node']), location, at: Date.now(), end: Infinity }
        this.seen.push(one)
        response.on('close', () => (one.end = Math.min(one.end, Date.now())))
        setTimeout(
          () => {
            const status = this.#statusOf(kind, location, Number(headers['task-step']))
            response.writeHead(status).end('{}')
            if (status === 200) this.#waiting.delete(location)
          },
          this.#random.within(least, most),
        )
      })
  }

  /** Two answers 206 of a loop, and one 503 of a retry; then 200. */
  #statusOf(kind: string, location: string, step: number): number {
    if (kind === 'loop' && step < 2) return 206
    if (kind !== 'retry' || this.#answered.has(location)) return 200
    this.#answered.add(location)
    return 503
  }

  /** Posts tasks while there is room among those that wait. */
  async post(): Promise<void> {
    for (; !this.over; await passed(BETWEEN_POSTS)) {
      const name = this.#random.pick(this.#calm ? NAMES.filter((one) => LIMITS[one]) : NAMES)
      if (this.#waitingFor(name) >= MOST_WAITING) continue
      const kinds = name === 'narrow' ? ['plain', 'loop'] : ['plain', 'loop', 'retry']
      const rare = this.#random.chance(0.02) ? (!this.#calm && this.#random.chance(0.7) ? 'held' : 'long') : undefined
      const kind = name === 'narrow' && rare === 'long' ? 'plain' : (rare ?? this.#random.pick(kinds))
      const headers = { 'content-type': 'application/json', 'idempotency-key': randomUUID() }
      const body = JSON.stringify({ service: name, action: `${name}.${kind}`, payload: {} })
      const { response } = await insist(this.#rig, [302], 'POST', '/tasks', { headers, body })
      const location = response.headers.get('location') ?? ''
      this.#waiting.set(location, name)
      if (kind === 'held') void this.#remove(location)
    }
  }

  #waitingFor(name: Name): number {
    return [...this.#waiting.values()].filter((one) => one === name).length
  }

  async #remove(location: string): Promise<void> {
    while (!this.over && !this.seen.some((one) => one.location === location)) await passed(50)
    await insist(this.#rig, [204, 404], 'DELETE', location)
    this.#waiting.delete(location)
  }

  /** Sets limits in place of the file's, or none. */
  async limit(limits: Partial<Record<Name, Limit>> | undefined): Promise<void> {
    const mark = (): void => void this.regimes.push({ from: Date.now(), limit: limits?.limited ?? {} })
    // A higher limit may bind before this process hears of it.
    if (!limits) mark()
    for (const name of ['limited', 'narrow'] as const)
      await this.#rig.postgres.sql(
        'insert into service_state as s (service, limits) values ($1, $2) on conflict (service) do update set limits = excluded.limits',
        [name, limits?.[name] ? JSON.stringify(limits[name]) : null],
      )
    if (limits) mark()
  }

  /** Pauses all services while nodes die and come back; then resumes them. */
  async pause(told: boolean, random: Random): Promise<void> {
    const rig = this.#rig
    // Some that wait are suspects, which begin in the quarantine.
    await rig.postgres.sql(
      `update tasks set crashes = 3 where id in (select id from tasks where node is null and status in ('pending', 'running') order by id desc limit 20)`,
    )
    const set = async (paused: boolean): Promise<number> => {
      await rig.postgres.sql(
        `insert into service_state as s (service, paused_at, paused_by) select unnest($1::text[]), case when $2 then now() end, 'chaos'
         on conflict (service) do update set paused_at = excluded.paused_at`,
        [NAMES, paused],
      )
      const at = Date.now()
      if (told) await this.#tell()
      return at
    }
    const span = { from: (await set(true)) + PAUSED[told ? 'told' : 'untold'], to: Infinity }
    this.pauses.push(span)
    await passed(span.from - Date.now())
    await kill.strike(rig, random)
    // What the dead node held is taken over meanwhile.
    await long(rig, NORMAL.node)
    span.to = Date.now()
    await set(false)
  }

  async #tell(): Promise<void> {
    const nodes = await this.#rig.postgres.sql<{ id: string }>('select id from nodes where lease_until > now()')
    const redis = new Redis(this.#rig.redis.url)
    for (const { id } of nodes) await redis.publish(new Keys('task_api:').channel(id), CHANGED)
    redis.disconnect()
  }

  /** Lets what faults have left pass, and marks a time in which the limits are to be used. */
  async rest(): Promise<void> {
    this.#calm = true
    await long(this.#rig, CALM.least)
    // Cut grants count for 3 s.
    await passed(TAKES.held - 1_000)
    const waiting = (): number => Math.min(this.#waitingFor('limited'), this.#waitingFor('narrow'))
    const [from, before] = [Date.now(), waiting()]
    await passed(CALM.measured)
    this.calm.push({ from, to: Date.now(), waiting: Math.min(before, waiting()) })
    this.#calm = false
  }
}
