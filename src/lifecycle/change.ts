// Change: a task that waits begins at another time, or with another importance.
import type { Change } from '../store/changes.ts'
import type { Store } from '../store/store.ts'
import { ring, type RingDependencies, waitOf } from './submit.ts'

export interface ChangeDependencies extends RingDependencies {
  readonly store: Pick<Store, 'change'>
}

/** Changes a task. `busy`: it runs or has ended, and nothing was changed. Throws a `Refusal` when Postgres is out of reach. */
export async function change(by: ChangeDependencies, asked: Change): Promise<'changed' | 'busy' | 'absent'> {
  const found = await by.store.change(asked)
  if (!found) return 'absent'
  if (!found.waits) return 'busy'
  ring(by, { id: asked.id, service: found.service }, waitOf(asked))
  return 'changed'
}
