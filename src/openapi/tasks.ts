// The operations that create tasks and tell of them.
import { CREATED, KEYED, type Operations, READS } from './operation.ts'

const HELLO = { service: 'demo', action: 'echo', payload: { text: 'hello' } }
const LATER = { service: 'demo', action: 'echo', payload: { report: 'monthly' } }
const LATER_OPTIONS = { delay: '1h', priority: 'low', labels: { customer: '17' }, unique: 'report-17' }
const COUNT = { service: 'demo', action: 'count', payload: { to: 3 } }
const OTHER = { service: 'demo', action: 'echo', delay: '1h', labels: { customer: '18' } }
const TIME = '2026-11-28T20:00:00.000Z'
const FAILED = {
  code: 'service_error',
  detail: 'The service answered 500.',
  status: 500,
  body: '{"error":"this action always fails"}',
}

/** What `GET /tasks/:id?view=full` and the events tell of a task beside its end. */
const FULL = {
  createdAt: TIME,
  startedAt: TIME,
  finishedAt: TIME,
  runAt: null,
  step: 0,
  attempt: 1,
  fails: 0,
  lastError: FAILED,
  state: null,
  resultOmitted: null,
  priority: 'normal',
  deadlineAt: TIME,
  unique: null,
  caller: null,
  retryOf: null,
  retriedAs: null,
  callbackOf: null,
  schedule: null,
  labels: null,
  callback: null,
}

export const TASKS: Operations = {
  'POST /tasks': {
    id: 'createTask',
    tag: 'Tasks',
    summary: 'Create a task',
    description:
      'The task is committed before the answer. Clients that follow redirects read the task next; others ask for ' +
      '`Prefer: return=representation`. After `outcome_unknown` or a broken connection, a repeat with the same ' +
      '`Idempotency-Key` creates nothing twice.',
    headers: ['Idempotency-Key', 'Prefer'],
    body: 'NewTask',
    answers: CREATED,
    refusals: [...KEYED, 'invalid_task', 'unknown_service', 'unique_pending', 'not_found'],
    examples: {
      plain: {
        summary: 'A task that begins at once',
        body: HELLO,
        status: 302,
        answer: { location: '/tasks/1', ...HELLO, status: 'pending' },
      },
      later: {
        summary: 'A task that begins in an hour, once for each customer',
        headers: { 'Idempotency-Key': 'report-17-11' },
        body: { ...LATER, ...LATER_OPTIONS },
        status: 302,
        answer: { location: '/tasks/2', ...LATER, status: 'pending' },
      },
      waited: {
        summary: 'Submit and wait for the end',
        query: { wait: '30s' },
        headers: { Prefer: 'return=representation' },
        body: COUNT,
        status: 201,
        answer: { location: '/tasks/3', ...COUNT, status: 'complete', result: { from: 3, to: 3 } },
      },
      refused: {
        summary: 'A task that is not valid',
        body: { service: 'demo' },
        status: 400,
        answer: {
          type: 'urn:problem-type:task_api:invalid_task',
          title: 'The task is not valid',
          status: 400,
          detail: '`action` is missing.',
          code: 'invalid_task',
          errors: [{ pointer: '/action', detail: '`action` is missing.' }],
        },
      },
    },
  },
  'GET /tasks': {
    id: 'listTasks',
    tag: 'Tasks',
    summary: 'List tasks, the newest first',
    description:
      'Filters are and-ed. A page ends early once it passes 8 MiB, and looks at 10,000 rows at most. So it may hold fewer tasks ' +
      'than `limit`, even none, while `Link` leads on.',
    answers: { 200: { meaning: 'A page of tasks.', body: ['ShownTask'], headers: ['Link'] } },
    refusals: READS,
    examples: {
      labelled: {
        summary: 'The tasks with a label',
        query: { limit: '10', 'label.customer': '17' },
        status: 200,
        answer: [{ location: '/tasks/2', ...LATER, status: 'pending' }],
      },
      brief: {
        summary: 'Failed tasks in brief',
        query: { limit: '1', status: 'failed', view: 'brief' },
        status: 200,
      },
    },
  },
  'POST /tasks/batch': {
    id: 'createTasks',
    tag: 'Tasks',
    summary: 'Create up to 1,000 tasks in one commit',
    description: 'All are created, or none. The body has 8 MiB at most, and one task 1 MiB.',
    headers: ['Idempotency-Key'],
    body: 'NewTasks',
    answers: {
      201: { meaning: 'The locations, in order.', body: ['CreatedTask'], headers: ['Idempotency-Replayed'] },
    },
    refusals: [...KEYED, 'invalid_task', 'unknown_service', 'unique_pending'],
    examples: {
      three: {
        summary: 'Three tasks',
        body: [{ service: 'demo', action: 'fail' }, HELLO, OTHER],
        status: 201,
        answer: [{ location: '/tasks/4' }, { location: '/tasks/5' }, { location: '/tasks/6' }],
      },
    },
  },
  'GET /tasks/:id': {
    id: 'getTask',
    tag: 'Tasks',
    summary: 'Show a task',
    description:
      'With `wait` the answer comes once the task has ended, or with the task as it is when the time is over.',
    headers: ['Prefer'],
    answers: { 200: { meaning: 'The task.', body: 'ShownTask', headers: ['Preference-Applied'] } },
    refusals: READS,
    examples: {
      complete: {
        summary: 'A task with its result',
        path: '1',
        query: { wait: '30s' },
        status: 200,
        answer: { location: '/tasks/1', ...HELLO, status: 'complete', result: { text: 'hello' } },
      },
      full: {
        summary: 'All members of a failed task',
        path: '4',
        query: { view: 'full', wait: '30s' },
        status: 200,
        answer: {
          location: '/tasks/4',
          service: 'demo',
          action: 'fail',
          payload: {},
          status: 'failed',
          error: FAILED,
          ...FULL,
        },
      },
    },
  },
  'GET /tasks/:id/attempts': {
    id: 'listAttempts',
    tag: 'Tasks',
    summary: 'List the tries of a task, the oldest first',
    description: '`attemptLog` of the service says which tries are kept: by default all but a plain 200 or 206.',
    answers: { 200: { meaning: 'A page of tries.', body: ['Attempt'], headers: ['Link'] } },
    refusals: READS,
    examples: {
      failed: {
        summary: 'The one try of a failed task',
        path: '4',
        status: 200,
        answer: [
          {
            step: 0,
            attempt: 1,
            startedAt: TIME,
            ms: 3,
            node: 'host:3000',
            outcome: '500',
            detail: FAILED.detail,
            waitMs: null,
            body: FAILED.body,
          },
        ],
      },
    },
  },
  'GET /tasks/:id/explain': {
    id: 'explainTask',
    tag: 'Tasks',
    summary: 'Say why a task is not running, or what it does',
    description: 'A read of Postgres, as of the last beats of the nodes.',
    answers: { 200: { meaning: 'The reasons.', body: 'Explanation' } },
    refusals: READS,
    examples: {
      delayed: {
        summary: 'A task that is not due yet',
        path: '2',
        status: 200,
        answer: { state: 'waiting', reasons: [{ code: 'delayed', detail: 'The task is not due yet.', until: TIME }] },
      },
    },
  },
  'GET /tasks/:id/events': {
    id: 'streamTask',
    tag: 'Tasks',
    summary: 'Follow a task: server-sent events',
    description:
      'The full view is an event `task`, now and whenever it has changed; `ended` or `deleted` is the last. A comment comes every ' +
      '15 s. A stream that ends without `ended` or `deleted` has more to tell: come back with `Last-Event-ID`.',
    headers: ['Last-Event-ID'],
    answers: {
      200: { meaning: 'The stream.', body: { type: 'string' }, type: 'text/event-stream' },
      204: { meaning: 'The task had ended before, and the caller has heard of it.' },
    },
    refusals: READS,
    examples: {
      ended: {
        summary: 'A task that has ended',
        path: '3',
        status: 200,
        answer: `event: task\nid: 1\ndata: ${JSON.stringify({
          location: '/tasks/3',
          ...COUNT,
          status: 'complete',
          result: { from: 3, to: 3 },
          ...FULL,
          step: 2,
          lastError: null,
          state: { from: 2, to: 3 },
        })}\n\nevent: ended\nid: 1\ndata: {"location":"/tasks/3","status":"complete"}\n\n`,
      },
    },
  },
}
