// One node of a run: a real process that is started, killed, frozen and started again on its port, with links of its own.
import { setTimeout as passed } from 'node:timers/promises'
import { DIST, type Line, NodeProcess } from '../support/node.ts'
import { type Span, requestName } from './evidence.ts'
import { Link } from './link.ts'

export interface MemberOptions {
  readonly name: string
  /** What was compiled of the release that it is at first; default: this one. */
  readonly dist?: URL | undefined
  readonly env: Readonly<Record<string, string>>
  /** How many times faster than in life the protocol's times are. */
  readonly scale: number
  /** Ports behind the links. */
  readonly targets: { readonly postgres: number; readonly redis: number; readonly service: number }
  readonly databaseUrl: string
  /** Whether a thread may die: its tasks include some that kill theirs. */
  readonly poisons: boolean
  /** What task_api.yaml says, given the port at which the referee is reached. */
  readonly services: (port: number, name: string) => Readonly<Record<string, unknown>>
}

/** What a process says of itself when asked. */
export interface Vitals {
  /** Bytes, after a collection. */
  readonly heap: number
  readonly rss: number
  readonly fds: number
}

/** What a process has more than when it had just started: bytes of heap, and file descriptors. */
export type Growth = Pick<Vitals, 'heap' | 'fds'>

/** How long before its notice a lapse may have begun, ms at full times: the longest standstill, and the beats around it. */
const LAPSE = 20_000
/** How long a thread may have stood still before it is said to be dead, ms at full times, and what that takes beside, ms. */
const SILENCE = 7_000
const NOTICE = 1_000
/** Lines that tell of a thread's death. */
export const DEATH = /^a thread has died|^suspects have died|^the task killed its thread/
/** Why a try failed that met the time limit of its service. */
const TIMED_OUT = 'The service did not answer in time.'

export class Member {
  readonly name: string
  readonly links: { readonly postgres: Link; readonly redis: Link; readonly service: Link }
  /** Processes so far, the one that runs last. */
  readonly lives: NodeProcess[] = []
  /** What went wrong with them that nobody had asked for. */
  readonly faults: string[] = []
  readonly #options: MemberOptions
  /** What was compiled of the release that its next start is of. */
  dist: URL
  /** The vitals of the process that runs, when it had just started. */
  baseline: Vitals = { heap: 0, rss: 0, fds: 0 }
  #port = '0'
  #expected = new WeakSet<NodeProcess>()

  private constructor(options: MemberOptions, links: Member['links']) {
    this.name = options.name
    this.dist = options.dist ?? DIST
    this.#options = options
    this.links = links
  }

  static async make(options: MemberOptions): Promise<Member> {
    const { postgres, redis, service } = options.targets
    const links = { postgres: await Link.to(postgres), redis: await Link.to(redis), service: await Link.to(service) }
    return new Member(options, links)
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  get process(): NodeProcess {
    const last = this.lives.at(-1)
    if (!last) throw new Error(`${this.name} was never started`)
    return last
  }

  /** Starts it and waits until it listens. */
  async start(): Promise<void> {
    const life = await this.#live({})
    await life.logged('listening', 60_000)
    this.#port = new URL(life.url).port
    this.baseline = await this.vitals()
  }

  /** Starts it for a life that is to end at a point, maybe before it listens; what ended it, or undefined when nothing did within `ms`. */
  async startToDie(point: string, nth: number, ms: number): Promise<number | string | undefined> {
    const life = await this.#live({ CHAOS_DIE: `${point}:${nth}` })
    this.expectEnd()
    return Promise.race([life.exited, passed(ms, undefined, { ref: false })])
  }

  async #live(env: Readonly<Record<string, string>>): Promise<NodeProcess> {
    const { name, scale, databaseUrl, services } = this.#options
    const url = new URL(databaseUrl)
    url.host = `127.0.0.1:${this.links.postgres.port}`
    const life = await NodeProcess.spawn(
      {
        NODE_OPTIONS: `--import ${new URL('test/chaos/inside/inside.js', this.dist).href}`,
        CHAOS_NAME: name,
        CHAOS_TIMES: String(scale),
        DATABASE_URL: url.href,
        REDIS_URL: `redis://127.0.0.1:${this.links.redis.port}`,
        PORT: this.#port,
        // At this level each repeat of a request is logged.
        LOG_LEVEL: 'debug',
        ...this.#options.env,
        ...env,
      },
      services(this.links.service.port, name),
      { dist: this.dist },
    )
    this.lives.push(life)
    void life.exited.then((how) => {
      if (!this.#expected.has(life)) this.faults.push(`${name} ended by itself: ${how} ${life.stderr.slice(-500)}`)
    })
    return life
  }

  /** From now on its end is no fault. */
  expectEnd(): void {
    this.#expected.add(this.process)
  }

  /** Ends it by a signal and waits for its end; the exit code or the signal. */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | string> {
    const life = this.process
    this.expectEnd()
    life.kill(signal)
    const how = await life.exited
    if (signal === 'SIGTERM' && how !== 0) this.faults.push(`${this.name} ended with ${how} after SIGTERM`)
    return how
  }

  /** Heap and file descriptors of the process that runs. */
  async vitals(): Promise<Vitals> {
    const life = this.process
    const before = life.lines.filter(({ msg }) => msg === 'vitals').length
    life.kill('SIGUSR2')
    const line = await life.logged('vitals', 20_000, before)
    return line as unknown as Vitals
  }

  /** Waits, at most `ms`, until it has no more than `most` beyond its start; throws when it keeps more. */
  async calm(most: Growth, ms: number): Promise<Growth> {
    const end = performance.now() + ms
    for (;;) {
      const { heap, fds } = await this.vitals()
      const growth = { heap: heap - this.baseline.heap, fds: fds - this.baseline.fds }
      if (growth.heap <= most.heap && growth.fds <= most.fds) return growth
      if (performance.now() > end)
        throw new Error(`${this.name} keeps ${growth.heap} bytes and ${growth.fds} file descriptors`)
      await passed(1_000)
    }
  }

  /**
   * The times at which its lease had run out by what it logged. A lease of two seconds is so short that a busy machine can take it from a node that
   * nothing else is wrong with; others then repeat what it had in flight.
   */
  get lapses(): Span[] {
    const lines = this.lives.flatMap(({ lines }) => lines.filter(({ msg }) => msg.startsWith('the lease had run out')))
    return lines.map(({ time }) => {
      const to = Date.parse(String(time))
      return {
        name: 'lapse',
        from: to - LAPSE / this.#options.scale,
        to,
        excuses: true,
        of: this.name,
        doubts: [this.name],
        cancelWithin: 8_000,
      }
    })
  }

  /** The times at which a thread of it died by what it logged: what ran in it is sent again. */
  get deaths(): Span[] {
    const lines = this.lives.flatMap(({ lines }) => lines.filter(({ msg }) => DEATH.test(msg)))
    return lines.map(({ time }) => {
      const to = Date.parse(String(time))
      const from = to - SILENCE / this.#options.scale - NOTICE
      // What it had sent may be read behind what its successor sends on connections that are open already.
      const doubts = { doubts: [this.name], unanswered: true }
      return { name: 'death', from, to, excuses: true, of: this.name, ...doubts, cancelWithin: 8_000 }
    })
  }

  /** The requests that it gave up on as not answered in time, by what it logged. */
  get timedOut(): string[] {
    const lines = this.lives.flatMap(({ lines }) => lines.filter(({ why }) => why === TIMED_OUT))
    return lines.map(({ task, step, attempt }) =>
      requestName({ id: String(task), step: Number(step), attempt: Number(attempt) }),
    )
  }

  /** What no fault excuses: a defect of the process, a thread that died of nothing, or anything on stderr. */
  get alarms(): string[] {
    const { poisons } = this.#options
    const bad = ({ level, msg }: Line): boolean => level >= 60 || (!poisons && DEATH.test(msg))
    const lines = this.lives.flatMap((life) => life.lines.filter(bad))
    // A thread that is out of memory says so there.
    const stderr = poisons ? [] : this.lives.flatMap((life) => (life.stderr.trim() ? [life.stderr.slice(-500)] : []))
    return [
      ...this.faults,
      ...lines.map((line) => `${this.name} logged ${JSON.stringify(line).slice(0, 600)}`),
      ...stderr.map((text) => `${this.name} wrote to stderr: ${text}`),
    ]
  }

  async dispose(): Promise<void> {
    for (const life of this.lives) {
      this.#expected.add(life)
      await life.dispose()
    }
    for (const link of Object.values(this.links)) await link.close()
  }
}
