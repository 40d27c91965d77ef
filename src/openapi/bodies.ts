// The schemas of what callers write, from the tables by which it is read.
import { FROM_SCHEMA } from '../api/changes.ts'
import { OPTIONS } from '../api/options.ts'
import { MEMBERS, NOT_OF_A_SCHEDULE } from '../api/schedule-body.ts'
import { MAX_REASON } from '../api/services.ts'
import { objectSchema, type Schema, textSchema } from '../core/json-schema.ts'
import { LIMIT_SCHEMA } from '../core/limit.ts'
import { MAX_BATCH } from '../core/limits.ts'
import { ACTION, SERVICE_NAME } from '../core/service.ts'
import { anything, described, refTo } from './words.ts'

/** The optional members of a task as callers write them. */
const options = Object.fromEntries(
  Object.entries(OPTIONS).map(([name, { meaning, expected, schema }]) => [
    name,
    described(`${meaning} Must be ${expected}.`, schema),
  ]),
)
const { delay, runAt, priority } = options

/** What every task has, as callers write it. */
export const BASE = {
  service: described('The name of a service in the services file.', { type: 'string', pattern: SERVICE_NAME.source }),
  action: described('What the service is to do; the last part of its URL.', { type: 'string', pattern: ACTION.source }),
}
export const PAYLOAD = {
  payload: anything('Any JSON, kept to the byte and sent to the service; absent: `{}`. At most 512 containers deep.'),
}
/** Only one of these two may be given. */
const ONE_TIME = { not: { required: ['delay', 'runAt'] } }

/** The options that the task of a schedule may have. */
export const ofSchedule: Schema = Object.fromEntries(
  Object.entries(options).filter(([name]) => !NOT_OF_A_SCHEDULE.includes(name)),
)
export const { cron, ...scheduleOptions } = Object.fromEntries(
  Object.entries(MEMBERS).map(([name, row]) => {
    const preset = 'fallback' in row ? { default: row.fallback } : {}
    return [name, { ...described(`${row.meaning} Must be ${row.expected}.`, row.schema), ...preset }]
  }),
)
export const SCHEDULE_TASK = 'What is made at each time: a task without `unique`, `delay` and `runAt`.'

export const BODIES = {
  NewTask: { ...objectSchema(BASE, { ...PAYLOAD, ...options }), ...ONE_TIME },
  NewTasks: { type: 'array', items: refTo('NewTask'), minItems: 1, maxItems: MAX_BATCH },
  TaskChange: { ...objectSchema({}, { delay, runAt, priority }), ...ONE_TIME, minProperties: 1 },
  Retry: objectSchema(
    {},
    {
      from: described('Where the retry begins: where the task failed, at its start, or at a step.', FROM_SCHEMA),
      payload: anything('What the first request carries; absent: what the step of the old task carried.'),
      delay,
    },
  ),
  NewSchedule: objectSchema(
    {
      cron,
      task: described(SCHEDULE_TASK, objectSchema(BASE, { ...PAYLOAD, ...ofSchedule })),
    },
    scheduleOptions,
  ),
  Limit: described('At least one of `concurrency` and `rate`; `burst` only with `rate`.', LIMIT_SCHEMA),
  ServiceChange: objectSchema({
    limit: described("In place of the file's, over all nodes; null: the file's counts.", {
      oneOf: [refTo('Limit'), { type: 'null' }],
    }),
  }),
  Pause: objectSchema({}, { reason: described('Why, for people.', textSchema(0, MAX_REASON)) }),
  Nothing: described('There are no members.', { type: 'object', additionalProperties: false }),
} satisfies Record<string, Schema>
