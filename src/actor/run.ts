// The request loop of one task: send, classify, report, wait for the commit, go on.
import { type Verdict, classify } from '../core/answers.ts'
import { type Failure, deadlineExceeded } from '../core/failures.ts'
import type { Assignment, Report } from '../core/messages.ts'
import type { Service } from '../core/service.ts'
import { PARK_FROM } from '../core/timings.ts'
import type { Mailbox } from './mailbox.ts'
import type { InFlightRequest, Request } from './send.ts'

/** What an actor's loop gets from its thread. */
export interface ActorContext {
  readonly service: Service
  readonly mailbox: Mailbox
  send(request: Request): InFlightRequest
  report(report: Report): void
  /** Milliseconds of a monotonic clock. */
  now(): number
  /** Uniform in [0, 1). */
  random(): number
}

/** The state of the loop: the contents of the next request, and how often this step failed or changed nothing. */
interface Loop {
  body: string
  step: number
  attempt: number
  fails: number
  repeats: number
}

/** Runs a task until the task ends, is parked or released, or the actor is stopped. A stopped actor sends no last report. */
export async function run(context: ActorContext, task: Assignment): Promise<void> {
  const { service, mailbox } = context
  const { id, token, key, action } = task
  const created = context.now() - task.age
  const left = (): number => (service.deadline > 0 ? service.deadline - (context.now() - created) : Infinity)
  // Written out, because spreading an object costs microseconds.
  const loop: Loop = {
    body: task.body,
    step: task.step,
    attempt: task.attempt,
    fails: task.fails,
    repeats: task.repeats,
  }
  const settle = (
    status: 'complete' | 'failed',
    step: number,
    result: string | null,
    omitted: boolean,
    failure: Failure | null,
  ): void =>
    context.report({ id, token, kind: 'settle', step, attempt: loop.attempt, status, result, omitted, failure })
  const fail = (failure: Failure, step: number): void => settle('failed', step, null, false, failure)

  for (;;) {
    // A request begins only while the node is trusted and this claim is confirmed. `send` checks again at the socket.
    if (!(await mailbox.permission())) return release(context, task)
    const rest = left()
    if (rest <= 0) return fail(deadlineExceeded(service), loop.step)

    const timeout = Math.min(service.timeout, rest)
    const { body, step, attempt } = loop
    const request = context.send({ id, key, action, body, step, attempt, timeout })
    const reply = await mailbox.during(request)
    if (reply === 'stopped') return
    if (reply === 'not_begun') continue
    if (reply.kind === 'timeout' && timeout === rest) return fail(deadlineExceeded(service), loop.step)

    const standing = { sent: body, step, fails: loop.fails, repeats: loop.repeats }
    const verdict = classify(reply, standing, service, context.random())
    switch (verdict.kind) {
      case 'complete':
        return settle('complete', step, verdict.result, verdict.omitted, null)
      case 'failed':
        return fail(verdict.failure, verdict.failure.code === 'too_many_steps' ? step + 1 : step)
      case 'progress': {
        const wait = Math.min(verdict.wait, Math.max(0, left()))
        const parks = wait >= PARK_FROM || mailbox.draining
        const { state, repeats } = verdict
        context.report({ id, token, kind: 'checkpoint', step, state, repeats, wait: parks ? wait : null })
        if (parks) return
        if (!(await committed(mailbox, loop))) return
        advance(loop, verdict)
        if (wait > 0 && !(await mailbox.pause(wait))) return release(context, task)
        break
      }
      case 'again': {
        const wait = Math.min(verdict.wait, Math.max(0, left()))
        const begun = context.now()
        const { failure } = verdict
        const parks = wait >= PARK_FROM || mailbox.draining || !(await mailbox.pause(wait))
        if (mailbox.stopped) return
        if (parks) {
          const rest = Math.max(0, wait - (context.now() - begun))
          return context.report({ id, token, kind: 'park', step, attempt, wait: rest, failure })
        }
        // The write also checks right before the request whether the claim still holds.
        context.report({ id, token, kind: 'retry', step, attempt, failure })
        if (!(await committed(mailbox, loop))) return
        loop.fails += 1
        break
      }
      case 'uncounted': {
        // The slot is kept during the wait: another task in the slot would fail in the same way and only add load to Postgres.
        await mailbox.pause(Math.min(verdict.wait, Math.max(0, left())))
        if (mailbox.stopped) return
        const { failure } = verdict
        return context.report({ id, token, kind: 'park', step, attempt, wait: 0, failure, uncounted: true })
      }
    }
  }
}

function advance(loop: Loop, verdict: Extract<Verdict, { kind: 'progress' }>): void {
  loop.body = verdict.state ?? loop.body
  loop.step += 1
  loop.repeats = verdict.repeats
  loop.fails = 0
}

/** Waits for the commit of the report that was just sent, and sets the number of the next try. False: the claim is lost. */
async function committed(mailbox: Mailbox, loop: Loop): Promise<boolean> {
  const attempt = await mailbox.commit()
  if (attempt === undefined) return false
  loop.attempt = attempt
  return true
}

/** Releases the claim, unless the actor was stopped. */
function release({ mailbox, report }: ActorContext, { id, token }: Assignment): void {
  if (!mailbox.stopped) report({ id, token, kind: 'release' })
}
