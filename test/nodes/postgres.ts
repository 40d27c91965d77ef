// Postgres goes away under two nodes with work in hand, and comes back.
import { expect } from 'chai'
import { mkdtemp, rm } from 'node:fs/promises'
import { Agent } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as passed } from 'node:timers/promises'
import { EmbeddedPostgres } from '../../packages/embedded-postgres/src/index.ts'
import { eventually } from '../support/eventually.ts'
import { Fleet } from '../support/fleet.ts'
import { call, type Posted, postOne, verify } from '../support/load.ts'
import { answers, serverOf } from '../support/postgres-files.ts'
import { TcpProxy } from '../support/tcp-proxy.ts'

/** All tasks have ended this long after Postgres is back, ms. */
const ENDS = 8_000

/** Where each of two nodes finds Postgres, and where what is committed is read. */
export interface Doors {
  readonly urls: readonly [string, string]
  readonly truth: string
  close(): Promise<void>
}

/** A Postgres of one's own, behind one door for each of two nodes; a door's port stays. */
export interface OwnPostgres extends Doors {
  /** Kills it with SIGKILL; it is not there for at least `ms`, and then recovers. */
  crash(ms: number): Promise<void>
  /** Stops it in order; it is not there for `ms`, and the first node reaches it `later` ms after the second. */
  restart(ms: number, later: number): Promise<void>
}

export async function ownPostgres(): Promise<OwnPostgres> {
  const dataDir = await mkdtemp(join(tmpdir(), 'task_api-outage-'))
  const postgres = new EmbeddedPostgres({ dataDir })
  await postgres.start()
  const doors = [new TcpProxy(), new TcpProxy()] as const
  const portOf = (url: string): number => Number(new URL(url).port)
  const open = (door: TcpProxy): Promise<void> => door.listen(portOf(postgres.url))
  const openAll = async (): Promise<void> => void (await Promise.all(doors.map(open)))
  const closeAll = async (): Promise<void> => void (await Promise.all(doors.map((door) => door.close())))
  await openAll()
  const urlAt = ({ port }: TcpProxy): string => postgres.url.replace(`:${portOf(postgres.url)}/`, `:${port}/`)
  return {
    urls: [urlAt(doors[0]), urlAt(doors[1])],
    truth: urlAt(doors[1]),
    async crash(ms) {
      process.kill(await serverOf(dataDir), 'SIGKILL')
      await closeAll()
      await passed(ms)
      // It is back when its recovery is over, which takes as long as the machine is busy.
      await eventually(async () => expect(await answers(postgres.url)).to.equal(true), 60_000)
      await openAll()
    },
    async restart(ms, later) {
      await postgres.stop()
      await closeAll()
      await passed(ms)
      await postgres.start()
      await open(doors[1])
      await passed(later)
      await open(doors[0])
    },
    async close() {
      await closeAll()
      await postgres.stop()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

/** What became of the posts of a caller who never stops. */
interface Caller {
  readonly posted: Posted[]
  /** Refusals by code. */
  readonly refused: Map<string, number>
  /** Waits for a step; throws as soon as an answer is none of those that are allowed. */
  during<T>(step: Promise<T>): Promise<T>
  stop(): Promise<void>
}

/** Posts tasks to both nodes, every 20 ms, until it is stopped. The other node may not say of a task that it is not there. */
function keepPosting(urls: readonly string[]): Caller {
  const agent = new Agent({ keepAlive: true })
  const posted: Posted[] = []
  const refused = new Map<string, number>()
  const stopped = new AbortController()
  const under = new Set<Promise<unknown>>()
  const one = async (turn: number): Promise<unknown> => {
    const steps = turn % 6
    const { status, headers, body } = await postOne(agent, urls[turn % urls.length] ?? '', `steps.${steps}`)
    if (status === 302) {
      const { location = '' } = headers
      posted.push({ location, steps })
      const shown = await call(agent, 'GET', `${urls[(turn + 1) % urls.length]}${location}`)
      return expect(shown.status, `${location} at the other node`).to.be.oneOf([200, 503])
    }
    const { code } = JSON.parse(body) as { code: string }
    expect(status, body).to.equal(503)
    expect(Number(headers['retry-after'])).to.be.above(0)
    refused.set(code, (refused.get(code) ?? 0) + 1)
  }
  const going = (async () => {
    for (let turn = 0; !stopped.signal.aborted; turn += 1) {
      const sent = one(turn).finally(() => under.delete(sent))
      sent.catch(() => stopped.abort())
      under.add(sent)
      await passed(20)
    }
    await Promise.all(under)
  })()
  going.catch(() => undefined)
  return {
    posted,
    refused,
    during: (step) => Promise.race([step, going.then(() => step)]),
    stop: async () => {
      stopped.abort()
      await going.finally(() => agent.destroy())
    },
  }
}

/** What an outage may cost. */
interface Outage {
  readonly back?: number
  readonly ends?: number
  /** Requests that may be repeated: some where an outage outlasts the lease of a node. */
  readonly repeats?: number
}

/**
 * Two nodes, work in hand, a caller who posts on: `outage` takes Postgres away and resolves when it is back. Within `back` ms of that
 * a POST is accepted and its task complete, within `ends` ms every task.
 */
export async function through<Postgres extends Doors>(
  open: () => Promise<Postgres>,
  outage: (postgres: Postgres, urls: readonly string[]) => Promise<void>,
  { back = ENDS, ends = ENDS, repeats = 0 }: Outage = {},
): Promise<Caller> {
  const postgres = await open()
  try {
    return await Fleet.during(
      async (fleet) => {
        fleet.service.pace = 40
        const [a, b] = await Promise.all(
          (['a', 'b'] as const).map((name, i) => fleet.start(name, { DATABASE_URL: postgres.urls[i] ?? '' })),
        )
        if (!a || !b) throw new Error('no nodes')
        const caller = keepPosting([a.url, b.url])
        await caller.during(fleet.service.until((requests) => requests.length > 100))
        await outage(postgres, [a.url, b.url])
        const backAt = performance.now()
        // The first that is accepted again, and its task.
        const before = caller.posted.length
        const complete = `select from tasks where status = 'complete' and id = any($1::bigint[])`
        const ended = eventually(async () => {
          const ids = caller.posted.slice(before).map(({ location }) => location.replace('/tasks/', ''))
          expect((await fleet.sql(complete, [ids])).length).to.be.above(0)
        }, back)
        await caller.during(ended)
        await caller.during(eventually(() => expect(caller.posted.length).to.be.above(before + 10), ends))
        await caller.stop()
        await eventually(async () => expect(await fleet.unended()).to.equal(0), ends)
        expect(performance.now() - backAt, 'ms from the return to the end').to.be.below(ends)

        const { refused, posted } = caller
        expect([...refused.keys()].every((code) => code === 'unavailable' || code === 'outcome_unknown')).to.equal(true)
        const rows = await fleet.sql('select from tasks')
        // A refusal that says `unavailable` created nothing.
        expect(rows.length - posted.length).to.be.within(0, refused.get('outcome_unknown') ?? 0)
        expect((await verify(fleet, posted)).repeats, 'requests repeated').to.be.at.most(repeats)
        return caller
      },
      { databaseUrl: postgres.truth },
    )
  } finally {
    await postgres.close()
  }
}

/** Postgres is killed, and is there again after its recovery. Who posts meanwhile may only have to wait. */
export async function postgresKilled(): Promise<void> {
  await through(ownPostgres, (postgres) => postgres.crash(1_500))
}

/** Postgres is stopped for longer than the leases, and one node finds it back before the other has renewed its own. */
export async function postgresAway(): Promise<void> {
  const { refused } = await through(ownPostgres, (postgres) => postgres.restart(12_000, 2_000))
  expect(refused.get('unavailable')).to.be.above(50)
}
