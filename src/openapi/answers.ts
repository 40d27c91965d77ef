// The schemas of what the API answers.
import { REASONS } from '../core/explain.ts'
import { FAILURES } from '../core/failures.ts'
import type { Schema } from '../core/json-schema.ts'
import { SCOPES } from '../core/key.ts'
import { REFUSALS } from '../core/refusal.ts'
import { CALLBACK_ON, LEVELS, STATUSES } from '../core/task.ts'
import { BASE, ofSchedule, PAYLOAD, SCHEDULE_TASK, scheduleOptions } from './bodies.ts'
import { anything, described, listOf, location, number, oneOf, orNull, refTo, shown, text, time } from './words.ts'

const ENDS = {
  result: anything('Of a complete task: the body of the last answer of the service. Absent where it was empty.'),
  error: described('Of a failed task: why it failed.', refTo('Failure')),
}
const TASK = {
  location: location('The path of the task. The id is a decimal of 64 bits.'),
  service: text('The service.'),
  action: text('The action.'),
  payload: anything('The payload as it was given.'),
  status: oneOf('The status.', Object.keys(STATUSES)),
}
const FULL = {
  createdAt: time('When it was created.'),
  startedAt: orNull(time('When a node first began it.')),
  finishedAt: orNull(time('When it ended.')),
  runAt: orNull(time('When its next request is due.')),
  step: number('How many answers 206 it has had.'),
  attempt: number('The number of the try of this step.'),
  fails: number('Failed tries of this step.'),
  lastError: described('Why the last try failed.', { oneOf: [refTo('Failure'), { type: 'null' }] }),
  state: anything('The payload of the next request, where it is not the original.'),
  resultOmitted: described('`true`: the result was over 1 MiB, and is not kept.', { type: ['boolean', 'null'] }),
  priority: oneOf('The level.', Object.keys(LEVELS)),
  deadlineAt: orNull(time('When it fails for its age.')),
  unique: orNull(text('Its `unique`.')),
  caller: orNull(text('Who has submitted it.')),
  retryOf: orNull(location('The task of which it is the retry.')),
  retriedAs: orNull(location('Its retry.')),
  callbackOf: orNull(location('The task whose callback it is.')),
  schedule: orNull(text('The schedule that has made it.')),
  labels: described('Its labels.', { type: ['object', 'null'], additionalProperties: { type: 'string' } }),
  callback: described('The task that is created when it ends.', {
    oneOf: [
      shown({ service: text('The service.'), action: text('The action.') }, { on: oneOf('Which ends.', CALLBACK_ON) }),
      { type: 'null' },
    ],
  }),
}
const { payload: _payload, ...BRIEF_TASK } = TASK
const {
  state: _state,
  resultOmitted: _omitted,
  deadlineAt: _deadline,
  unique: _unique,
  callback: _callback,
  ...BRIEF
} = FULL

const COUNT = (what: string): Schema =>
  described(`${what} Counted to 1,000; beyond that it is \`"1000+"\`.`, {
    oneOf: [{ type: 'integer', minimum: 0 }, { const: '1000+' }],
  })

const TIMES = (what: string): Schema =>
  described(
    `${what}, ms; null: nothing was counted.`,
    shown({
      p50: orNull({ ...number('The median.'), type: 'number' }),
      p95: orNull({ ...number('95 of 100 are below.'), type: 'number' }),
    }),
  )

export const ANSWERS = {
  Task: shown(TASK, ENDS),
  FullTask: shown({ ...TASK, ...FULL }, ENDS),
  BriefTask: shown({ ...BRIEF_TASK, ...BRIEF, lastError: { oneOf: [refTo('BriefFailure'), { type: 'null' }] } }),
  BriefFailure: shown(
    { code: oneOf('The reason.', Object.keys(FAILURES)), detail: text('The reason in words.') },
    { status: { ...number('The status of the last answer.') } },
  ),
  ShownTask: described('With `view=full` all members, with `view=brief` those that are short.', {
    anyOf: [refTo('FullTask'), refTo('BriefTask'), refTo('Task')],
  }),
  Failure: shown(
    { code: oneOf('The reason.', Object.keys(FAILURES)), detail: text('The reason in words.') },
    {
      status: { ...number('The status of the last answer.') },
      body: text('The first 64 KiB of the last answer.'),
    },
  ),
  CreatedTask: shown(
    { location: TASK.location },
    { existing: described('`true`: the task had been there.', { const: true }) },
  ),
  Bulk: shown({
    matched: number('Tasks that match the filters.'),
    done: number('Tasks that were changed.'),
    next: described('The path that goes on; null: this was all.', { type: ['string', 'null'] }),
  }),
  Attempt: shown({
    step: number('The step.'),
    attempt: number('The number of the try of this step.'),
    startedAt: time('When the request began.'),
    ms: number('How long it took.'),
    node: orNull(text('The node that sent it.')),
    outcome: text('The status of the answer, or a word such as `timeout`, `refused`, `reset`, `lost`.'),
    detail: orNull(text('What went wrong.')),
    waitMs: described('The wait before the next try.', { type: ['number', 'null'] }),
    body: orNull(text('The first 4 KiB of an answer that was not plain.')),
  }),
  Explanation: shown({
    state: oneOf('What the task does.', ['waiting', 'running', 'ended']),
    reasons: listOf(
      'Why.',
      shown({
        code: oneOf('The reason.', Object.keys(REASONS)),
        detail: text('The reason in words.'),
        until: orNull(time('Until when; null: not known.')),
      }),
    ),
  }),
  Schedule: shown({
    name: text('The name.'),
    cron: text('The cron expression.'),
    timezone: text('The zone of its fields.'),
    task: described(SCHEDULE_TASK, shown(BASE, { ...PAYLOAD, ...ofSchedule })),
    overlap: scheduleOptions.overlap,
    missed: scheduleOptions.missed,
    paused: described('Whether it is paused.', { type: 'boolean' }),
    nextAt: orNull(time('The next time.')),
    next: listOf('The next five times, of which `nextAt` is the first.', { type: 'string', format: 'date-time' }),
    lastAt: orNull(time('The time for which the last task was made.')),
    lastTask: orNull(location('The newest task that is there.')),
  }),
  Node: shown({
    name: text('The name: host and port.'),
    version: orNull(text('Its release.')),
    since: orNull(time('Since when it runs.')),
    beat: orNull(time('When it last extended its lease.')),
    slots: orNull(number('Tasks that it may have in hand.')),
    running: orNull(number('Tasks that it has in hand.')),
    services: listOf('The services that it knows.', { type: 'string' }),
  }),
  Minute: shown({
    minute: time('When the minute began.'),
    service: text('The service.'),
    created: number('Tasks that were created.'),
    complete: number('Tasks that were completed.'),
    failed: number('Tasks that failed.'),
    queueMs: TIMES('From when tasks were due until they began'),
    requestMs: TIMES('Of requests'),
  }),
  FailureGroup: shown({
    service: TASK.service,
    action: TASK.action,
    code: text('The reason.'),
    status: orNull(number('The status of the last answer; null: there was none.')),
    message: text(
      'How the last answer began, or the detail of the error: 200 characters, with `#` for each number and id.',
    ),
    kind: text('The value of the filter `kind` for these tasks, with those of other services and actions.'),
    count: number('How many tasks.'),
    first: time('When the first of them ended.'),
    last: time('When the last of them ended.'),
    task: location('The newest of them.'),
  }),
  Caller: shown({
    name: orNull(text('The name of the key; null: there are no keys.')),
    scopes: listOf('What it may do.', { type: 'string', enum: Object.keys(SCOPES) }),
    services: described('The services that it is for; null: all.', {
      type: ['array', 'null'],
      items: { type: 'string' },
    }),
    own: described('Whether it is for the tasks and schedules of its own name alone.', { type: 'boolean' }),
    version: text('The release of the node.'),
  }),
  Service: shown({
    name: text('The name.'),
    url: orNull(text('Its URL, without its query; null: only other nodes know it.')),
    paused: described('Null: it is not paused.', {
      oneOf: [
        shown({ since: time('Since when.'), by: orNull(text('By whom.')), reason: orNull(text('Why.')) }),
        { type: 'null' },
      ],
    }),
    gatedUntil: orNull(time('Until when an answer has stopped its requests.')),
    concurrency: orNull(number('Requests open at once on one node; null: only other nodes know it.')),
    limit: described('What counts over all nodes.', { oneOf: [refTo('Limit'), { type: 'null' }] }),
    rate: orNull(text('The rate of the limit.')),
    running: COUNT('Tasks that nodes run.'),
    waiting: COUNT("Tasks that are due, and nobody's."),
    delayed: COUNT('Tasks that are not due yet.'),
    retrying: COUNT('Those of them that wait to repeat a request that failed.'),
    oldestSeconds: orNull(number('For how long the longest waiting task has been due.')),
    lastHour: described(
      'What its tasks came to in the last 60 minutes.',
      shown({ complete: number('Complete.'), failed: number('Failed.') }),
    ),
    nodes: listOf('The live nodes that know it.', { type: 'string' }),
  }),
  ServiceChanges: shown({
    added: listOf('Names of services.', { type: 'string' }),
    changed: listOf('Names of services.', { type: 'string' }),
    removed: listOf('Names of services.', { type: 'string' }),
  }),
  Life: shown({ status: described('The process serves.', { const: 'up' }) }),
  Readiness: shown({
    status: oneOf('`degraded`: without Redis, and everything still works.', [
      'ready',
      'degraded',
      'unavailable',
      'draining',
    ]),
    postgres: oneOf('Whether Postgres answers and takes writes.', ['up', 'down']),
    queue: shown({
      kind: oneOf('Which queue.', ['redis', 'memory']),
      status: oneOf('`limited`: a command is refused.', ['up', 'limited', 'down']),
    }),
  }),
  Front: shown({
    about: text('What this is.'),
    paths: described('Where to go on.', { type: 'object', additionalProperties: { type: 'string' } }),
    docs: text('Where the documentation is.'),
  }),
  Problem: shown(
    {
      type: text('`urn:problem-type:task_api:` and the code.'),
      title: text('The same for each code.'),
      status: described('That of the answer.', { type: 'integer', minimum: 400, maximum: 599 }),
      detail: text('What is wrong this time. Of a 5xx it is the same each time.'),
      code: oneOf('Stable: what programs go by.', Object.keys(REFUSALS)),
    },
    { errors: listOf('Each fault of the input; the first 100.', refTo('Fault')) },
  ),
  Fault: shown(
    { detail: text('What is wrong.') },
    {
      pointer: text('Of a body: the place, as a JSON Pointer (RFC 6901).'),
      parameter: text('Of a query: the parameter.'),
      path: text('Of the services file: the place.'),
      line: number('Of the services file: the line.'),
    },
  ),
} satisfies Record<string, Schema>
