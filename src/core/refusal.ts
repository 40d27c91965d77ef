// Why the API refuses a request: one row a code, and the error that carries it. `docs/errors.md` is printed from this table.

export const REFUSALS = {
  malformed_json: { status: 400, title: 'The body is not JSON', meaning: 'The body is not JSON text in UTF-8.' },
  too_deep: { status: 400, title: 'The body is nested too deeply', meaning: 'More than 512 containers deep.' },
  invalid_task: {
    status: 400,
    title: 'The task is not valid',
    meaning: '`errors` names each fault with its JSON Pointer.',
  },
  invalid_schedule: {
    status: 400,
    title: 'The schedule is not valid',
    meaning: '`errors` names each fault with its JSON Pointer.',
  },
  invalid_service: {
    status: 400,
    title: 'The change of the service is not valid',
    meaning: '`errors` names each fault with its JSON Pointer.',
  },
  unknown_service: {
    status: 400,
    title: 'The service is not registered',
    meaning: "The service is not in this node's configuration.",
  },
  invalid_parameter: {
    status: 400,
    title: 'A query parameter is not valid',
    meaning: '`errors` names each fault with its parameter.',
  },
  invalid_idempotency_key: {
    status: 400,
    title: 'The `Idempotency-Key` is not valid',
    meaning: '`Idempotency-Key` must be 1 to 255 visible ASCII characters without `"` and `\\`, bare or in quotes.',
  },
  bad_request: { status: 400, title: 'The request is not valid HTTP', meaning: 'The request could not be parsed.' },
  unauthorized: {
    status: 401,
    title: 'A key is needed',
    meaning: 'The request has no key, or one that does not count. Send `Authorization: Bearer tk_…`.',
  },
  not_allowed: {
    status: 403,
    title: 'The key does not allow this',
    meaning:
      'The key lacks the scope, or is not for the service. `errors` names the member or parameter, where there is one.',
  },
  not_found: {
    status: 404,
    title: 'Not found',
    meaning: 'No such path, task, schedule or service: never created, deleted, or not known.',
  },
  method_not_allowed: { status: 405, title: 'Method not allowed', meaning: '`Allow` names the methods of the path.' },
  too_slow: { status: 408, title: 'The request took too long', meaning: 'Headers or body did not arrive in time.' },
  already_ended: { status: 409, title: 'The task has ended', meaning: 'A task that has ended cannot be cancelled.' },
  not_ended: { status: 409, title: 'The task has not ended', meaning: 'Only a task that has ended can be retried.' },
  no_such_state: {
    status: 409,
    title: 'There is no state of this step',
    meaning: 'The task has no state of that step: it never came so far, or `keepStates` did not keep it.',
  },
  not_waiting: { status: 409, title: 'The task does not wait', meaning: 'The task runs, or has ended.' },
  unique_taken: {
    status: 409,
    title: 'Another task has this `unique`',
    meaning: 'A task of this service with the same `unique` has not ended. A key with `own` is not told which.',
  },
  idempotency_in_progress: {
    status: 409,
    title: 'The first request with this key is under way',
    meaning: 'A POST with this `Idempotency-Key` has not been answered yet. Try again after `Retry-After`.',
    retryAfter: true,
  },
  no_services_file: {
    status: 409,
    title: 'There is no services file',
    meaning: 'The node was started without a services file, or with a pipe in its place.',
  },
  unique_pending: {
    status: 409,
    title: 'Another transaction holds this `unique`',
    meaning: 'An open transaction is creating a task with this `unique`. Try again after `Retry-After`.',
    retryAfter: true,
  },
  body_too_large: {
    status: 413,
    title: 'The body is too large',
    meaning: 'The body is over 1 MiB, or a batch over 8 MiB.',
  },
  not_json: {
    status: 415,
    title: 'The body is not declared as JSON',
    meaning: '`Content-Type` must be `application/json`, with no content encoding.',
  },
  idempotency_mismatch: {
    status: 422,
    title: 'The key belongs to another body',
    meaning: 'A POST with this `Idempotency-Key` had another body.',
  },
  invalid_services: {
    status: 422,
    title: 'The services file is not valid',
    meaning: '`errors` names each fault with its path in the file. The services stay as they are.',
  },
  quota_exceeded: {
    status: 429,
    title: 'The quota of the key is used up',
    meaning:
      'Nothing was created: the key creates too many tasks, or too many of its tasks wait. Try again after `Retry-After`.',
    retryAfter: true,
  },
  headers_too_large: {
    status: 431,
    title: 'The headers are too large',
    meaning: 'The headers are over 16 KiB, or there are more than 64.',
  },
  internal: {
    status: 500,
    title: 'Something went wrong here',
    meaning: 'A fault of task_api; the log has the details.',
  },
  unavailable: {
    status: 503,
    title: 'Postgres cannot be reached',
    meaning: 'Nothing was created or changed. Try again after `Retry-After`.',
    retryAfter: true,
  },
  outcome_unknown: {
    status: 503,
    title: 'The outcome is unknown',
    meaning: 'The connection to Postgres broke during the commit: the task may exist.',
    retryAfter: true,
  },
} as const satisfies Record<string, { status: number; title: string; meaning: string; retryAfter?: true }>

export type RefusalCode = keyof typeof REFUSALS

/** One fault of the input: of the body, by JSON Pointer (RFC 6901), of the query, by its parameter, or of the services file, by its path. */
export type Fault =
  | { readonly pointer: string; readonly detail: string }
  | { readonly parameter: string; readonly detail: string }
  | { readonly path: string; readonly line?: number; readonly detail: string }

/** An expected refusal: a caller's fault, or Postgres cannot be reached. Any other error is a bug of task_api. */
export class Refusal extends Error {
  readonly code: RefusalCode
  readonly faults: readonly Fault[]
  /** Seconds after which to try again, where the code has them. */
  readonly retryAfter: number

  constructor(code: RefusalCode, detail: string, faults: readonly Fault[] = [], retryAfter = 1) {
    super(detail)
    this.name = 'Refusal'
    this.code = code
    this.faults = faults
    this.retryAfter = retryAfter
  }

  /** The HTTP status of the answer. */
  get status(): number {
    return REFUSALS[this.code].status
  }
}
