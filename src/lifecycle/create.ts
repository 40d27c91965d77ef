// Create: the tasks of one POST in one commit, and not again when the POST is repeated. Their ids go into the lists.
import { ANYBODY, type Caller } from '../core/key.ts'
import type { Services } from '../core/service.ts'
import type { Created, NewTask, RequestKey } from '../core/task.ts'
import type { Store } from '../store/store.ts'
import { ring, type RingDependencies, waitOf } from './submit.ts'

export interface CreateDependencies extends RingDependencies {
  readonly store: Pick<Store, 'create'>
  readonly services: Services
}

/**
 * Creates tasks, or finds what a POST with the same key has created, and tasks with the same `unique`. Throws a `Refusal`:
 * `unavailable`, `outcome_unknown`, `unique_pending`, `unique_taken`, `idempotency_in_progress` or `idempotency_mismatch`.
 */
export async function create(
  by: CreateDependencies,
  tasks: readonly NewTask[],
  key: RequestKey | undefined,
  asker: Caller = ANYBODY,
): Promise<Created> {
  const created = await by.store.create({
    tasks,
    key,
    caller: asker.name,
    own: asker.key?.own ?? false,
    services: by.services,
  })
  if (created.replayed) return created
  created.tasks.forEach((task, place) => {
    if (!task.existing) ring(by, task, waitOf(tasks[place]?.options ?? {}))
  })
  return created
}
