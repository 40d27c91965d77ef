// The optional members of a task: one row a member, with what its value must be.
import { objectSchema, type Schema, textSchema } from '../core/json-schema.ts'
import { MAX_AHEAD_MS } from '../core/limits.ts'
import type { Fault } from '../core/refusal.ts'
import { ACTION, isAction, SERVICE_NAME } from '../core/service.ts'
import { LEVELS, type Level, type TaskOptions } from '../core/task.ts'
import { RFC_3339, timeOf } from '../core/time.ts'
import { DURATION_PATTERN, parseDuration, SOME_DURATION_PATTERN } from '../core/units.ts'
import { faultOfService, type Nameable, pointerTo } from './faults.ts'
import { PARAMETERS } from './parameters.ts'

const MOST_LABELS = 16
const LABEL_NAME = /^[A-Za-z0-9._-]{1,64}$/

/** A value that was read, or the faults in it, with pointers from the member on. */
type Read<T> = { readonly value: T } | { readonly faults: readonly (Fault & { readonly pointer: string })[] }

interface Option<T> {
  readonly expected: string
  /** What it does, for the OpenAPI document. */
  readonly meaning: string
  /** Accepts all that `read` accepts, and little more: no schema knows the clock, or which services there are. */
  readonly schema: Schema
  /** The value; undefined: it is not what is expected. */
  read(value: unknown, by: Nameable): T | undefined | Read<T>
}

/** Whether a text has so many characters, and none that Postgres or UTF-8 cannot hold. */
export const isText = (value: unknown, least: number, most: number): value is string =>
  typeof value === 'string' &&
  value.length >= least &&
  value.length <= 2 * most &&
  Array.from(value).length <= most &&
  !/[\ud800-\udfff]/u.test(value) &&
  !value.includes('\0')

const durationOf = (value: unknown): number | undefined =>
  typeof value === 'string' ? parseDuration(value) : undefined

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const OPTIONS = {
  delay: {
    expected: 'a duration from 0 to 366d, such as "15m"',
    meaning: 'The task is not due before so long from now.',
    schema: { type: 'string', pattern: DURATION_PATTERN },
    read: (value) => {
      const delay = durationOf(value)
      return delay !== undefined && delay <= MAX_AHEAD_MS ? delay : undefined
    },
  },
  runAt: {
    expected: 'a time of RFC 3339 with an offset, at most 366 days ahead, such as "2026-12-24T18:00:00+01:00"',
    meaning: 'The task is not due before this time; in the past: now. Not beside `delay`.',
    schema: { type: 'string', pattern: RFC_3339.source },
    read: (value) => {
      const at = typeof value === 'string' ? timeOf(value) : undefined
      return at !== undefined && at <= Date.now() + MAX_AHEAD_MS ? at : undefined
    },
  },
  priority: {
    expected: `one of ${Object.keys(LEVELS).join(', ')}`,
    meaning: 'Of one service high begins before normal, and normal before low.',
    schema: { type: 'string', enum: Object.keys(LEVELS) },
    read: (value) => (typeof value === 'string' && Object.hasOwn(LEVELS, value) ? (value as Level) : undefined),
  },
  deadline: {
    expected: 'a duration over 0, such as "2h"',
    meaning: 'The age at which the task fails, from when it is first due; in place of the deadline of the service.',
    schema: { type: 'string', pattern: SOME_DURATION_PATTERN },
    read: (value) => durationOf(value) || undefined,
  },
  labels: {
    expected: `an object of at most ${MOST_LABELS} labels`,
    meaning: 'To find and group tasks.',
    schema: {
      type: 'object',
      maxProperties: MOST_LABELS,
      propertyNames: { pattern: LABEL_NAME.source },
      additionalProperties: textSchema(0, 256),
    },
    read: (value) => {
      if (!isRecord(value) || Object.keys(value).length > MOST_LABELS) return undefined
      const faults = Object.entries(value).flatMap(([name, text]) =>
        LABEL_NAME.test(name) && isText(text, 0, 256)
          ? []
          : [
              {
                pointer: pointerTo(name),
                detail: LABEL_NAME.test(name)
                  ? 'The value of a label must be a string of at most 256 characters.'
                  : 'The name of a label must be 1 to 64 characters of A-Z a-z 0-9 . _ -',
              },
            ],
      )
      return faults.length > 0 ? { faults } : { value: value as Record<string, string> }
    },
  },
  unique: {
    expected: 'a string of 1 to 255 characters',
    meaning: 'While a task of the service with the same text has not ended, no second one is created.',
    schema: textSchema(1, 255),
    read: (value) => (isText(value, 1, 255) ? value : undefined),
  },
  callback: {
    expected: 'an object of `service` and `action`',
    meaning: 'The task that is created when this one ends. It names a service and an action.',
    schema: objectSchema({
      service: { type: 'string', pattern: SERVICE_NAME.source },
      action: { type: 'string', pattern: ACTION.source },
    }),
    read: (value, by) => {
      if (!isRecord(value) || Object.keys(value).sort().join() !== 'action,service') return undefined
      const { service, action } = value
      const faults = []
      const fault = faultOfService('/service', typeof service === 'string' ? service : '', by)
      if (fault !== undefined) faults.push(fault)
      if (typeof action !== 'string' || !isAction(action))
        faults.push({ pointer: '/action', detail: `\`action\` must be ${PARAMETERS.action.expected}.` })
      return faults.length > 0 ? { faults } : { value: { service: service as string, action: action as string } }
    },
  },
} as const satisfies { readonly [Name in keyof TaskOptions]-?: Option<NonNullable<TaskOptions[Name]>> }

export type OptionName = keyof typeof OPTIONS

export const isOption = (name: string): name is OptionName => Object.hasOwn(OPTIONS, name)

/** Reads one optional member. Adds its faults, with pointers from `pointer` on. */
export function readOption(name: OptionName, json: string, pointer: string, by: Nameable, faults: Fault[]): unknown {
  const option: Option<unknown> = OPTIONS[name]
  const read = option.read(JSON.parse(json), by)
  if (read === undefined) faults.push({ pointer, detail: `\`${name}\` must be ${option.expected}.` })
  if (!isRecord(read)) return read
  if ('faults' in read)
    for (const fault of (read as Extract<Read<unknown>, { faults: unknown }>).faults)
      faults.push({ ...fault, pointer: pointer + fault.pointer })
  return 'value' in read ? read.value : undefined
}
