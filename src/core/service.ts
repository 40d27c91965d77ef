// A target service as it is configured, and the URLs of its actions.
import type { Limit } from './limit.ts'
import type { Callback } from './task.ts'

/** Which tries of its tasks a service keeps: all but a plain 200 or 206, all, or none. */
export const ATTEMPT_LOGS = ['failures', 'all', 'none'] as const
export type AttemptLog = (typeof ATTEMPT_LOGS)[number]

/** How long tasks are kept from their end, ms, by how they ended; 0: for ever; absent: not said. */
export interface Retention {
  readonly complete?: number | undefined
  readonly failed?: number | undefined
}

/** A registered target service. All times are milliseconds. */
export interface Service {
  readonly name: string
  /** `{action}` stands for the action; without it `/{action}` is appended to the path. */
  readonly url: string
  /** The longest that one request may take, connecting and reading included. */
  readonly timeout: number
  /** The most requests that one node has open to it at once. */
  readonly concurrency: number
  readonly retry: {
    /** Failed tries of one step until the task fails; 0: until the deadline. */
    readonly attempts: number
    readonly backoff: number
    readonly maxBackoff: number
    /** Further statuses, 400 to 599, after which the step is tried again. */
    readonly on?: readonly number[] | undefined
  }
  /** The most answers 206 of one task; 0: no limit. */
  readonly maxSteps: number
  /** The age at which a task fails; 0: never. */
  readonly deadline: number
  /** Which tries of its tasks are kept. */
  readonly attemptLog: AttemptLog
  /** How many of the last states of a task are kept; 0: none. Needs `attemptLog` `all`. */
  readonly keepStates: number
  /** The action of a task that is created when one that had begun is cancelled or deleted. */
  readonly onCancel?: string | undefined
  /** The callback of those of its tasks that name none; its service is one of the same configuration. */
  readonly callback?: Callback | undefined
  /** Over all nodes; absent: none. */
  readonly limit?: Limit | undefined
  /** Whether an answer 429 or 503 with `Retry-After` stops all requests to it until then. */
  readonly gate: boolean
  /** So many failed ends in a row pause it; 0: never. */
  readonly pauseAfter: number
  /** Each signs every request by Standard Webhooks; absent: none is signed. Never logged. */
  readonly signing?: { readonly secrets: readonly string[] } | undefined
  /** Whether a connection may lead to a link-local address: see core/address.ts. */
  readonly allowLinkLocal: boolean
  /** How long its ended tasks are kept, in place of what holds for all services. */
  readonly retention?: Retention | undefined
  /** Sent with every request; their values are secrets and never logged. */
  readonly headers: Readonly<Record<string, string>>
}

/** By name. A reload of the services file changes the map in place, so it must not be copied. */
export type Services = ReadonlyMap<string, Service>

/** What a reload has changed, by name. */
export interface ServiceChanges {
  readonly added: readonly string[]
  readonly changed: readonly string[]
  readonly removed: readonly string[]
}

/** The defaults of a service. The 20 tries, 250 ms to 30 s apart, take about six minutes. */
export const SERVICE_DEFAULTS: Omit<Service, 'name' | 'url'> = Object.freeze({
  timeout: 30_000,
  concurrency: 100,
  retry: Object.freeze({ attempts: 20, backoff: 250, maxBackoff: 30_000 }),
  maxSteps: 100_000,
  deadline: 604_800_000,
  attemptLog: 'failures',
  keepStates: 0,
  gate: false,
  pauseAfter: 0,
  allowLinkLocal: false,
  headers: Object.freeze({}),
})

/** The shape of a service's name. */
export const SERVICE_NAME = /^[A-Za-z0-9._-]{1,100}$/

/** The shape of an action. `.` and `..` would leave the service's path. */
export const ACTION = /^(?!\.\.?$)[A-Za-z0-9._~-]{1,200}$/

/** Whether a string may name an action. */
export const isAction = (text: string): boolean => ACTION.test(text)

/** The URL as people are shown it: without query and user, whose texts may be secrets. */
export const shownUrl = ({ url }: Pick<Service, 'url'>): string =>
  url.replace(/[?#].*$/s, '').replace(/^([^/]*\/\/)[^/]*@/, '$1')

/** The URL of an action. `action` must satisfy `isAction`, because it is inserted without encoding. */
export function urlOf(service: Pick<Service, 'url'>, action: string): URL {
  if (service.url.includes('{action}')) return new URL(service.url.replaceAll('{action}', () => action))
  const url = new URL(service.url)
  url.pathname = url.pathname.replace(/\/$/, '') + '/' + action
  return url
}
