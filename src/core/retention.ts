// How long ended tasks are kept: what the services file says, and what holds where it says nothing.
import type { Retention, Services } from './service.ts'

/** What holds where nothing is said, in databases that were made with it: 30 and 90 days. */
export const RETENTION_DEFAULTS = Object.freeze({ complete: 2_592_000_000, failed: 7_776_000_000 })

/** What was said for services of a configuration, and what was said for all. */
export interface Retained {
  /** By service. */
  readonly services: Readonly<Record<string, Retention>>
  readonly others: Retention
}

/** Lays what each service says over what the file says, and that over the defaults of the database. */
export function retainedBy(services: Services, file: Retention, defaults: Retention): Retained {
  const others = over(file, defaults)
  const own = [...services].map(([name, { retention = {} }]) => [name, over(retention, others)] as const)
  return { services: Object.fromEntries(own), others }
}

const over = (own: Retention, below: Retention): Retention => ({
  complete: own.complete ?? below.complete,
  failed: own.failed ?? below.failed,
})

/** Whether any task is ever purged. */
export const purgesAny = ({ services, others }: Retained): boolean =>
  [...Object.values(services), others].some(({ complete = 0, failed = 0 }) => complete + failed > 0)

/** Whether a configuration says anything of it. */
export const saysRetention = (services: Services, file: Retention): boolean =>
  [file, ...[...services.values()].map(({ retention = {} }) => retention)].some(
    ({ complete, failed }) => complete !== undefined || failed !== undefined,
  )
