// One actor's loop with everything around it in the test's hands: the clock, the service, the supervisor.
import sinon from 'sinon'
import { Mailbox } from '../../../src/actor/mailbox.ts'
import { run } from '../../../src/actor/run.ts'
import type { InFlightRequest, Request } from '../../../src/actor/send.ts'
import type { Body } from '../../../src/core/answers.ts'
import type { Assignment, Report } from '../../../src/core/messages.ts'
import { type Service, SERVICE_DEFAULTS } from '../../../src/core/service.ts'
import { Trust, trustBuffer } from '../../../src/core/trust.ts'

type End = Awaited<InFlightRequest['reply']>

/** How the backoff comes out when chance is 0: half of the full wait. */
export const BACKOFF = SERVICE_DEFAULTS.retry.backoff / 2

const ASSIGNMENT: Assignment = {
  id: '7',
  token: 11,
  key: '00000000-0000-4000-8000-000000000007',
  service: 'billing',
  action: 'charge',
  body: '{"n":0}',
  step: 0,
  attempt: 1,
  fails: 0,
  repeats: 0,
  age: 0,
  deadline: null,
  firstStep: 0,
  retryOf: null,
  granted: false,
  trace: null,
  epoch: 1,
}

/** The failure of an answer. */
export const failureOf = (code: string, status: number): object => ({
  code,
  detail: `The service answered ${status}.`,
  status,
})

/** What the log keeps of a try that failed at once. */
export const triedOf = (outcome: string, failure: object, more: object): object => ({
  outcome,
  ms: 0,
  wait: null,
  body: null,
  detail: (failure as { detail: string }).detail,
  ...more,
})

const FOR_EVER = 1n << 62n

/** What a test may set up. */
interface Setup {
  readonly task?: Partial<Assignment>
  readonly service?: Partial<Service>
  /** Whether the node is trusted at the start, in epoch 1. */
  readonly trusted?: boolean
}

/** An actor that runs. `close` gives the real clock back. */
export class Rig {
  readonly requests: Request[] = []
  readonly reports: Report[] = []
  readonly trust = new Trust(trustBuffer())
  readonly mailbox: Mailbox
  /** Requests that were cut off. */
  cut = 0
  over = false
  /** The service as it is known now. */
  service: Service | undefined
  readonly #clock = sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  #land: (end: End) => void = () => {}

  private constructor({ task = {}, service = {}, trusted = true }: Setup) {
    this.mailbox = new Mailbox(this.trust, task.epoch ?? ASSIGNMENT.epoch, () => 0n)
    if (trusted) this.trust.extend(FOR_EVER, 0n, 0n)
    this.service = { ...SERVICE_DEFAULTS, name: 'billing', url: 'http://billing/', ...service }
    const context = {
      target: () => this.service && { service: this.service, send: (request: Request) => this.#send(request) },
      mailbox: this.mailbox,
      report: (report: Report) => void this.reports.push(report),
      now: () => performance.now(),
      random: () => 0,
    }
    void run(context, { ...ASSIGNMENT, ...task }).then(() => (this.over = true))
  }

  /** Starts an actor, and lets it come as far as it can by itself. */
  static async open(setup: Setup = {}): Promise<Rig> {
    const rig = new Rig(setup)
    await rig.pass(0)
    return rig
  }

  close(): void {
    this.#clock.restore()
  }

  /** The last report, without the name of its claim. */
  get told(): Omit<Report, 'id' | 'token'> | undefined {
    const { id: _id, token: _token, ...rest } = this.reports.at(-1) ?? { id: '', token: 0, kind: undefined }
    return rest.kind === undefined ? undefined : rest
  }

  /** Timers that still run. */
  get timers(): number {
    return this.#clock.countTimers()
  }

  /** Lets time pass. */
  async pass(ms: number): Promise<void> {
    await this.#clock.tickAsync(ms)
  }

  /** The request in flight ends. */
  async land(end: End): Promise<void> {
    this.#land(end)
    await this.pass(0)
  }

  /** The service answers. `body`: JSON text, or empty. */
  answer(status: number, body = '', retryAfter?: number): Promise<void> {
    const read: Body = body === '' ? { kind: 'empty', text: '' } : { kind: 'json', text: body }
    return this.land({ kind: 'answer', status, retryAfter, body: read })
  }

  /** The supervisor says that the report is committed. */
  async go(attempt = 1): Promise<void> {
    this.mailbox.go(attempt, this.trust.epoch)
    await this.pass(0)
  }

  async drain(): Promise<void> {
    this.mailbox.drain()
    await this.pass(0)
  }

  async stop(): Promise<void> {
    this.mailbox.stop()
    await this.pass(0)
  }

  #send(request: Request): InFlightRequest {
    this.requests.push(request)
    const reply = new Promise<End>((resolve) => (this.#land = resolve))
    const stop = (): void => {
      this.cut += 1
      this.#land('stopped')
    }
    return { reply, stop }
  }
}
