// What the API needs from the other parts of a node.
import type { Services } from '../core/service.ts'
import type { NewTask, Submitted } from '../core/task.ts'
import type { FullView, ListQuery, Page } from '../core/view.ts'
import type { Queue } from '../queue/port.ts'
import type { Log } from '../telemetry/log.ts'

export interface ApiDependencies {
  readonly host: string
  /** 0: any free port. */
  readonly port: number
  readonly services: Services
  /** Creates a task. Throws a Refusal: `unavailable` or `outcome_unknown`. */
  submit(task: NewTask): Promise<Submitted>
  /** Deletes a task; false: there is no such task. Throws a Refusal: `unavailable`. */
  cancel(id: string): Promise<boolean>
  readonly store: {
    /** Throws a Refusal: `unavailable`. */
    get(id: string): Promise<FullView | undefined>
    /** Throws a Refusal: `unavailable`. */
    list(query: ListQuery): Promise<Page>
    /** Whether Postgres answers and accepts writes. */
    ping(): Promise<boolean>
  }
  readonly queue: Pick<Queue, 'healthy' | 'limited' | 'kind'>
  readonly log: Log
}

/** What the routes work with: the dependencies and the API's own state. */
export interface ApiContext extends ApiDependencies {
  /** Whether the node is draining. */
  draining(): boolean
  /** Whether Postgres answers now; false when the answer takes too long. Never throws. */
  postgresAnswers(): Promise<boolean>
}
