// The rig: servers, links, nodes, a referee, callers and a watch, put together for one run and judged at its end.
import { randomUUID } from 'node:crypto'
import { setTimeout as passed } from 'node:timers/promises'
import { Callers } from './callers.ts'
import { ROWS, type Row, type Span } from './evidence.ts'
import { type Verdict, judge } from './judge.ts'
import { Ledger } from './ledger.ts'
import { Member } from './member.ts'
import { orphans } from './orphans.ts'
import { MIX, type Planner, planner } from './plan.ts'
import { Random } from './random.ts'
import { Referee } from './referee.ts'
import { postgresOf } from './pair.ts'
import { type OwnPostgres, OwnRedis } from './servers.ts'
import { services } from './services.ts'
import type { Setup } from './setup.ts'
import { stretched } from './spans.ts'
import { untilReady, watchEnds, watchLateness, watchQueue, watchReady, watchStarvation } from './watch.ts'

/** What a node may have beyond its start at once after a run, kept connections among it: bytes of heap, and file descriptors. */
const GROWTH = { heap: 60_000_000, fds: 100 }
/** How long it may take to get there, ms. */
const CALM = 20_000
/** The longest way of a cancellation, that of a node without its Postgres, with room, ms. */
const CUT_OFF = 10_000
/** A node that was told to stop has ended by then, ms: DRAIN_TIMEOUT and some more. */
const STOPPED = 20_000

/** One run. */
export class Rig {
  readonly setup: Setup
  readonly random: Random
  readonly plan: Planner
  readonly ledger = new Ledger()
  readonly referee: Referee
  readonly postgres: OwnPostgres
  readonly redis: OwnRedis
  readonly members: readonly Member[]
  readonly callers: Callers
  readonly spans: Span[] = []
  /** What all of its processes have in their environment. */
  readonly #run: string
  readonly #ends = new Map<string, string>()
  readonly #late: Span[] = []
  readonly #starved: Span[] = []
  readonly #taken = new Set<Member>()
  readonly #unready = new Set<Member>()
  readonly #watching = new AbortController()
  #watched: Promise<unknown> = Promise.resolve()

  private constructor(
    setup: Setup,
    run: string,
    referee: Referee,
    postgres: OwnPostgres,
    redis: OwnRedis,
    members: readonly Member[],
  ) {
    this.setup = setup
    this.#run = run
    this.random = new Random(setup.seed)
    this.plan = planner(setup.seed, setup.scale, setup.mix ?? MIX)
    this.referee = referee
    this.postgres = postgres
    this.redis = redis
    this.members = members
    this.callers = new Callers({
      urls: () => {
        const ready = members.filter((member) => !this.#unready.has(member))
        // Where none is ready each of them is asked.
        return (ready.length > 0 ? ready : members).map(({ url }) => url)
      },
      ledger: this.ledger,
      plan: this.plan,
      random: this.random.fork('callers'),
    })
  }

  /** Opens a rig, its nodes started. */
  static async open(setup: Setup): Promise<Rig> {
    const postgres = await postgresOf(setup.pair)
    const redis = await OwnRedis.start().catch(async (error: unknown) => {
      await postgres.stop()
      throw error
    })
    const referee = await new Referee(planner(setup.seed, setup.scale, setup.mix ?? MIX)).start()
    if (setup.redis === false) await redis.stop()
    const run = randomUUID()
    const names = Array.from({ length: setup.nodes ?? 3 }, (_, i) => 'abcdefgh'[i] ?? `n${i}`)
    const targets = { postgres: postgres.front, redis: redis.port, service: referee.port }
    const members = await Promise.all(
      names.map((name) =>
        Member.make({
          name,
          dist: setup.dist,
          env: { ...setup.env, ...postgres.env, CHAOS_RUN: run },
          scale: setup.scale,
          targets,
          databaseUrl: postgres.url,
          poisons: setup.poisons ?? false,
          services: (port, node) => services(setup, port, node),
        }),
      ),
    )
    const rig = new Rig(setup, run, referee, postgres, redis, members)
    try {
      await Promise.all(members.map((member) => member.start()))
      // A node listens before Postgres has answered it: on a busy machine there may be no tables yet.
      await Promise.all(members.map((member) => untilReady(member)))
      const { signal: stop } = rig.#watching
      const looking = setup.balanced === true ? members.map((member) => watchReady(member, rig.#unready, stop)) : []
      rig.#watched = Promise.all([
        watchEnds(postgres, rig.#ends, stop),
        watchLateness(rig.#late, stop),
        watchStarvation(members, rig.#starved, stop),
        ...members.map((member) => watchQueue(member, rig.#late, stop)),
        ...looking,
      ])
      return rig
    } catch (error) {
      await rig.close()
      throw error
    }
  }

  /** Marks the time that `body` takes as that of a fault. */
  async span<T>(span: Pick<Span, 'name'> & Partial<Span>, body: () => Promise<T>): Promise<T> {
    const marked: Span = { excuses: true, doubts: [], cancelWithin: 1_000, ...span, from: Date.now(), to: Infinity }
    this.spans.push(marked)
    try {
      return await body()
    } finally {
      marked.to = Date.now()
    }
  }

  /** Gives a node to one fault at a time; nothing happens when all nodes but one are taken. */
  async withMember(random: Random, body: (member: Member) => Promise<void>): Promise<void> {
    const free = this.members.filter((member) => !this.#taken.has(member))
    if (free.length < Math.min(2, this.members.length)) return
    const member = random.pick(free)
    this.#taken.add(member)
    try {
      await body(member)
    } finally {
      this.#taken.delete(member)
    }
  }

  /** Waits until all tasks that exist now have ended, but for those that take seconds by their plan; milliseconds. Rejects after `limit` ms, those not counted in which a node had work and no core. `slow`: those too. */
  async normal(limit: number, slow = false): Promise<number> {
    const begun = performance.now()
    const starvedBefore = this.#starved.length
    // Nodes, Postgres and this process have one clock.
    const now = new Date().toISOString()
    for (;;) {
      const left = `from tasks t where status in ('pending', 'running') and created_at <= $1 and (service <> 'slow' or $2)`
      const [row] = await this.postgres.sql<{ count: number }>(`select count(*)::integer as count ${left}`, [now, slow])
      const took = performance.now() - begun
      if (row?.count === 0) return took
      const starved = this.#starved.slice(starvedBefore).reduce((sum, { from, to }) => sum + to - from, 0)
      if (took - starved > limit) {
        const oldest = await this.postgres.sql(
          `select id, service, status, step, attempt, fails, crashes, node, token, run_at, started_at ${left} order by id limit 3`,
          [now, slow],
        )
        throw new Error(
          `${row?.count} tasks have not ended ${Math.round(took)} ms after the fault, at ${new Date().toISOString()}: ${JSON.stringify(oldest)}`,
        )
      }
      await passed(50)
    }
  }

  /** How many tasks have not ended. */
  async unended(): Promise<number> {
    const [row] = await this.postgres.sql<{ count: number }>(
      `select count(*)::integer as count from tasks where status in ('pending', 'running')`,
    )
    return row?.count ?? 0
  }

  /** Waits at most so long until everything has ended, and judges the run. */
  async judge(ms = 60_000): Promise<Verdict> {
    const stuck = await this.normal(ms, true).then(
      () => [],
      (error: Error) => [error.message],
    )
    // The requests of tasks that were deleted last have their time to be cut off; what is open then is judged.
    await this.referee.until(() => this.referee.idle, CUT_OFF).catch(() => undefined)
    this.#watching.abort()
    await this.#watched
    const rows = await this.postgres.sql<Row & Record<string, unknown>>(ROWS)
    const { plan, ledger, referee } = this
    const lapses = this.setup.scale > 1 ? this.members.flatMap((member) => member.lapses) : []
    const deaths = this.members.flatMap((member) => member.deaths)
    const behind = [...this.#late, ...this.#starved]
    const spans = [...stretched([...this.spans, ...lapses, ...deaths], behind), ...behind]
    const byLocation = new Map(ledger.acknowledged.map((entry) => [entry.location ?? '', entry]))
    const timedOut = new Set(this.members.flatMap((member) => member.timedOut))
    const evidence = { plan, ledger, byLocation, referee, rows, ends: this.#ends, spans, timedOut }
    const { breaches, figures } = judge(evidence)
    const alarms = this.members.flatMap((member) => member.alarms)
    // What callers keep open is theirs.
    this.callers.close()
    const leaks = await Promise.all(
      this.members.map((member) => member.calm(GROWTH, CALM).then(() => [], String)),
    ).then((all) => all.flat())
    return {
      breaches: [...stuck, ...alarms, ...leaks, ...breaches],
      figures: { ...figures, lapses: lapses.length, stalls: this.#late.length, starved: this.#starved.length },
    }
  }

  /** Stops the nodes in order; what they complain of comes back. Then ends everything else. */
  async close(): Promise<readonly string[]> {
    this.#watching.abort()
    await this.#watched
    this.callers.close()
    for (const { links } of this.members) for (const link of Object.values(links)) link.set('open')
    await Promise.all(
      this.members.map(async (member) => {
        if (member.lives.length === 0) return
        member.process.kill('SIGCONT')
        const how = await Promise.race([member.end('SIGTERM'), passed(STOPPED, undefined, { ref: false })])
        if (how === undefined) member.faults.push(`${member.name} did not end within ${STOPPED} ms of a SIGTERM`)
      }),
    )
    const alarms = this.members.flatMap((member) => member.alarms)
    await Promise.all(this.members.map((member) => member.dispose()))
    alarms.push(...orphans(this.#run))
    await this.referee.stop()
    if (this.setup.redis !== false) await this.redis.stop()
    await this.postgres.stop()
    return alarms
  }
}
