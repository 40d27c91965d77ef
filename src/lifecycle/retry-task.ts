// Retry of a task: a new task goes on where one has ended, or from an earlier step. The old one stays as it ended.
import type { Services } from '../core/service.ts'
import type { Created } from '../core/task.ts'
import type { Retrial } from '../store/retries.ts'
import type { Store } from '../store/store.ts'
import { ring, type RingDependencies } from './submit.ts'

export interface RetryTaskDependencies extends RingDependencies {
  readonly store: Pick<Store, 'retryTask'>
  readonly services: Services
}

/**
 * Makes the new task, or finds the one that was made before. Throws a `Refusal`: `unavailable`, `outcome_unknown`, `not_found`, `not_ended`,
 * `no_such_state`, `unique_taken`, `unknown_service`, or one of the key's.
 */
export async function retryTask(by: RetryTaskDependencies, asked: Omit<Retrial, 'services'>): Promise<Created> {
  const { task, replayed } = await by.store.retryTask({ ...asked, services: [...by.services.keys()] })
  if (!task) throw new Error('a retry without a row')
  if (!replayed && !task.existing) ring(by, task, asked.delay)
  return { replayed, tasks: [task] }
}
