// Submit: the row first, committed; then its id rings the bell of its service.
import type { NewTask, Submitted } from '../core/task.ts'
import type { Queue } from '../queue/port.ts'
import type { Store } from '../store/store.ts'

export interface SubmitDependencies {
  readonly store: Pick<Store, 'insert'>
  readonly queue: Pick<Queue, 'push'>
  /** Called when the bell did not ring: this node should look for the row by itself. */
  unheard(service: string): void
}

/** Creates a task. Throws a `Refusal`: `unavailable` (nothing was created) or `outcome_unknown`. */
export async function submit({ store, queue, unheard }: SubmitDependencies, task: NewTask): Promise<Submitted> {
  const submitted = await store.insert(task)
  // Not awaited: the row is safe, and the sweep finds it without its id.
  void queue.push(submitted.service, submitted.id).then((heard) => heard || unheard(submitted.service))
  return submitted
}
