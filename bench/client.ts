// The callers, in a process of their own: they post tasks over so many connections, or at a steady rate, and may read what they posted.
import { setTimeout as passed } from 'node:timers/promises'
import { Pool } from 'undici'

/** What is to be posted. */
export interface Posting {
  readonly urls: readonly string[]
  readonly count: number
  /** Connections. */
  readonly width: number
  /** Posts a second; default: each connection posts as soon as it has its answer. */
  readonly rate?: number
  /** Answers 206 of each task. */
  readonly steps?: number
  /** Whether the stub keeps the tasks waiting. */
  readonly hold?: boolean
  /** How many tasks are read after each POST. */
  readonly reads?: number
  /** To which service; several in turn. */
  readonly services?: readonly string[]
  /** The number of the first task. */
  readonly first?: number
}

/** How it went: calls that were not answered as they should be, and where the last task is. */
export interface Posted {
  readonly failed: number
  readonly last: string
}

const HEADERS = { 'content-type': 'application/json' }

async function post(asked: Posting): Promise<Posted> {
  const { urls, count, width, rate, steps = 0, hold = false, reads = 0, services = ['stub'], first = 0 } = asked
  const pools = urls.map((url) => new Pool(url, { connections: Math.ceil(width / urls.length) }))
  const locations: string[] = []
  let failed = 0

  const one = async (i: number): Promise<void> => {
    const pool = pools[i % pools.length] as Pool
    const payload = { i: first + i, steps, hold, at: String(process.hrtime.bigint()) }
    const { statusCode, headers, body } = await pool.request({
      path: '/tasks',
      method: 'POST',
      headers: HEADERS,
      body: JSON.stringify({ service: services[i % services.length], action: 'run', payload }),
    })
    await body.dump()
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
    for (let i = 0; i < count; i += 1) {
      const pause = begun + (i * 1_000) / perSecond - performance.now()
      if (pause > 0) await passed(pause)
      running.push(one(i))
    }
    await Promise.all(running)
  }
  let next = 0
  const lane = async (): Promise<void> => {
    while (next < count) await one(next++)
  }

  await (rate === undefined ? Promise.all(Array.from({ length: width }, lane)) : steadily(rate))
  await Promise.all(pools.map((pool) => pool.close()))
  return { failed, last: locations.at(-1) ?? '' }
}

process.on('message', (asked: Posting) => {
  post(asked).then(
    (said) => process.send?.(said),
    (error: unknown) => {
      throw error
    },
  )
})
process.on('disconnect', () => process.exit())
