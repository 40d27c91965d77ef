// The mutations of what operators are shown: metrics, statistics and traces.
import { type Mutation, one } from './mutation.ts'

const [METRICS, STATS, TRACES] = ['metrics', 'stats', 'traces'].map((name) => `integration/operating/${name}`) as [
  string,
  string,
  string,
]

export const OPERATING_MUTATIONS: readonly Mutation[] = [
  one(
    'cut requests are not counted',
    'a request that was cut off is missing among the requests',
    'actor/host.js',
    "up({ kind: 'stopped', id, token, ...asked })",
    'void 0',
    METRICS,
  ),
  one(
    'take-overs are not counted',
    'tasks that were taken over are not counted',
    'supervisor/dispatch.js',
    'meters.takeovers += 1',
    'void 0',
    METRICS,
  ),
  one(
    'every claim has waited',
    'a task that was parked counts again as one that has waited',
    'supervisor/dispatch.js',
    'if (isFirst(row))',
    'if (row)',
    METRICS,
  ),
  one(
    'a scrape waits for Postgres',
    'a scrape is answered when Postgres answers',
    'api/metrics.js',
    'sleep(BACKLOG.wait, undefined, { ref: false })',
    'new Promise(() => {})',
    METRICS,
  ),
  one(
    'times of one node',
    'percentiles leave out the times of requests',
    'store/stats.js',
    'addPacked(sum.request, row.request)',
    'void 0',
    STATS,
  ),
  one(
    'one parent for all',
    'all requests of a task have the parent id of its POST',
    'core/trace.js',
    'half(random()) + half(random())',
    'trace.slice(BEFORE, BEFORE + PARENT)',
    TRACES,
  ),
  one(
    'a new trace of onCancel',
    'the task of onCancel begins a trace of its own',
    'store/removals.js',
    'undo.callback, gone.trace',
    'undo.callback, null',
    TRACES,
  ),
  one(
    'ids of no span',
    'a request carries another id than its span has',
    'actor/host.js',
    'actor.sends ?? ',
    '',
    TRACES,
  ),
]
