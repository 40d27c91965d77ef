// The schema of the services file. The reader, the JSON Schema and the docs are made from it.
import { z } from 'zod'
import { RETENTION_DEFAULTS } from '../core/retention.ts'
import { ATTEMPT_LOGS, isAction, SERVICE_DEFAULTS, SERVICE_NAME } from '../core/service.ts'
import { CALLBACK_ON } from '../core/task.ts'
import { formatDuration } from '../core/units.ts'
import { faultOfUrl } from './address.ts'
import { faultOfHeader, HEADER_NAME, HEADER_VALUE_TYPE, RESERVED_HEADERS } from './headers.ts'
import { keySchema } from './keys.ts'
import { limit } from './limits.ts'
import { DAY_MS, duration, durationFrom, sentence, whole } from './members.ts'
import { signing } from './signing.ts'

/** The largest value of the `integer` columns that count steps and tries. */
const MAX_INTEGER_COLUMN = 2_147_483_647

const A_MAPPING = 'a mapping'

const STATUSES = 'a list of different whole numbers from 400 to 599'
const statuses = z
  .array(z.int(STATUSES).min(400, STATUSES).max(599, STATUSES), STATUSES)
  .refine((all) => new Set(all).size === all.length, STATUSES)

const retry = z
  .strictObject(
    {
      attempts: whole(
        0,
        MAX_INTEGER_COLUMN,
        SERVICE_DEFAULTS.retry.attempts,
        'Failed tries of one step until the task fails; 0: until the deadline.',
      ),
      backoff: duration(
        1,
        DAY_MS,
        SERVICE_DEFAULTS.retry.backoff,
        'The wait after the first failed try; it doubles after each.',
      ),
      maxBackoff: duration(1, DAY_MS, SERVICE_DEFAULTS.retry.maxBackoff, 'The longest wait between two tries.'),
      on: statuses.optional().meta({
        description: `Further answers that are tried again, with \`Retry-After\` where they have one. ${sentence(STATUSES)}`,
      }),
    },
    A_MAPPING,
  )
  .prefault({})
  .meta({
    description:
      'What happens when a try fails: refused, reset, timed out, or answered 408, 425, 429, 502, 503, 504 or a status of `on`.',
  })

const AN_ACTION = 'the name of an action'
const action = z.string(AN_ACTION).refine(isAction, AN_ACTION)

const callback = z
  .strictObject(
    {
      service: z
        .string('the name of a service of this file')
        .meta({ description: 'The service of that task, one of this file.' }),
      action: action.meta({ description: 'The action of that task.' }),
      on: z
        .enum(CALLBACK_ON, { error: `one of ${CALLBACK_ON.join(', ')}` })
        .prefault('end')
        .meta({ description: 'Whether every end counts (end), or only a failure (failed).' }),
    },
    A_MAPPING,
  )
  .optional()
  .meta({
    description: 'The task that is created when one of this service ends. The callback of a task itself comes first.',
  })

function kept(status: string) {
  const { read, meta } = durationFrom(
    0,
    3650 * DAY_MS,
    `How long ${status} tasks are kept from their end; 0: for ever.`,
  )
  return read.optional().meta(meta)
}

const retention = (description: string) =>
  z
    .strictObject({ complete: kept('complete'), failed: kept('failed') }, A_MAPPING)
    .optional()
    .meta({ description })

const url = z
  .string('an absolute URL in text')
  .superRefine((text, context) => {
    const message = faultOfUrl(text)
    if (message !== undefined) context.addIssue({ code: 'custom', message })
  })
  .meta({
    pattern: '^([Hh][Tt][Tt][Pp][Ss]?://|\\$\\{)[^#\\s\\\\]*$',
    description:
      'Where the requests go: http or https. {action}, in path or query, stands for the action; without it /{action} is appended to the path. No user, password or fragment.',
    examples: ['http://billing.internal:8080/tasks/{action}'],
  })

const headers = z
  .record(z.string(), z.unknown(), A_MAPPING)
  .transform((value, context) => {
    const names = Object.keys(value)
    for (const [index, name] of names.entries()) {
      const message = faultOfHeader(name, value[name], names.slice(0, index))
      if (message !== undefined) context.addIssue({ code: 'custom', path: [name], message })
    }
    return value as Record<string, string>
  })
  .prefault({})
  .meta({
    description:
      'Sent with every request; the values are secrets and never shown. Not the headers that task_api or HTTP sets.',
    additionalProperties: { type: 'string', description: sentence(HEADER_VALUE_TYPE) },
    propertyNames: { pattern: HEADER_NAME, not: { pattern: `^(${RESERVED_HEADERS.map(inAnyCase).join('|')})$` } },
  })

/** One service of the file; its name is its key. */
export const serviceSchema = z.strictObject(
  {
    url,
    timeout: duration(
      1,
      DAY_MS,
      SERVICE_DEFAULTS.timeout,
      'The time limit of one request, connecting and reading included.',
    ),
    concurrency: whole(1, 100_000, SERVICE_DEFAULTS.concurrency, 'Requests open at once, on one node.'),
    retry,
    maxSteps: whole(
      0,
      MAX_INTEGER_COLUMN,
      SERVICE_DEFAULTS.maxSteps,
      'Answers 206 of one task until it fails; 0: no limit.',
    ),
    deadline: duration(0, 3650 * DAY_MS, SERVICE_DEFAULTS.deadline, 'The age at which a task fails; 0: none.'),
    attemptLog: z
      .enum(ATTEMPT_LOGS, { error: `one of ${ATTEMPT_LOGS.join(', ')}` })
      .prefault(SERVICE_DEFAULTS.attemptLog)
      .meta({ description: 'Which tries of a task are kept: all but a plain 200 or 206 (failures), all, or none.' }),
    keepStates: whole(
      0,
      100_000,
      SERVICE_DEFAULTS.keepStates,
      'How many of the last states of a task are kept, to retry it from; needs attemptLog all.',
    ),
    onCancel: action
      .optional()
      .meta({ description: 'The action of a task that is created when one that had begun is cancelled or deleted.' }),
    callback,
    limit,
    gate: z
      .boolean('true or false')
      .prefault(SERVICE_DEFAULTS.gate)
      .meta({ description: 'Whether 429 or 503 with Retry-After stops all requests to the service until then.' }),
    pauseAfter: whole(
      0,
      1_000_000,
      SERVICE_DEFAULTS.pauseAfter,
      'After so many failed ends in a row the service is paused; 0: never.',
    ),
    signing,
    allowLinkLocal: z.boolean('true or false').prefault(SERVICE_DEFAULTS.allowLinkLocal).meta({
      description:
        'Whether the service may have a link-local address or that of a metadata service (169.254.0.0/16, fe80::/10, fd00:ec2::254).',
    }),
    retention: retention('How long ended tasks of the service are kept, each in place of what the file says.'),
    headers,
  },
  A_MAPPING,
)

/** The whole file. `$schema` is for editors. */
export const fileSchema = z.strictObject(
  {
    $schema: z.string('text').optional().meta({ description: 'For editors: where the JSON Schema of this file is.' }),
    retention: retention(
      `How long ended tasks are kept, then they are purged; also those of services that are not in the file. In a database made from this release on the defaults are ${formatDuration(RETENTION_DEFAULTS.complete)} and ${formatDuration(RETENTION_DEFAULTS.failed)}; in an older one what is not set is kept for ever.`,
    ),
    services: z.record(z.string(), serviceSchema, 'a mapping of services by name').meta({
      description: 'The target services by name; at least one.',
      minProperties: 1,
      propertyNames: { pattern: SERVICE_NAME.source },
    }),
    keys: z
      .record(z.string(), keySchema, 'a mapping of keys by name')
      .optional()
      .meta({
        description: 'The keys of callers by name. Without keys everybody may do everything.',
        minProperties: 1,
        propertyNames: { pattern: SERVICE_NAME.source },
      }),
  },
  'a mapping with `services`',
)

/** The JSON Schema (2020-12) of the services file, for editors. */
export function jsonSchema(): Record<string, unknown> {
  const { $schema, ...rest } = z.toJSONSchema(fileSchema, { io: 'input' })
  const title = {
    title: 'The services of task_api',
    description: '${NAME} in any text is replaced from the environment.',
  }
  return { $schema, ...title, ...rest }
}

function inAnyCase(name: string): string {
  return name.replaceAll(/[A-Za-z]/g, (letter) => `[${letter.toUpperCase()}${letter.toLowerCase()}]`)
}
