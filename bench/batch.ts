// The scene of submitting alone: tasks that wait behind one that its service does not answer, one a request or ten.
import type { Engines } from './engines.ts'
import { perTask } from './loads.ts'
import { type Contender, measured } from './measure.ts'
import type { Goal, Size } from './scene.ts'
import type { Figures } from './table.ts'

/** The contenders: tasks in one request. */
export const BATCHES: Readonly<Record<string, number | undefined>> = { 'one a request': undefined, 'ten a request': 10 }

export const BATCH_GOALS: readonly Goal[] = [
  { figure: 'tasks/s', of: 'ten a request', against: 'one a request', least: 3 },
]

/** Posts tasks as fast as they are answered. One of them begins, and never ends. */
export async function submitting(engines: Engines, contender: Contender, { count, warm }: Size): Promise<Figures> {
  const batch = BATCHES[contender.name]
  const waiting = { ...contender, ground: { ...contender.ground, concurrency: 1 } }
  const { measured: run } = await measured(engines, waiting, { count: warm }, async ({ post }) => {
    await post({ count, ...(batch !== undefined && { batch }), hold: true })
  })
  return perTask(run, count)
}
