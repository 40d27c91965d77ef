// Why a task failed: one row a code. `docs/errors.md` is printed from this table.

export const FAILURES = {
  service_error: 'The service answered 500, or anything else that neither the table of answers nor `retry.on` names.',
  redirect: 'The service answered 3xx. Redirects are never followed.',
  timeout: "Every try failed, the last one at the service's `timeout`.",
  service_unavailable:
    'Every try failed: refused, reset, or answered 408, 425, 429, 502, 503, 504 or a status of `retry.on`.',
  too_many_steps: 'The service answered 206 `maxSteps` times.',
  deadline_exceeded: 'The task grew older than its `deadline`, or that of its service.',
  unknown_service: 'No live node has known the service for 60 s.',
  crashed: 'The task killed the thread or the node that ran it, again and again or when run alone.',
  bad_body: 'The body of an answer 206 was not JSON.',
  body_too_large: 'The body of an answer 206 was larger than 1 MiB.',
  cancelled: 'Somebody cancelled the task.',
  cannot_decrypt:
    'What the task was to send cannot be decrypted: the node lacks its key, or the text was altered in Postgres.',
} as const

export type FailureCode = keyof typeof FAILURES

/** What a failed task shows as its `error`. `status` and `body` are those of the last answer, where there was one. */
export interface Failure {
  readonly code: FailureCode
  readonly detail: string
  readonly status?: number
  /** At most the first 64 KiB of the answer's body, as text. */
  readonly body?: string
}

/** The end of a task that lost its node or thread too often. */
export const crashed = (times: number): Failure => ({
  code: 'crashed',
  detail: `The task lost its node or thread ${times} times without progress.`,
})

/** The end of a task whose service nobody knows. */
export const unknownService: Failure = {
  code: 'unknown_service',
  detail: 'No live node has known the service of this task for a minute.',
}

/** The end of a task whose payload or state cannot be decrypted. */
export const cannotDecrypt: Failure = {
  code: 'cannot_decrypt',
  detail:
    'The body of the next request cannot be decrypted: ENCRYPTION_KEYS lacks its key, or it was altered in Postgres.',
}

/** The end of a task that was cancelled. */
export const cancelled: Failure = { code: 'cancelled', detail: 'The task was cancelled.' }

/** The end of a task that grew older than the deadline of its service, or than its own; ms. */
export const deadlineExceeded = (ofService: number, own: number | null = null): Failure => ({
  code: 'deadline_exceeded',
  detail: `The task grew older than ${own === null ? 'the deadline of its service' : 'its deadline'} (${own ?? ofService} ms).`,
})
