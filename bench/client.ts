// The callers, in a process of their own: they post tasks over so many connections, or at a steady rate, and may read what they posted.
import { setTimeout as passed } from 'node:timers/promises'
import { Pool } from 'undici'
import { TOKEN } from './peers.ts'
import type { Payload } from './stub.ts'

/** What is to be posted. */
export interface Posting {
  readonly urls: readonly string[]
  readonly count: number
  /** Connections. */
  readonly width: number
  /** Posts a second, until so many are posted or it is told to stop; default: each connection posts as soon as it has its answer. */
  readonly rate?: number
  /** Answers 206 of each task. */
  readonly steps?: number
  /** Whether the stub keeps the tasks waiting. */
  readonly hold?: boolean
  /** How long the stub takes for each answer, ms. */
  readonly delay?: number
  /** Whether the stub measures how long after its POST each task's first request comes; default: yes. */
  readonly timed?: boolean
  /** How many tasks are read after each POST. */
  readonly reads?: number
  /** To which service; several in turn. */
  readonly services?: readonly string[]
  /** Tasks in one request; default: one, by POST /tasks. */
  readonly batch?: number
  /** The number of the first task. */
  readonly first?: number
}

/** Ends the posting at a steady rate that is under way. */
export interface Stop {
  readonly stop: true
}

/** How it went: tasks that were posted, calls that were not answered as they should be, and where the last task is. */
export interface Posted {
  readonly count: number
  readonly failed: number
  readonly last: string
}

const HEADERS = { 'content-type': 'application/json', authorization: `Bearer ${TOKEN}` }

async function post(asked: Posting): Promise<Posted> {
  const { urls, count, width, rate, reads = 0, services = ['stub'], first = 0 } = asked
  const { steps = 0, hold = false, delay = 0, timed = true, batch } = asked
  const pools = urls.map((url) => new Pool(url, { connections: Math.ceil(width / urls.length) }))
  const locations: string[] = []
  let failed = 0
  let next = 0
  let stopped = false
  const hear = (said: Posting | Stop): void => void (stopped ||= 'stop' in said)
  process.on('message', hear)

  const one = async (i: number): Promise<void> => {
    const pool = pools[i % pools.length] as Pool
    const at = String(process.hrtime.bigint())
    const task = (i: number) => {
      const payload = { i: first + i, steps, hold, delay, timed, at } satisfies Payload
      return { service: services[i % services.length], action: 'run', payload }
    }
    const tasks = batch === undefined ? task(i) : Array.from({ length: batch }, (_, n) => task(i * batch + n))
    const { statusCode, headers, body } = await pool.request({
      path: batch === undefined ? '/tasks' : '/tasks/batch',
      method: 'POST',
      headers: HEADERS,
      body: JSON.stringify(tasks),
    })
    await body.dump()
    if (statusCode === 201) return
    if (statusCode === 302) locations.push(String(headers.location))
    else failed += 1
    for (let n = 0; n < reads; n += 1) await read(pool)
  }
  const read = async (pool: Pool): Promise<void> => {
    const path = locations[Math.floor(Math.random() * locations.length)]
    if (path === undefined) return
    const { statusCode, body } = await pool.request({ path, method: 'GET' })
    await body.dump()
    if (statusCode !== 200) failed += 1
  }
  const steadily = async (perSecond: number): Promise<void> => {
    const begun = performance.now()
    const running: Promise<void>[] = []
    for (; next < count && !stopped; next += 1) {
      const pause = begun + (next * 1_000) / perSecond - performance.now()
      if (pause > 0) await passed(pause)
      running.push(one(next))
    }
    await Promise.all(running)
  }
  const lane = async (): Promise<void> => {
    while (next < Math.ceil(count / (batch ?? 1))) await one(next++)
  }

  await (rate === undefined ? Promise.all(Array.from({ length: width }, lane)) : steadily(rate))
  process.off('message', hear)
  await Promise.all(pools.map((pool) => pool.close()))
  return { count: next * (batch ?? 1), failed, last: locations.at(-1) ?? '' }
}

process.on('message', (asked: Posting | Stop) => {
  if ('stop' in asked) return
  post(asked).then(
    (said) => process.send?.(said),
    (error: unknown) => {
      throw error
    },
  )
})
process.on('disconnect', () => process.exit())
