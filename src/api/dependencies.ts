// What the API needs from the other parts of a node.
import type { Keys } from '../core/key.ts'
import type { Supervision } from '../core/ports.ts'
import type { ServiceChanges, Services } from '../core/service.ts'
import type { Queue } from '../queue/port.ts'
import type { Store } from '../store/store.ts'
import type { Log } from '../telemetry/log.ts'
import type { Quotas } from './quotas.ts'
import type { Refusals } from './refusals.ts'
import type { Metrics } from '../telemetry/registry.ts'
import type { Tracing } from '../telemetry/tracing.ts'
import type { Watches } from './watches.ts'

// prettier-ignore
const READS = ['get', 'list', 'versions', 'attempts', 'facts', 'services', 'nodes', 'stats', 'failures', 'window', 'sees', 'waiting', 'ping', 'healthy', 'meters'] as const
const WRITES = ['insert', 'insertAll', 'create', 'retryTask', 'retryMany', 'change', 'remove', 'cancel'] as const
const STORE = [...READS, ...WRITES, 'schedules'] as const

export interface ApiDependencies {
  readonly host: string
  /** 0: any free port. */
  readonly port: number
  /** The release of this node. */
  readonly version: string
  readonly services: Services
  /** The keys of the callers; empty: everybody may do everything. */
  readonly keys: Keys
  /** Reads the services file again, and tells what has changed. Throws a `Refusal`. */
  readonly reload: () => Promise<ServiceChanges>
  /** What the verbs of the lifecycle and the reads need. Its own methods say what they throw. */
  readonly store: Pick<Store, (typeof STORE)[number]> & {
    readonly states: Pick<Store['states'], 'pause' | 'resume' | 'limit'>
  }
  readonly supervision: Supervision
  readonly queue: Pick<Queue, 'healthy' | 'limited' | 'kind' | 'push' | 'notify'>
  readonly log: Log
  /** Absent: nobody wants spans. */
  readonly tracing?: Tracing | undefined
}

/** What the routes work with: the dependencies and the API's own state. */
export interface ApiContext extends ApiDependencies {
  /** The callers who wait for a change of a task. */
  readonly watches: Watches
  readonly quotas: Quotas
  readonly refusals: Refusals
  /** What this node has counted. */
  metrics(): Metrics
  /** Whether the node is draining. */
  draining(): boolean
  /** Whether Postgres answers now; false when the answer takes too long. Never throws. */
  postgresAnswers(): Promise<boolean>
}
