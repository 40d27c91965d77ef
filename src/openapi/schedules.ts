// The operations of schedules.
import { CREATED, KEYED, type Operation, type Operations, READS, WRITES } from './operation.ts'

const TASK = { service: 'demo', action: 'echo', payload: { report: 'daily' } }
const NIGHTLY = { cron: '0 3 * * *', timezone: 'Europe/Berlin', task: TASK }
const NEXT = ['02:00', '02:00', '02:00', '02:00', '02:00'].map((hour, day) => `2026-11-${29 + day}T${hour}:00.000Z`)

/** A schedule as the API shows it. */
const shownAs = (name: string, paused = false, lastTask: string | null = null): object => ({
  name,
  ...NIGHTLY,
  overlap: 'allow',
  missed: 'one',
  paused,
  nextAt: NEXT[0],
  next: NEXT,
  lastAt: lastTask === null ? null : '2026-11-28T20:00:00.000Z',
  lastTask,
})

const change = (verb: 'pause' | 'resume', description: string): Operation => ({
  id: `${verb}Schedule`,
  tag: 'Schedules',
  summary: verb === 'pause' ? 'Pause a schedule' : 'Resume a schedule',
  description,
  answers: { 200: { meaning: 'The schedule as it now is.', body: 'Schedule' } },
  refusals: WRITES,
  examples: {
    one: {
      summary: verb === 'pause' ? 'Pause' : 'Resume',
      path: 'nightly',
      status: 200,
      answer: shownAs('nightly', verb === 'pause', '/tasks/9'),
    },
  },
})

export const SCHEDULES: Operations = {
  'PUT /schedules/:name': {
    id: 'putSchedule',
    tag: 'Schedules',
    summary: 'Create or replace a schedule',
    description:
      'There is one task for each time, however many nodes, within 2 s of it. The same `cron` and `timezone` keep `nextAt`. Without ' +
      '`paused` a pause ends. A time that the clock skips runs when the gap ends; one that comes twice runs once.',
    body: 'NewSchedule',
    answers: {
      200: { meaning: 'The schedule was replaced.', body: 'Schedule' },
      201: { meaning: 'The schedule was created.', body: 'Schedule', headers: ['Location'] },
    },
    refusals: [...WRITES, 'invalid_schedule', 'unknown_service'],
    examples: {
      nightly: {
        summary: 'Each night at three',
        path: 'nightly',
        body: NIGHTLY,
        status: 201,
        answer: shownAs('nightly'),
      },
      second: { summary: 'Another one', path: 'daily', body: NIGHTLY, status: 201, answer: shownAs('daily') },
    },
  },
  'GET /schedules/:name': {
    id: 'getSchedule',
    tag: 'Schedules',
    summary: 'Show a schedule',
    description: 'Of a paused schedule the times are those at which it would run if it were resumed now.',
    answers: { 200: { meaning: 'The schedule.', body: 'Schedule' } },
    refusals: READS,
    examples: { one: { summary: 'One', path: 'nightly', status: 200, answer: shownAs('nightly') } },
  },
  'DELETE /schedules/:name': {
    id: 'deleteSchedule',
    tag: 'Schedules',
    summary: 'Delete a schedule',
    description: 'The tasks that it has made stay.',
    answers: { 204: { meaning: 'The schedule is gone.' } },
    refusals: WRITES,
    examples: { one: { summary: 'One', path: 'daily', status: 204 } },
  },
  'GET /schedules': {
    id: 'listSchedules',
    tag: 'Schedules',
    summary: 'List schedules by name',
    description: 'A page ends early once it passes 8 MiB; `Link` leads on.',
    answers: { 200: { meaning: 'A page of schedules.', body: ['Schedule'], headers: ['Link'] } },
    refusals: READS,
    examples: { ten: { summary: 'Ten at most', query: { limit: '10' }, status: 200, answer: [shownAs('nightly')] } },
  },
  'POST /schedules/:name/run': {
    id: 'runSchedule',
    tag: 'Schedules',
    summary: 'Make the task of a schedule now',
    description: 'Whatever `overlap` and `paused` say. `nextAt` stays.',
    headers: ['Idempotency-Key', 'Prefer'],
    body: 'Nothing',
    answers: CREATED,
    refusals: [...KEYED, 'invalid_schedule', 'unknown_service'],
    examples: {
      now: {
        summary: 'Now',
        path: 'nightly',
        status: 302,
        answer: { location: '/tasks/9', ...TASK, status: 'pending' },
      },
    },
  },
  'POST /schedules/:name/pause': change('pause', 'Times during a pause are not missed.'),
  'POST /schedules/:name/resume': change('resume', 'The schedule goes on with its next time.'),
}
