// A limit of a service over all nodes: requests at once, and requests begun in a time.
import { type Schema, wholeSchema } from './json-schema.ts'

/** How the file and the API write a limit. At least one of `concurrency` and `rate` is given. */
export interface Limit {
  /** Requests open at once, over all nodes. */
  readonly concurrency?: number | undefined
  /** Requests begun, such as `50/s`. */
  readonly rate?: string | undefined
  /** Requests that may begin together after a rest; by default the number of the rate. */
  readonly burst?: number | undefined
}

const PER_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000 }

/** The pattern of a rate, for the JSON Schema. */
export const RATE_PATTERN = '^([1-9][0-9]{0,6})/([smh])$'

/** A rate such as `20/s`, `5/m` or `1/h`, from 1 to 9,999,999; undefined for anything else. */
export function rateOf(text: string): { readonly count: number; readonly perMs: number } | undefined {
  const [, count, per] = new RegExp(RATE_PATTERN).exec(text) ?? []
  return count === undefined ? undefined : { count: Number(count), perMs: PER_MS[per ?? ''] as number }
}

/** What a rate must be, in words. */
export const A_RATE = 'a number by second, minute or hour, such as 50/s'
/** The largest numbers of a limit, and of a quota. */
export const MOST = { concurrency: 100_000, burst: 10_000_000, waiting: 10_000_000 } as const

/** What a member of a limit may be. */
export interface Member {
  readonly expected: string
  readonly schema: Schema
  accepts(value: unknown): boolean
}

/** A whole number from 1 on. */
export const whole = (most: number): Member => ({
  expected: `a whole number from 1 to ${most}`,
  schema: wholeSchema(1, most),
  accepts: (value) => typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= most,
})

/** The members of a pace: `burst` comes with `rate`. */
export const PACE = {
  rate: {
    expected: A_RATE,
    schema: { type: 'string', pattern: RATE_PATTERN },
    accepts: (value) => typeof value === 'string' && rateOf(value) !== undefined,
  },
  burst: whole(MOST.burst),
} as const satisfies Readonly<Record<string, Member>>

const MEMBERS: Readonly<Record<keyof Limit, Member>> = { concurrency: whole(MOST.concurrency), ...PACE }

/** What `faultsOfLimit` accepts. */
export const LIMIT_SCHEMA: Schema = {
  type: 'object',
  properties: Object.fromEntries(Object.entries(MEMBERS).map(([name, { schema }]) => [name, schema])),
  additionalProperties: false,
  anyOf: [{ required: ['concurrency'] }, { required: ['rate'] }],
  dependentRequired: { burst: ['rate'] },
}

/** What is wrong with a limit: the member, or '' for the whole, and what is expected there. */
export interface LimitFault {
  readonly member: string
  readonly expected: string
}

/** The faults of a value as a limit; none: it is one. The file and the API use the same rules. */
export const faultsOfLimit = (value: unknown): readonly LimitFault[] =>
  faultsOf(value, MEMBERS, 'concurrency, rate, or both')

/** The faults of a value whose members are these, of which there must be others than `burst`: `some`, in words. */
export function faultsOf(
  value: unknown,
  members: Readonly<Record<string, Member>>,
  some: string,
): readonly LimitFault[] {
  const none = { member: '', expected: some }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [none]
  const faults = Object.entries(value).flatMap(([member, given]) => {
    const rule = Object.hasOwn(members, member) ? members[member] : undefined
    if (rule === undefined) return [{ member, expected: `one of ${Object.keys(members).join(', ')}` }]
    return rule.accepts(given) ? [] : [{ member, expected: rule.expected }]
  })
  const { burst, ...others }: Readonly<Record<string, unknown>> = { ...value }
  if (burst !== undefined && others.rate === undefined) faults.push({ member: 'burst', expected: 'given with a rate' })
  else if (Object.values(others).every((one) => one === undefined) && faults.length === 0) return [none]
  return faults
}

/** What Postgres grants by: null where a limit does not bound it. */
export interface Terms {
  readonly concurrency: number | null
  /** Milliseconds from one request to the next. */
  readonly interval: number | null
  readonly burst: number | null
}

export const NO_TERMS: Terms = { concurrency: null, interval: null, burst: null }

/** The terms of a limit. */
export function termsOf({ concurrency, rate, burst }: Limit): Terms {
  const every = rate === undefined ? undefined : rateOf(rate)
  return {
    concurrency: concurrency ?? null,
    interval: every ? every.perMs / every.count : null,
    burst: every ? (burst ?? every.count) : null,
  }
}
