// How many file descriptors a node may need, and how many it may open.
import type { Services } from './service.ts'

/** Descriptors of the node itself: connections to Postgres (24) and Redis (3), threads, the log, and some for DNS lookups. */
const OWN_DESCRIPTORS = 128

/** The most descriptors that a node uses at once: one for each request to a service, one for each caller, and its own. */
export function descriptorsNeeded(services: Services, slots: number, callers: number): number {
  const requests = [...services.values()].reduce((sum, { concurrency }) => sum + concurrency, 0)
  return Math.min(slots, requests) + callers + OWN_DESCRIPTORS
}

/** The limit of open files in the text of Linux' `/proc/self/limits`; undefined when there is no limit. */
export function descriptorLimit(limits: string): number | undefined {
  const soft = /^Max open files\s+(\d+)\s/m.exec(limits)?.[1]
  return soft === undefined ? undefined : Number(soft)
}
