// The callers of a run: they post, read and delete through every node in turn, honour 503, and write down what they were told.
import { Agent } from 'node:http'
import { setTimeout as passed } from 'node:timers/promises'
import { type Outcome, call } from './call.ts'
import type { Entry, Ledger } from './ledger.ts'
import { type Planner, payloadOf } from './plan.ts'
import type { Random } from './random.ts'

export interface CallersOptions {
  /** Where the API is, one URL a node. */
  readonly urls: () => readonly string[]
  readonly ledger: Ledger
  readonly plan: Planner
  readonly random: Random
}

/** A load of tasks. */
export interface Load {
  /** Tasks posted so far, acknowledged or not. */
  readonly posted: number
  /** Posts no more; resolves when what is under way has been answered. */
  stop(): Promise<void>
  /** Resolves when all of `count` have been answered. */
  readonly ended: Promise<void>
}

export interface LoadOptions {
  /** Posts a second; left out: as fast as `width` callers can. */
  readonly rate?: number
  readonly width?: number
  readonly count?: number
  readonly service?: string
  /** Whether posting pauses now; only with a rate. */
  readonly held?: () => boolean
  /** The share of tasks that are deleted at a random moment of their first second. */
  readonly deleting?: number
}

/** How long a caller goes on when it is told 503. */
const PATIENCE = 120_000
const MOST_OPEN = 400

/** Sends requests as a well-behaved client would. */
export class Callers {
  readonly #by: CallersOptions
  readonly #agent = new Agent({ keepAlive: true, maxSockets: MOST_OPEN })
  /** Tasks whose DELETE has been sent. */
  readonly leaving = new Set<number>()
  #turn = 0
  #next = 1

  constructor(by: CallersOptions) {
    this.#by = by
  }

  close(): void {
    this.#agent.destroy()
  }

  /** The number of the next task. */
  number(): number {
    return this.#next++
  }

  /** Starts a load; tasks are numbered on over all loads of a run. */
  load({ rate, width = 32, count = Infinity, service = 'svc', held = () => false, deleting = 0 }: LoadOptions): Load {
    const stopped = new AbortController()
    const open = new Set<Promise<void>>()
    let posted = 0
    const one = (): Promise<void> => {
      posted += 1
      const task = this.number()
      const doomed = this.#by.random.chance(deleting) ? this.#by.random.within(0, 1_000) : undefined
      const going = (async () => {
        await this.post(task, service, stopped.signal)
        if (doomed === undefined) return
        await passed(doomed)
        await this.remove(task)
      })().finally(() => open.delete(going))
      open.add(going)
      return going
    }
    const lane = async (): Promise<void> => {
      while (posted < count && !stopped.signal.aborted) await one()
    }
    const paced = async (perSecond: number): Promise<void> => {
      let due = 0
      for (let last = performance.now(); posted < count && !stopped.signal.aborted;) {
        const now = performance.now()
        if (!held()) due += ((now - last) / 1_000) * perSecond
        last = now
        while (posted < Math.min(due, count) && open.size < MOST_OPEN) void one()
        await passed(10)
      }
    }
    const going = rate === undefined ? Promise.all(Array.from({ length: width }, lane)) : paced(rate)
    const ended = going.then(async () => void (await Promise.all(open)))
    return {
      get posted() {
        return posted
      },
      ended,
      stop: async () => {
        stopped.abort()
        await ended
      },
    }
  }

  /** Posts a task until it is acknowledged, its outcome is unknown, or the caller has run out of patience. */
  async post(task: number, service = 'svc', signal?: AbortSignal): Promise<Entry> {
    const { ledger, plan } = this.#by
    const entry = ledger.entry(task)
    const by = service === 'svc' && plan(task).slow ? 'slow' : service
    const action = plan(task).slow ? 'slow' : 'plan'
    const json = `{"service":"${by}","action":"${action}","payload":${payloadOf(task, plan(task))}}`
    const end = performance.now() + PATIENCE
    for (;;) {
      const outcome = await this.call('POST', `${this.#url()}/tasks`, json)
      if (outcome === 'broken') {
        entry.unknown += 1
        return entry
      }
      if (outcome !== 'refused') {
        if (outcome.status === 302) {
          entry.location = outcome.headers.location ?? ''
          entry.at = Date.now()
          return entry
        }
        if (this.#unavailable(outcome) === 'outcome_unknown') {
          entry.unknown += 1
          return entry
        }
        entry.refused += 1
      }
      if (signal?.aborted && outcome !== 'refused') return entry
      if (performance.now() > end) {
        ledger.complain(`the POST of task ${task} was refused for ${PATIENCE / 1_000} s`)
        return entry
      }
      await passed(100)
    }
  }

  /** Deletes a task that was acknowledged, until there is an answer that says something. The status of the last answer. */
  async remove(task: number, url = this.#url()): Promise<number> {
    const entry = this.#by.ledger.entry(task)
    if (entry.location === undefined) return 0
    this.leaving.add(task)
    const end = performance.now() + PATIENCE
    for (let at = url; ; at = this.#url()) {
      const outcome = await this.call('DELETE', at + entry.location)
      if (outcome === 'broken') entry.maybeDeleted = true
      else if (outcome !== 'refused') {
        const { status } = outcome
        if (status === 204) {
          if (entry.deletedAt !== undefined) this.#by.ledger.complain(`${entry.location} was deleted twice`)
          entry.deletedAt = Date.now()
          entry.deletedBy = at
          return status
        }
        if (status === 404) {
          if (entry.deletedAt === undefined && !entry.maybeDeleted)
            this.#by.ledger.complain(`DELETE ${entry.location} said 404 of a task that was never deleted`)
          entry.gone = true
          return status
        }
        if (this.#unavailable(outcome) === 'outcome_unknown') entry.maybeDeleted = true
      }
      if (performance.now() > end) {
        this.#by.ledger.complain(`DELETE ${entry.location} was refused for ${PATIENCE / 1_000} s`)
        return 0
      }
      await passed(100)
    }
  }

  /** Deletes a task through two nodes at once: one must say 204, the other 404. */
  async removeTwice(task: number): Promise<void> {
    const { ledger, urls } = this.#by
    const entry = ledger.entry(task)
    if (entry.location === undefined) return
    const [first, second] = this.#by.random.shuffle(urls())
    const path = entry.location
    const remove = async (url: string | undefined): Promise<Outcome> => {
      const outcome = await this.call('DELETE', `${url}${path}`)
      if (typeof outcome !== 'string' && outcome.status === 204) {
        entry.deletedAt = Date.now()
        entry.deletedBy = url
      }
      return outcome
    }
    const outcomes = await Promise.all([first, second].map(remove))
    const said = outcomes
      .map((outcome) => (typeof outcome === 'string' ? outcome : String(outcome.status)))
      .sort((x, y) => (x < y ? -1 : 1))
    if (String(said) !== '204,404') ledger.complain(`two DELETEs of ${path} at once said ${said.join(' and ')}`)
    const after = await this.call('GET', `${first}${path}`)
    if (typeof after === 'string' || after.status !== 404) ledger.complain(`${path} was shown after its DELETE`)
  }

  /** Reads a task; its text, or the status when it was not shown. */
  async read(location: string, url = this.#url()): Promise<string | number> {
    const outcome = await this.call('GET', url + location)
    if (typeof outcome === 'string') return 0
    if (outcome.status === 200) return outcome.body
    if (outcome.status !== 404) this.#unavailable(outcome)
    return outcome.status
  }

  /** The code of a 503 as the contract has it; any other answer is complained of. */
  #unavailable({ status, headers, body }: Exclude<Outcome, string>): string {
    const code = /"code":"(\w+)"/.exec(body)?.[1] ?? ''
    if (status === 408) this.#by.ledger.complain(`an answer 408 ${body}`, true)
    else if (
      status !== 503 ||
      headers['retry-after'] === undefined ||
      !['unavailable', 'outcome_unknown'].includes(code)
    )
      this.#by.ledger.complain(`an answer ${status} ${body.slice(0, 200)}`)
    return code
  }

  #url(): string {
    const urls = this.#by.urls()
    this.#turn += 1
    return urls[this.#turn % urls.length] ?? ''
  }

  /** One request. */
  call(method: string, url: string, json?: string): Promise<Outcome> {
    return call({ agent: this.#agent, ledger: this.#by.ledger }, method, url, json)
  }
}
