// What a service's answer means for its task: the table of answers, and the verdict that is drawn from it.
import { backoff, lackWait, pollWait } from './backoff.ts'
import type { Failure } from './failures.ts'
import { ERROR_BODY } from './limits.ts'
import type { Service } from './service.ts'

/** The possible outcomes of a step. */
export type Outcome = 'complete' | 'progress' | 'again' | 'redirect' | 'failed'

/** One row for each range of status codes; the first matching row counts. The docs are printed from this table. */
export const ANSWERS: readonly { from: number; to: number; outcome: Outcome; meaning: string }[] = [
  {
    from: 206,
    to: 206,
    outcome: 'progress',
    meaning: 'Still running: the body becomes the payload of the next request, at once or after `Retry-After`.',
  },
  { from: 200, to: 299, outcome: 'complete', meaning: 'Complete: the body is the result (204: none).' },
  { from: 300, to: 399, outcome: 'redirect', meaning: 'Failed, `redirect`: never followed.' },
  { from: 408, to: 408, outcome: 'again', meaning: 'The same step again, after a backoff.' },
  { from: 425, to: 425, outcome: 'again', meaning: 'The same step again, after a backoff.' },
  { from: 429, to: 429, outcome: 'again', meaning: 'The same step again, after a backoff or `Retry-After`.' },
  { from: 502, to: 502, outcome: 'again', meaning: 'The same step again, after a backoff.' },
  { from: 503, to: 503, outcome: 'again', meaning: 'The same step again, after a backoff or `Retry-After`.' },
  { from: 504, to: 504, outcome: 'again', meaning: 'The same step again, after a backoff.' },
]

/** The outcome of a status code. Codes that are not in the table, as 500, are `failed`. */
export const outcomeOf = (status: number): Outcome =>
  ANSWERS.find((row) => status >= row.from && status <= row.to)?.outcome ?? 'failed'

/** An answer's body: empty, JSON text byte for byte, text that is not JSON, or too large. `text` is what was read. */
export interface Body {
  readonly kind: 'empty' | 'json' | 'text' | 'large'
  readonly text: string
  /** Why the text is not JSON; absent for the other kinds, and for a body that was cut off. */
  readonly why?: string
}

/** The result of one request. */
export type Reply =
  | { readonly kind: 'answer'; readonly status: number; readonly retryAfter: number | undefined; readonly body: Body }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'unreachable'; readonly detail: string }
  /** This node lacked a resource to send the request: file descriptors, ports or memory. */
  | { readonly kind: 'lacking'; readonly detail: string }

/** The state of a task when a reply arrives. */
export interface Standing {
  /** The payload that was sent. */
  readonly sent: string
  /** Answers 206 before this one, since the task began. */
  readonly steps: number
  /** Failed tries of this step before this one. */
  readonly fails: number
  /** Answers 206 in a row that changed nothing, before this one. */
  readonly repeats: number
}

/** What to do next. Waits are milliseconds. */
export type Verdict =
  | { readonly kind: 'complete'; readonly result: string | null; readonly omitted: boolean }
  | { readonly kind: 'failed'; readonly failure: Failure }
  /** `state` null: the payload stays as it is. */
  | { readonly kind: 'progress'; readonly state: string | null; readonly repeats: number; readonly wait: number }
  | { readonly kind: 'again'; readonly wait: number; readonly failure: Failure }
  /** The same step again, and this try does not count. */
  | { readonly kind: 'uncounted'; readonly wait: number; readonly failure: Failure }
  /** The same, and until then no other request of the service begins. */
  | { readonly kind: 'gated'; readonly wait: number; readonly failure: Failure }

/** Decides what to do after a reply. `random` is uniform in [0, 1). */
export function classify(reply: Reply, at: Standing, service: Service, random: number): Verdict {
  if (reply.kind === 'lacking') return { kind: 'uncounted', wait: lackWait(random), failure: lacking(reply.detail) }
  if (reply.kind !== 'answer') return again(reply, at, service, random)
  if (isTriedAgain(reply.status, service)) return again(reply, at, service, random)
  switch (outcomeOf(reply.status)) {
    case 'complete':
      return complete(reply.body)
    case 'progress':
      return progress(reply, at, service)
    case 'again':
      return again(reply, at, service, random)
    case 'redirect':
      return failed(answered('redirect', `The service answered ${reply.status}; redirects are not followed.`, reply))
    default:
      return failed(answered('service_error', `The service answered ${reply.status}.`, reply))
  }
}

const failed = (failure: Failure): Verdict => ({ kind: 'failed', failure })

type Answer = Extract<Reply, { kind: 'answer' }>
type Tried = Exclude<Reply, { kind: 'lacking' }>

function answered(code: Failure['code'], detail: string, { status, body }: Answer): Failure {
  return body.text === '' ? { code, detail, status } : { code, detail, status, body: body.text }
}

function complete(body: Body): Verdict {
  if (body.kind === 'large') return { kind: 'complete', result: null, omitted: true }
  const result = body.kind === 'empty' ? null : body.kind === 'json' ? body.text : JSON.stringify(body.text)
  return { kind: 'complete', result, omitted: false }
}

/** The failure of a task with so many answers 206; undefined: it may go on. */
export const tooManySteps = (steps: number, { maxSteps }: Service): Failure | undefined =>
  maxSteps > 0 && steps >= maxSteps
    ? { code: 'too_many_steps', detail: `The service answered 206 ${maxSteps} times.`, status: 206 }
    : undefined

function progress({ body, retryAfter }: Answer, at: Standing, service: Service): Verdict {
  if (body.kind === 'large')
    return failed({ code: 'body_too_large', detail: 'The body of an answer 206 was larger than 1 MiB.', status: 206 })
  if (body.kind === 'text') return failed(badBody(body))
  const state = body.kind === 'empty' ? null : body.text
  const repeats = state === null || state === at.sent ? at.repeats + 1 : 0
  // The last answer 206 that a task may have is recorded like any other, so that a retry goes on after it.
  const wait = tooManySteps(at.steps + 1, service) ? 0 : (retryAfter ?? (repeats > 0 ? pollWait(repeats) : 0))
  return { kind: 'progress', state, repeats, wait }
}

function badBody({ text, why }: Body): Failure {
  const detail = `The body of an answer 206 was not JSON${why === undefined ? '' : `: ${why}`}.`
  return { code: 'bad_body', detail, status: 206, body: Buffer.from(text).subarray(0, ERROR_BODY).toString() }
}

function again(reply: Tried, at: Standing, service: Service, random: number): Verdict {
  const { retry, gate } = service
  const failure = failureOf(reply)
  const rests = reply.kind === 'answer' && [429, 503].includes(reply.status)
  const waits = reply.kind === 'answer' && (rests || isTriedAgain(reply.status, service))
  const asked = waits ? (reply.retryAfter ?? 0) : 0
  if (gate && rests && asked > 0) return { kind: 'gated', wait: asked, failure }
  const fails = at.fails + 1
  if (retry.attempts > 0 && fails >= retry.attempts) return failed(failure)
  return { kind: 'again', wait: Math.max(asked, backoff(retry, fails, random)), failure }
}

/** Whether a service wants a step to be tried again after this status, beyond what the table of answers says. */
const isTriedAgain = (status: number, { retry }: Service): boolean => retry.on?.includes(status) ?? false

/** The failure of a try that this node could not begin. */
const lacking = (detail: string): Failure => ({
  code: 'service_unavailable',
  detail: `This node could not open a connection for want of its own: ${detail}.`,
})

function failureOf(reply: Tried): Failure {
  if (reply.kind === 'timeout') return { code: 'timeout', detail: 'The service did not answer in time.' }
  if (reply.kind === 'unreachable')
    return { code: 'service_unavailable', detail: `The service could not be reached: ${reply.detail}.` }
  return answered('service_unavailable', `The service answered ${reply.status}.`, reply)
}
