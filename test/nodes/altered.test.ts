// Whatever Postgres and Redis send, a node lives on, loses nothing, and is healthy when they speak sense again.
import { expect } from 'chai'
import pg from 'pg'
import { Random } from '../chaos/random.ts'
import { AlteringProxy } from '../support/altering-proxy.ts'
import { createMigrated, type TestDatabase } from '../support/databases.ts'
import { engines } from '../support/engines.ts'
import { eventually } from '../support/eventually.ts'
import { NodeProcess } from '../support/node.ts'
import { ODD_POSTGRES, ODD_REDIS } from '../support/odd-frames.ts'
import { ScriptedService } from '../support/service.ts'

/** `ALTER_SEED=N` draws the same alterations again; which chunk they meet is up to the network. `ALTER_TIMES=N`: N times as many. */
const SEED = Number(process.env['ALTER_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
/** So many of a server's chunks are altered. Redis says less, and its connections pause for longer when they were lost. */
const TIMES = Number(process.env['ALTER_TIMES'] ?? 1)
const ALTERATIONS = { postgres: 30 * TIMES, redis: 6 * TIMES } as const

describe(`a node whose servers send what they should not (ALTER_SEED=${SEED})`, () => {
  let database: TestDatabase
  let service: ScriptedService
  let proxies: Record<'postgres' | 'redis', AlteringProxy>
  let node: NodeProcess
  let sql: pg.Client
  const acknowledged = new Set<number>()
  let posted = 0

  before(async () => {
    database = await createMigrated()
    service = await new ScriptedService().start()
    const random = new Random(SEED)
    const behind = async (url: string, odd: Readonly<Record<string, Buffer>>): Promise<[AlteringProxy, string]> => {
      const at = new URL(url)
      const proxy = await AlteringProxy.to(Number(at.port || 6379), random.fork(at.protocol), Object.values(odd))
      at.host = `127.0.0.1:${proxy.port}`
      return [proxy, at.href]
    }
    const [postgres, databaseUrl] = await behind(database.url, ODD_POSTGRES)
    const [redis, redisUrl] = await behind((await engines()).redisUrl, ODD_REDIS)
    proxies = { postgres, redis }
    sql = new pg.Client(database.url)
    await sql.connect()
    node = await NodeProcess.start(
      { DATABASE_URL: databaseUrl, REDIS_URL: redisUrl, REDIS_PREFIX: `${database.name}:` },
      { svc: { url: service.url, retry: { attempts: 0, maxBackoff: '1s' } } },
    )
  })
  after(async () => {
    await node.dispose()
    await Promise.all(Object.values(proxies).map((proxy) => proxy.close()))
    await sql.end()
    await service.stop()
    await database.drop()
  })

  /** Posts a task with a number of its own. An answer that is no answer, and no answer, says that the node is not there. */
  async function post(): Promise<void> {
    posted += 1
    const number = posted
    const body = JSON.stringify({ service: 'svc', action: number % 2 === 0 ? 'ok' : 'steps.2', payload: { number } })
    const headers = { 'content-type': 'application/json' }
    const signal = AbortSignal.timeout(60_000)
    const answer = await fetch(`${node.url}/tasks`, { method: 'POST', headers, body, redirect: 'manual', signal })
    await answer.text()
    expect(answer.status).to.be.oneOf([302, 500, 503])
    if (answer.status === 302) acknowledged.add(number)
  }
  const lives = async (): Promise<void> => {
    const { status } = await fetch(`${node.url}/livez`, { signal: AbortSignal.timeout(60_000) })
    expect(status).to.equal(200)
  }
  const isHealthy = (): Promise<unknown> =>
    eventually(async () => {
      const answer = await fetch(`${node.url}/readyz`, { signal: AbortSignal.timeout(60_000) })
      expect(await answer.json()).to.include({ status: 'ready' })
    }, 60_000)

  // Ends the suite where the node has ended.
  beforeEach(() => lives())

  for (const [server, frames] of [['postgres', ODD_POSTGRES] as const, ['redis', ODD_REDIS] as const])
    for (const [name, frame] of Object.entries(frames))
      it(`lives on where ${server} sends ${name}, to a connection that is in use, and to a new one`, async () => {
        const proxy = proxies[server]
        for (const isNew of [false, true]) {
          if (isNew) proxy.reset()
          const { altered } = proxy
          proxy.next = frame
          await eventually(async () => {
            await post()
            expect(proxy.altered).to.be.above(altered)
          }, 60_000)
        }
        await lives()
      })

  it('lives on through altered answers of both', async () => {
    const { postgres, redis } = proxies
    const before = { postgres: postgres.altered, redis: redis.altered }
    postgres.rate = redis.rate = 0.1
    while (
      postgres.altered - before.postgres < ALTERATIONS.postgres ||
      redis.altered - before.redis < ALTERATIONS.redis
    )
      await Promise.all(Array.from({ length: 5 }, post))
    for (const proxy of Object.values(proxies)) proxy.rate = 0
    await lives()
  }).timeout(120_000 * TIMES)

  it('is healthy again, and has lost nothing', async () => {
    for (const proxy of Object.values(proxies)) proxy.reset()
    await isHealthy()
    await eventually(async () => {
      const { rows } = await sql.query<{ number: number; status: string }>(
        `select (payload->>'number')::integer as number, status, id, node, step, attempt, fails, crashes, run_at, error from tasks`,
      )
      const ended = new Set(rows.filter(({ status }) => /complete|failed/.test(status)).map(({ number }) => number))
      const missing = [...acknowledged].filter((number) => !ended.has(number))
      const those = rows.filter(({ number }) => missing.slice(0, 5).includes(number))
      const what = `${missing.length} of ${acknowledged.size}: ${JSON.stringify(those)}`
      expect(missing.slice(0, 5), what).to.deep.equal([])
    }, 90_000)
    expect(acknowledged.size).to.be.above(100)
    expect(node.lines.filter(({ level }) => level === 60)).to.deep.equal([])
  })
})
