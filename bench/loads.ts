// The loads that every peer can be given: as many tasks as it takes, a steady few, or many that wait at once.
import type { Engines } from './engines.ts'
import { type Contender, type Load, type Measured, measured } from './measure.ts'
import type { Scene, Size } from './scene.ts'
import { type Figures, percentile } from './table.ts'

const MIB = 2 ** 20
export const CPU = 'CPU µs/task'

/** What a run in which so many tasks were done says of each. */
export const perTask = ({ seconds, cpu, memory, others }: Measured, count: number): Figures => ({
  'tasks/s': count / seconds,
  [CPU]: ((cpu.app + cpu.postgres + cpu.redis) / count) * 1_000,
  'app µs': (cpu.app / count) * 1_000,
  'Postgres µs': (cpu.postgres / count) * 1_000,
  'Redis µs': (cpu.redis / count) * 1_000,
  'memory MiB': memory / MIB,
  'others %': others * 100,
})

/** What the times from the POST to the first request come to, ms. */
export const toRequest = (latencies: readonly number[]): Figures => ({
  'p50 ms': percentile(latencies, 0.5),
  'p95 ms': percentile(latencies, 0.95),
  'p99 ms': percentile(latencies, 0.99),
})

/** Posts, and waits for all that was posted; `more`: what is told beside it of the times from the POST to the first request. */
export const loaded =
  (load: Omit<Load, 'count'>, more: typeof toRequest = () => ({})): Scene['run'] =>
  async (engines, contender, { count, warm }) => {
    const { said, measured: run } = await measured(
      engines,
      contender,
      { count: warm },
      async ({ post, finals, ended }) => {
        await post({ count, ...load })
        const latencies = await finals(count)
        await ended()
        return latencies
      },
    )
    return { ...perTask(run, count), ...more(said) }
  }

export async function light(engines: Engines, contender: Contender, { count, warm }: Size): Promise<Figures> {
  const { said, measured: run } = await measured(
    engines,
    contender,
    { count: warm },
    async ({ post, finals, ended }) => {
      await post({ count, rate: 50 })
      const latencies = await finals(count)
      await ended()
      return latencies
    },
  )
  return {
    ...toRequest(said),
    [CPU]: perTask(run, count)[CPU] ?? NaN,
    'others %': run.others * 100,
  }
}

export async function waiting(engines: Engines, contender: Contender, { count, warm }: Size): Promise<Figures> {
  const all = { ...contender, ground: { ...contender.ground, concurrency: count } }
  const { said } = await measured(
    engines,
    all,
    { count: warm },
    async ({ post, held, release, finals, ended, memory }) => {
      const before = memory()
      await post({ count, hold: true })
      await held(count)
      const during = memory()
      release()
      await finals(count)
      await ended()
      return { before, during }
    },
  )
  return {
    'memory before, MiB': said.before / MIB,
    'while they wait, MiB': said.during / MIB,
    'more, MiB': (said.during - said.before) / MIB,
  }
}
