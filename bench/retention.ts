// The scene of the purge: what others notice while tasks that ended long ago are deleted, and what the index of ended tasks costs.
import { until } from './assistant.ts'
import type { Engines } from './engines.ts'
import { perTask, toRequest } from './loads.ts'
import { type Contender, type Run, measured } from './measure.ts'
import { DEAD } from './peers.ts'
import type { Goal, Size } from './scene.ts'
import type { Figures } from './table.ts'

/** Tasks that ended long ago: more than are purged while a run lasts. */
const ROWS = 200_000
const [NO_INDEX, NO_PURGE, PURGE] = ['no index', 'no purge', 'purge']
export const RETAINING = [NO_INDEX, NO_PURGE, PURGE]
export const RETENTION_GOALS: readonly Goal[] = [
  { figure: 'tasks/s', of: NO_PURGE, against: NO_INDEX, least: 0.97 },
  { figure: 'tasks/s', of: PURGE, against: NO_PURGE, least: 0.97 },
  { figure: 'p99 ms', of: PURGE, against: NO_PURGE, most: 1.5 },
]

/** The saturation, beside the purge of other tasks. */
export async function retaining(engines: Engines, contender: Contender, { count, warm }: Size): Promise<Figures> {
  const purges = contender.name === PURGE
  const retention = { complete: purges ? '1h' : '0', failed: '0' }
  const ground = { services: (stub: string) => ({ [DEAD]: { url: `${stub}/run`, retention } }) }
  const old = (on: Run): Promise<number> =>
    on.ground.database.count(`select count(*) from tasks where service = '${DEAD}'`)
  const over = async (on: Run): Promise<void> => {
    const { database } = on.ground
    await database.run(
      `insert into tasks (key, service, action, payload, payload_bytes, status, finished_at)
        select gen_random_uuid(), '${DEAD}', 'run', '{"of":"a task that ended long ago"}', 35, 'complete', now() - interval '1 day'
        from generate_series(1, ${ROWS})`,
    )
    await database.run('vacuum analyze tasks')
    if (contender.name === NO_INDEX) await database.run('drop index tasks_ended')
    if (purges) await until('the purge', async () => (await old(on)) < ROWS)
  }
  const warming = { count: warm, over }
  const { said, measured: run } = await measured(engines, { ...contender, ground }, warming, async (on) => {
    const before = await old(on)
    await on.post({ count })
    const latencies = await on.finals(count)
    const purged = before - (await old(on))
    await on.ended()
    return { latencies, purged }
  })
  return { ...perTask(run, count), ...toRequest(said.latencies), 'purged/s': said.purged / run.seconds }
}
