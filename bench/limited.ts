// The scene of a limited service: what it costs that Postgres grants each request.
import type { Contender } from './measure.ts'
import type { Goal } from './scene.ts'

/** Requests at once: what the node itself bounds anyway, so that the limit is all that differs. */
const AT_ONCE = 500

const withLimit = (limit: object | undefined): Contender['ground'] => ({
  concurrency: AT_ONCE,
  services: (stub) => ({ stub: { url: `${stub}/run`, concurrency: AT_ONCE, timeout: '10m', limit } }),
})

/** The contenders. */
export const LIMITED = {
  'no limit': withLimit(undefined),
  'requests at once': withLimit({ concurrency: AT_ONCE }),
  'a rate': withLimit({ rate: '100000/s' }),
} as const satisfies Record<string, Contender['ground']>

export const LIMITED_GOALS: readonly Goal[] = (['requests at once', 'a rate'] as const).flatMap((of) => [
  { figure: 'tasks/s', of, least: 2_000 },
  // No promise: what the grants cost.
  { figure: 'tasks/s', of, against: 'no limit' },
])
