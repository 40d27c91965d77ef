// The request loop of one task: send, classify, report, wait for the commit, go on.
import { type Verdict, classify, tooManySteps } from '../core/answers.ts'
import { type Attempt, attemptOf } from '../core/attempts.ts'
import { type Failure, deadlineExceeded } from '../core/failures.ts'
import type { Assignment, Park, Report } from '../core/messages.ts'
import type { Service } from '../core/service.ts'
import { PARK_FROM } from '../core/timings.ts'
import type { Mailbox } from './mailbox.ts'
import type { InFlightRequest, Request } from './send.ts'

/** A service as it is known now, and the way to it. */
export interface Target {
  readonly service: Service
  send(request: Request): InFlightRequest
}

/** What an actor's loop gets from its thread. */
export interface ActorContext {
  /** Asked before each request, because a reload may have changed the service; undefined: it was removed. */
  target(): Target | undefined
  readonly mailbox: Mailbox
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
  const { mailbox } = context
  const { id, token, key, action } = task
  const firstDue = context.now() - task.age
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
    tried?: Attempt,
  ): void =>
    context.report({
      id,
      token,
      kind: 'settle',
      step,
      attempt: loop.attempt,
      status,
      result,
      omitted,
      failure,
      tried,
    })
  /** Gives the claim back; the same step is due again after `wait`. */
  const park = (wait: number, failure: Failure, more: Pick<Park, 'tried' | 'uncounted' | 'gates'>): void =>
    context.report({ id, token, kind: 'park', step: loop.step, attempt: loop.attempt, wait, failure, ...more })
  const fail = (failure: Failure, step: number, tried?: Attempt): void =>
    settle('failed', step, null, false, failure, tried)

  for (;;) {
    // A request begins only while the node is trusted, this claim is confirmed, and the service admits it. `send` checks again at the socket.
    if (!(await mailbox.permission())) return release(context, task)
    const target = context.target()
    if (!target) return release(context, task)
    const { service } = target
    const deadline = task.deadline ?? service.deadline
    const left = (): number => (deadline > 0 ? deadline - (context.now() - firstDue) : Infinity)
    const tooOld = (): Failure => deadlineExceeded(service.deadline, task.deadline)
    const ended = tooManySteps(loop.step - task.firstStep, service)
    if (ended) return fail(ended, loop.step)
    const rest = left()
    if (rest <= 0) return fail(tooOld(), loop.step)

    const timeout = Math.min(service.timeout, rest)
    const { body, step, attempt } = loop
    const sent = context.now()
    const request = target.send({ id, key, action, body, step, attempt, timeout, retryOf: task.retryOf })
    const reply = await mailbox.during(request)
    if (reply === 'stopped') return
    if (reply === 'not_begun') continue
    const overdue = reply.kind === 'timeout' && timeout === rest

    const standing = { sent: body, steps: step - task.firstStep, fails: loop.fails, repeats: loop.repeats }
    const verdict = classify(reply, standing, service, context.random())
    const ms = context.now() - sent
    const tried = (wait: number | null, failure?: Failure): Attempt | undefined =>
      attemptOf(reply, { step, attempt, ms, wait, failure }, service.attemptLog)
    if (overdue) return fail(tooOld(), loop.step, tried(null, tooOld()))
    switch (verdict.kind) {
      case 'complete':
        return settle('complete', step, verdict.result, verdict.omitted, null, tried(null))
      case 'failed': {
        const { failure } = verdict
        return fail(failure, step, tried(null, failure))
      }
      case 'progress': {
        const wait = Math.min(verdict.wait, Math.max(0, left()))
        const parks = wait >= PARK_FROM || mailbox.yields
        const { state, repeats } = verdict
        context.report({
          id,
          token,
          kind: 'checkpoint',
          step,
          state,
          repeats,
          wait: parks ? wait : null,
          keep: kept(service),
          tried: tried(wait > 0 ? wait : null),
        })
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
        const parks = wait >= PARK_FROM || mailbox.yields || !(await mailbox.pause(wait))
        if (mailbox.stopped) return
        if (parks) {
          const rest = Math.max(0, wait - (context.now() - begun))
          return park(rest, failure, { tried: tried(wait, failure) })
        }
        // The write also checks right before the request whether the claim still holds.
        context.report({ id, token, kind: 'retry', step, attempt, failure, tried: tried(wait, failure) })
        if (!(await committed(mailbox, loop))) return
        loop.fails += 1
        break
      }
      case 'gated': {
        const { failure, wait } = verdict
        return park(wait, failure, { uncounted: true, gates: true, tried: tried(wait, failure) })
      }
      case 'uncounted':
        // The slot is kept during the wait: another task in the slot would fail in the same way and only add load to Postgres.
        await mailbox.pause(Math.min(verdict.wait, Math.max(0, left())))
        if (mailbox.stopped) return
        return park(0, verdict.failure, { uncounted: true })
    }
  }
}

/** How many states a service wants to be kept, where it wants any. */
const kept = ({ keepStates, attemptLog }: Service): number | undefined =>
  keepStates > 0 && attemptLog === 'all' ? keepStates : undefined

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
