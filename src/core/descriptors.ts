// How many file descriptors a node may need, and how many it may open.
import type { Services } from './service.ts'

/** What a node has open besides: connections to Postgres (24) and Redis (3), its threads, its log, and some for lookups of names. */
const OWN_DESCRIPTORS = 128

/** The most that a node has open at once: a connection for each request to a service, one for each caller, and its own. */
export function descriptorsNeeded(services: Services, slots: number, callers: number): number {
  const requests = [...services.values()].reduce((sum, { concurrency }) => sum + concurrency, 0)
  return Math.min(slots, requests) + callers + OWN_DESCRIPTORS
}

/** The limit that `/proc/self/limits` of Linux names; undefined where it names none, or no limit. */
export function descriptorLimit(limits: string): number | undefined {
  const soft = /^Max open files\s+(\d+)\s/m.exec(limits)?.[1]
  return soft === undefined ? undefined : Number(soft)
}
