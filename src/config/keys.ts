// The schema of a key in the services file.
import { z } from 'zod'
import { expiryOf, type Scope, SCOPES } from '../core/key.ts'
import { SERVICE_NAME } from '../core/service.ts'
import { quota } from './limits.ts'

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`

const A_HASH = 'sha256: and 64 hexadecimal digits, the SHA-256 of a token'
const HASH = /^sha256:([0-9A-Fa-f]{64})$/

/** The digits of a hash as the file has it; undefined for anything else. */
export const digitsOf = (value: unknown): string | undefined =>
  typeof value === 'string' ? HASH.exec(value)?.[1]?.toLowerCase() : undefined

const hashText = { type: 'string', pattern: `${HASH.source}|\\$\\{` }

const hash = z
  .unknown()
  .transform((value, context) => {
    const listed = Array.isArray(value)
    const all: readonly unknown[] = listed ? value : [value]
    if (all.length === 0) context.addIssue({ code: 'custom', message: 'at least one hash' })
    return all.map((one, index) => {
      const digits = digitsOf(one)
      if (digits === undefined) context.addIssue({ code: 'custom', path: listed ? [index] : [], message: A_HASH })
      return digits ?? ''
    })
  })
  .meta({
    anyOf: [hashText, { type: 'array', minItems: 1, items: hashText }],
    description: `The hash of the token, or a list: each of its tokens counts. ${sentence(A_HASH)}`,
  })

/** A list of different values, at least one. */
const listOf = <T extends z.ZodType>(item: T, expected: string) =>
  z
    .array(item, expected)
    .min(1, expected)
    .refine((all) => new Set(all).size === all.length, expected)

const SOME_SCOPES = `a list of different scopes, at least one of ${Object.keys(SCOPES).join(', ')}`
const scopes = listOf(z.enum(Object.keys(SCOPES) as Scope[], { error: SOME_SCOPES }), SOME_SCOPES).meta({
  description: `What its caller may do. ${sentence(SOME_SCOPES)}`,
})

const SOME_SERVICES = 'a list of different services of this file, at least one'
const services = listOf(z.string(SOME_SERVICES).meta({ pattern: SERVICE_NAME.source }), SOME_SERVICES)
  .optional()
  .meta({ description: `The services that it is for; by default all. ${sentence(SOME_SERVICES)}` })

const A_TIME = 'a date such as 2027-01-31, or a time of RFC 3339 with an offset'
const expires = z
  .string(A_TIME)
  .transform((text, context) => {
    const at = expiryOf(text)
    if (at !== undefined) return at
    context.addIssue({ code: 'custom', message: A_TIME })
    return z.NEVER
  })
  .optional()
  .meta({
    description: `From then on it is refused; of a date, from its first moment on (UTC). By default never. ${sentence(A_TIME)}`,
  })

/** One key of the file; its name is its key. */
export const keySchema = z.strictObject(
  {
    hash,
    scopes,
    services,
    own: z
      .boolean('true or false')
      .prefault(false)
      .meta({ description: 'Whether its caller sees and changes only the tasks and schedules that it has created.' }),
    expires,
    quota,
  },
  'a mapping',
)
