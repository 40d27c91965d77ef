// What the API needs of the rest of a node, as narrow as it can be.
import type { Services } from '../core/service.ts'
import type { NewTask, Submitted } from '../core/task.ts'
import type { FullView, ListQuery, Page } from '../core/view.ts'
import type { Queue } from '../queue/port.ts'
import type { Log } from '../telemetry/log.ts'

export interface ApiDependencies {
  readonly host: string
  /** 0: a free one. */
  readonly port: number
  readonly services: Services
  /** Creates a task. Throws a Refusal: `unavailable` or `outcome_unknown`. */
  submit(task: NewTask): Promise<Submitted>
  /** Deletes a task; false: there is none. Throws a Refusal: `unavailable`. */
  cancel(id: string): Promise<boolean>
  readonly store: {
    /** Throws a Refusal: `unavailable`. */
    get(id: string): Promise<FullView | undefined>
    /** Throws a Refusal: `unavailable`. */
    list(query: ListQuery): Promise<Page>
    /** Whether Postgres answers and takes writes. */
    ping(): Promise<boolean>
  }
  readonly queue: Pick<Queue, 'healthy' | 'limited' | 'kind'>
  readonly log: Log
}

/** What the verbs work with: the dependencies, and what the API knows of itself. */
export interface ApiContext extends ApiDependencies {
  /** Whether the node is about to stop. */
  draining(): boolean
  /** Whether Postgres answers now; false too when it takes too long. Never throws. */
  postgresAnswers(): Promise<boolean>
}
