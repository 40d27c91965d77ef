// What a key is, and what its caller may do. Pure: the time is an argument.
import { hash as digestOf, timingSafeEqual } from 'node:crypto'
import { timeOf } from './time.ts'

/** One row a scope: what it allows. The table of routes names the scope of each route. */
export const SCOPES = {
  submit: 'creates tasks: one, a batch, a retry, the run of a schedule',
  read: 'reads tasks, schedules and services',
  cancel: 'cancels, deletes and changes tasks',
  operate: 'changes schedules and services, and reads the services file again',
} as const

export type Scope = keyof typeof SCOPES

/** How many tasks the caller of a key may create. At least one of `rate` and `waiting` is given. */
export interface Quota {
  /** Tasks in a time on one node, such as `500/s`. */
  readonly rate?: string | undefined
  /** Tasks that may come together after a rest; by default the number of the rate. */
  readonly burst?: number | undefined
  /** Tasks that may wait, over all nodes. */
  readonly waiting?: number | undefined
}

/** A key as it is configured. Its token is known to its holder alone. */
export interface Key {
  /** The caller of every task that is created with it. */
  readonly name: string
  /** SHA-256 of each token that counts, in hexadecimal digits of lower case. */
  readonly hashes: readonly string[]
  readonly scopes: readonly Scope[]
  /** The services that it is for; undefined: all. */
  readonly services: readonly string[] | undefined
  /** Whether it is for the tasks and schedules of its own name alone. */
  readonly own: boolean
  /** Milliseconds since 1970; undefined: never. */
  readonly expires: number | undefined
  readonly quota?: Quota | undefined
}

/** By name. A reload of the services file changes the map in place, so it must not be copied. */
export type Keys = ReadonlyMap<string, Key>

/** Who asks, as far as it is known. */
export interface Caller {
  /** The name of the key; null: there are no keys, and everything is allowed. */
  readonly name: string | null
  readonly key: Key | undefined
}

/** The caller of a node without keys. */
export const ANYBODY: Caller = { name: null, key: undefined }

/** The hash of a token, as a key has it: of the whole text, `tk_` included. */
export const hashOf = (token: string): string => digestOf('sha256', token, 'hex')

/** The key of a token. Undefined: there is none, or it has expired. How long this takes does not depend on which hash is alike. */
export function keyOf(keys: Keys, token: string, now: number): Key | undefined {
  const hash = Buffer.from(hashOf(token))
  let found: Key | undefined
  for (const key of keys.values())
    for (const known of key.hashes) if (timingSafeEqual(Buffer.from(known), hash)) found = key
  return found === undefined || isExpired(found, now) ? undefined : found
}

const DATE = /^\d{4}-\d\d-\d\d$/

/** When a key expires, ms since 1970, as it is written: a time of RFC 3339, or a date and then its first moment (UTC). */
export const expiryOf = (text: string): number | undefined => timeOf(DATE.test(text) ? `${text}T00:00:00Z` : text)

/** Whether the time of a key is over. */
export const isExpired = ({ expires }: Pick<Key, 'expires'>, now: number): boolean =>
  expires !== undefined && now >= expires

/** Whether the key of a caller is for a service, which there need not be. */
export const isFor = ({ key }: Caller, service: string): boolean => key?.services?.includes(service) ?? true

/** Whether a caller may do what a scope allows; with a service: there. */
export const mayDo = (caller: Caller, scope: Scope, service?: string): boolean =>
  (caller.key?.scopes.includes(scope) ?? true) && (service === undefined || isFor(caller, service))

/** Which tasks and schedules a caller may see and change. Absent members do not bound. */
export interface Bounds {
  /** Those of this caller. */
  readonly caller?: string
  /** Those of these services. */
  readonly services?: readonly string[]
}

/** The bounds of a caller; undefined: there are none. */
export function boundsOf({ key }: Caller): Bounds | undefined {
  if (key === undefined || (!key.own && key.services === undefined)) return undefined
  return { ...(key.own && { caller: key.name }), ...(key.services && { services: key.services }) }
}
