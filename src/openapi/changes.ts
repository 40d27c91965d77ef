// The operations that change tasks: one, or all that match filters.
import { CREATED, KEYED, type Operation, type Operations, WRITES } from './operation.ts'

const LATER = { service: 'demo', action: 'echo', payload: { report: 'monthly' } }

/** A change of all tasks that match filters. */
const bulk = (
  verb: string,
  description: string,
  query: Record<string, string>,
): Pick<Operation, 'id' | 'tag' | 'summary' | 'description' | 'answers' | 'refusals' | 'examples'> => ({
  id: `${verb}Tasks`,
  tag: 'Changes of tasks',
  summary: `${verb.charAt(0).toUpperCase()}${verb.slice(1)} all tasks that match filters`,
  description:
    `${description} There must be at least one filter. A call looks at 10,000 rows at most, the oldest first; \`next\` goes on. ` +
    'A call that is cut off has done what it has done.',
  answers: { 200: { meaning: 'What was done.', body: 'Bulk' } },
  refusals: WRITES,
  examples: {
    labelled: {
      summary: 'The tasks with a label',
      query,
      status: 200,
      answer: { matched: 1, done: 1, next: null },
    },
  },
})

export const CHANGES: Operations = {
  'PATCH /tasks/:id': {
    id: 'changeTask',
    tag: 'Changes of tasks',
    summary: 'Change the time or the priority of a task that waits',
    description: 'Also of a task that waits to repeat a request: `"delay": "0"` is now.',
    headers: ['Prefer'],
    body: 'TaskChange',
    answers: {
      200: {
        meaning: 'The task as it now is.',
        body: 'ShownTask',
        headers: ['Preference-Applied'],
      },
    },
    refusals: [...WRITES, 'invalid_task', 'not_waiting'],
    examples: {
      later: {
        summary: 'Put a task off',
        path: '2',
        body: { delay: '2h', priority: 'high' },
        status: 200,
        answer: { location: '/tasks/2', ...LATER, status: 'pending' },
      },
    },
  },
  'DELETE /tasks/:id': {
    id: 'deleteTask',
    tag: 'Changes of tasks',
    summary: 'Delete a task, in every status',
    description: 'A request in flight is aborted. No request of the task begins later than 1 s after the answer.',
    answers: { 204: { meaning: 'The task is gone.' } },
    refusals: WRITES,
    examples: { one: { summary: 'Delete a task', path: '5', status: 204 } },
  },
  'POST /tasks/:id/cancel': {
    id: 'cancelTask',
    tag: 'Changes of tasks',
    summary: 'Cancel a task, and keep it',
    description: 'The task is `failed`, with the code `cancelled`. The times are those of a delete.',
    headers: ['Prefer'],
    answers: {
      200: {
        meaning: 'The task as it now is.',
        body: 'ShownTask',
        headers: ['Preference-Applied'],
      },
    },
    refusals: [...WRITES, 'already_ended'],
    examples: {
      waiting: {
        summary: 'Cancel a task that waits',
        path: '2',
        status: 200,
        answer: {
          location: '/tasks/2',
          ...LATER,
          status: 'failed',
          error: { code: 'cancelled', detail: 'The task was cancelled.' },
        },
      },
    },
  },
  'POST /tasks/:id/retry': {
    id: 'retryTask',
    tag: 'Changes of tasks',
    summary: 'Retry a task that has ended, as a new task',
    description:
      'The old task stays as it ended, and shows `retriedAs`. A failed task goes on at its step, with its state; a complete one ' +
      'begins anew. A task is retried once: a second request is answered with the same retry.',
    headers: ['Idempotency-Key', 'Prefer'],
    body: 'Retry',
    answers: CREATED,
    refusals: [
      ...KEYED,
      'invalid_task',
      'unknown_service',
      'not_ended',
      'no_such_state',
      'unique_taken',
      'unique_pending',
    ],
    examples: {
      edited: {
        summary: 'From the start, with another payload',
        path: '4',
        body: { from: 'start', payload: { again: true } },
        status: 302,
        answer: { location: '/tasks/7', service: 'demo', action: 'fail', payload: { again: true }, status: 'pending' },
      },
    },
  },
  'POST /tasks/cancel': bulk('cancel', 'The tasks are kept.', { 'label.customer': '18', status: 'pending,running' }),
  'POST /tasks/retry': bulk('retry', 'A task that has been retried is not retried again.', {
    'label.customer': '18',
    error: 'cancelled',
    rate: '20/s',
  }),
  'POST /tasks/delete': bulk('delete', 'In every status.', { 'label.customer': '17' }),
}
