// The request loop of one task: send, classify, report, wait for the commit, go on.
import { type Verdict, classify } from '../core/answers.ts'
import { type Failure, deadlineExceeded } from '../core/failures.ts'
import type { Assignment, Report } from '../core/mailbox.ts'
import type { Service } from '../core/service.ts'
import { PARK_FROM } from '../core/timings.ts'
import type { Mailbox } from './mailbox.ts'
import type { Flight, Request } from './send.ts'

/** What an actor's loop needs from its thread. */
export interface Surroundings {
  readonly service: Service
  readonly mailbox: Mailbox
  send(request: Request): Flight
  report(report: Report): void
  /** Milliseconds of a clock that only goes forward. */
  now(): number
  /** Uniform in [0, 1). */
  random(): number
}

/** Where the loop stands: what the next request says, and how often this step failed or repeated itself. */
interface Loop {
  body: string
  step: number
  attempt: number
  fails: number
  repeats: number
}

/** Runs a task until it ends, gives its slot back, or is stopped. Each way out but the last has sent the last report. */
export async function run(at: Surroundings, task: Assignment): Promise<void> {
  const { service, mailbox } = at
  const claim = { id: task.id, token: task.token }
  const created = at.now() - task.age
  const left = (): number => (service.deadline > 0 ? service.deadline - (at.now() - created) : Infinity)
  const loop: Loop = { ...task }
  const tell = (report: DistributiveOmit<Report, 'id' | 'token'>): void => at.report({ ...claim, ...report })
  const fail = (failure: Failure, step: number): void =>
    tell({ tell: 'settle', step, attempt: loop.attempt, status: 'failed', result: null, omitted: false, failure })

  for (;;) {
    // A request begins only while the node is trusted and this claim is confirmed; `send` asks once more at the socket.
    if (!(await mailbox.permission())) return tellUnlessStopped(mailbox, () => tell({ tell: 'release' }))
    const rest = left()
    if (rest <= 0) return fail(deadlineExceeded(service), loop.step)

    const timeout = Math.min(service.timeout, rest)
    const flight = at.send({ ...loop, id: task.id, key: task.key, action: task.action, timeout })
    const reply = await mailbox.during(flight)
    if (reply === 'stopped') return
    if (reply === 'not_begun') continue
    if (reply.kind === 'timeout' && timeout === rest) return fail(deadlineExceeded(service), loop.step)

    const verdict = classify(reply, { ...loop, sent: loop.body }, service, at.random())
    switch (verdict.kind) {
      case 'complete':
        return tell({
          tell: 'settle',
          step: loop.step,
          attempt: loop.attempt,
          status: 'complete',
          result: verdict.result,
          omitted: verdict.omitted,
          failure: null,
        })
      case 'failed':
        return fail(verdict.failure, verdict.failure.code === 'too_many_steps' ? loop.step + 1 : loop.step)
      case 'progress': {
        const wait = Math.min(verdict.wait, Math.max(0, left()))
        const parks = wait >= PARK_FROM || mailbox.draining
        const { step } = loop
        tell({ tell: 'checkpoint', step, state: verdict.state, repeats: verdict.repeats, wait: parks ? wait : null })
        if (parks) return
        if (!(await committed(mailbox, loop))) return
        advance(loop, verdict)
        if (wait > 0 && !(await mailbox.pause(wait))) return tellUnlessStopped(mailbox, () => tell({ tell: 'release' }))
        break
      }
      case 'again': {
        const wait = Math.min(verdict.wait, Math.max(0, left()))
        const begun = at.now()
        const { step, attempt } = loop
        const { failure } = verdict
        const parks = wait >= PARK_FROM || mailbox.draining || !(await mailbox.pause(wait))
        if (mailbox.stopped) return
        if (parks) {
          const rest = Math.max(0, wait - (at.now() - begun))
          return tell({ tell: 'park', step, attempt, wait: rest, failure })
        }
        // The write is also the question whether the claim still holds, asked right before the request.
        tell({ tell: 'retry', step, attempt, failure })
        if (!(await committed(mailbox, loop))) return
        loop.fails += 1
      }
    }
  }
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never

function advance(loop: Loop, verdict: Extract<Verdict, { kind: 'progress' }>): void {
  loop.body = verdict.state ?? loop.body
  loop.step += 1
  loop.repeats = verdict.repeats
  loop.fails = 0
}

/** Waits for the commit of the report that was just sent, and takes the next request's number from it. */
async function committed(mailbox: Mailbox, loop: Loop): Promise<boolean> {
  const attempt = await mailbox.commit()
  if (attempt === undefined) return false
  loop.attempt = attempt
  return true
}

function tellUnlessStopped(mailbox: Mailbox, tell: () => void): void {
  if (!mailbox.stopped) tell()
}
