// The table of events: everything that a node says about itself, one row an event. `docs/operations.md` prints this table.
import { AUDIT } from './events/audit.ts'
import { BUGS, DEBUG } from './events/bugs.ts'
import { NODE } from './events/node.ts'
import { EMBEDDED, POSTGRES, REDIS } from './events/servers.ts'
import { SERVICES } from './events/services.ts'
import { START, STOP } from './events/start.ts'
import { TASKS } from './events/tasks.ts'
import type { FieldName, Value } from './fields.ts'
import type { EventRow } from './row.ts'

/** The events by topic. Topics, and the events of a topic, stand in the order in which an operator meets them. */
export const TOPICS: Readonly<Record<string, Readonly<Record<string, EventRow>>>> = {
  Start: START,
  Tasks: TASKS,
  Services: SERVICES,
  Audit: AUDIT,
  Postgres: POSTGRES,
  Redis: REDIS,
  'Lease and threads': NODE,
  Stop: STOP,
  Faults: BUGS,
  'Embedded Postgres': EMBEDDED,
  'At LOG_LEVEL debug': DEBUG,
}

export const EVENTS = {
  ...START,
  ...TASKS,
  ...SERVICES,
  ...AUDIT,
  ...POSTGRES,
  ...REDIS,
  ...NODE,
  ...STOP,
  ...BUGS,
  ...EMBEDDED,
  ...DEBUG,
}

export type EventName = keyof typeof EVENTS

type Listed<N extends EventName> = (typeof EVENTS)[N]['fields'][number]

/** The fields of an event, with the types of their values. */
export type FieldsOf<N extends EventName> = {
  readonly [F in Listed<N> & FieldName]: Value<F>
} & {
  readonly [F in Listed<N> as F extends `${infer O extends FieldName}?` ? O : never]?:
    (F extends `${infer O extends FieldName}?` ? Value<O> : never) | undefined
}

/** The fields as the argument of a function; none for an event without fields. */
export type Args<N extends EventName> = (typeof EVENTS)[N]['fields'] extends readonly [] ? [] : [fields: FieldsOf<N>]

/** Does something at the events for which it has a function. The functions must not throw. */
export type Subscriber = { readonly [N in EventName]?: (...fields: Args<N>) => void }
