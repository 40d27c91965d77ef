// Tasks that are deleted at random moments, through two nodes at once, with Redis and without.
import { setTimeout as passed } from 'node:timers/promises'
import { MIX } from '../plan.ts'
import type { Rig } from '../rig.ts'
import type { Setup } from '../setup.ts'
import { type At, type Figures, type Row, inRig } from '../row.ts'

/** Tasks that take long enough to be met at work, in all of their states. */
const BUSY = { ...MIX, maxPace: 100, waiting: 0.1, flaky: 0.2, slow: 0.2 }
/** So many are under way at once. More than the services take, so that some are met before they were ever claimed. */
const WIDTH = 60
/** The longest life of a task before its DELETE, ms. */
const LIFE = 800
/** Of so many deletions one is made without Redis. */
const WITHOUT_REDIS = 10

async function deleteAll(rig: Rig, count: number): Promise<Figures> {
  const random = rig.random.fork('deletes')
  let next = 1
  const lane = async (): Promise<void> => {
    while (next <= count) {
      const task = next++
      await rig.callers.post(task)
      await passed(random.within(0, LIFE))
      await rig.callers.removeTwice(task)
    }
  }
  await Promise.all(Array.from({ length: WIDTH }, lane))
  const entries = rig.ledger.acknowledged.filter(({ deletedAt }) => deletedAt !== undefined)
  const asked = entries.map(({ task }) => rig.referee.of(task))
  return {
    'never begun': asked.filter((own) => own.length === 0).length,
    'cut off in a request': asked.filter((own) => own.some(({ status }) => status === 0)).length,
    'begun after the 204': entries.filter(({ task, deletedAt }) =>
      rig.referee.of(task).some(({ at }) => at > (deletedAt ?? Infinity)),
    ).length,
  }
}

async function run(at: At): Promise<Figures> {
  const setup: Setup = { seed: at.seed, scale: at.scale, mix: BUSY, service: { concurrency: 10 } }
  const figures = await inRig(setup, (rig) => deleteAll(rig, at.count))
  const without = await inRig({ ...setup, redis: false }, (rig) =>
    rig.span({ name: 'no Redis', excuses: false, cancelWithin: 3_000 }, () =>
      deleteAll(rig, Math.ceil(at.count / WITHOUT_REDIS)),
    ),
  )
  const { deleted = 0 } = without
  return { ...figures, 'without Redis': deleted }
}

export const deletesRow: Row = {
  name: 'deletes',
  fault: 'DELETE at random moments, of pending, running, waiting and ended tasks, through two nodes at once',
  count: 2_000,
  fullCount: 200,
  promise:
    'one 204, one 404; at most one request begun after it, none after 1 s (without Redis 3 s); the request under way is cut off',
  run,
}
