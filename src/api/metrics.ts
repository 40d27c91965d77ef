// GET /metrics: how each metric is read of the parts of this node.
import { STATUS_CODES } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Context } from 'koa'
import { outcomeWord } from '../core/attempts.ts'
import { Refusal } from '../core/refusal.ts'
import type { ServiceView } from '../store/services.ts'
import type { ServiceMeter } from '../telemetry/meters.ts'
import { makeMetrics, type Metrics, type Readers, type Sample } from '../telemetry/registry.ts'
import { callerOf } from './caller.ts'
import type { ApiContext, ApiDependencies } from './dependencies.ts'

/** What waits is read of Postgres at most so often; whoever asks waits so long for it; and an answer is told for so long, ms. */
const BACKLOG = { every: 5_000, wait: 500, old: 120_000 }

/** GET /metrics */
export async function showMetrics(api: ApiContext, ctx: Context): Promise<void> {
  if (callerOf(ctx).key?.services !== undefined)
    throw new Refusal('not_allowed', 'The key is for some services only, and the metrics are of all of them.')
  const { contentType, text } = api.metrics()
  ctx.status = 200
  ctx.res.setHeader('Content-Type', contentType)
  ctx.body = await text()
}

type Sources = Pick<ApiDependencies, 'store' | 'services' | 'supervision' | 'queue'>

/** The metrics of a node. They are made when somebody asks for the first time: a node that nobody asks pays nothing. */
export function metricsOf(sources: Sources): () => Metrics {
  let made: Metrics | undefined
  return () => (made ??= makeMetrics(readersOf(sources)))
}

const up = (is: boolean): Sample[] => [[[], Number(is)]]

function readersOf({ store, services, supervision, queue }: Sources): Readers {
  const { meters } = store
  const backlog = backlogOf(() => store.services([...services.keys()], false))
  /** Also those of which nothing has been counted: who waits for a first failure must see the zero before. */
  const counted = (): [name: string, meter: ServiceMeter][] => {
    for (const name of services.keys()) meters.services.of(name)
    return [...meters.services]
  }
  const byService = (value: (one: (typeof supervision.figures.services)[number]) => number): Sample[] =>
    supervision.figures.services.map((one) => [[one.service], value(one)])
  const waiting = async (value: (view: ServiceView) => number): Promise<Sample[]> =>
    (await backlog()).map((view) => [[view.name], value(view)])
  return {
    task_api_tasks_submitted_total: () => counted().map(([name, { created }]) => [[name], created]),
    task_api_tasks_ended_total: () =>
      counted().flatMap(([name, { complete, codes }]) => [
        [[name, 'complete', ''], complete] as const,
        ...[...codes].map(([code, count]) => [[name, 'failed', code], count] as const),
      ]),
    task_api_tasks_purged_total: () =>
      [...supervision.figures.purged].flatMap(([name, { complete, failed }]) => [
        [[name, 'complete'], complete] as const,
        [[name, 'failed'], failed] as const,
      ]),
    task_api_requests_total: () => counted().flatMap(([name, { outcomes }]) => outcomesOf(name, outcomes)),
    task_api_request_seconds: () => counted().map(([name, { request }]) => [[name], request]),
    task_api_queue_seconds: () => counted().map(([name, { queue: waited }]) => [[name], waited]),
    task_api_waiting: () => waiting((view) => view.waiting),
    task_api_oldest_seconds: () => waiting(({ oldestMs }) => (oldestMs ?? 0) / 1000),
    task_api_running: () => byService(({ running }) => running),
    task_api_slots: () => Object.entries(supervision.figures.slots).map(([state, slots]) => [[state], slots]),
    task_api_paused: () => byService(({ paused }) => Number(paused)),
    task_api_gated: () => byService(({ gated }) => Number(gated)),
    task_api_postgres_up: () => up(store.healthy),
    task_api_redis_up: () => up(queue.healthy),
    task_api_takeovers_total: () => [[[], meters.takeovers]],
    task_api_claims_lost_total: () => [[[], meters.claimsLost]],
    task_api_statement_seconds: () => [...meters.statements].map(([name, times]) => [[plainName(name)], times]),
    task_api_batch_rows: () => [...meters.batches].map(([name, rows]) => [[name], rows]),
  }
}

/** A service may answer with any number of three digits. */
function outcomesOf(service: string, outcomes: ReadonlyMap<number, number>): Sample[] {
  const counts = new Map<string, number>()
  for (const [outcome, count] of outcomes) {
    const label = outcome < 100 || STATUS_CODES[outcome] !== undefined ? outcomeWord(outcome) : 'other'
    counts.set(label, (counts.get(label) ?? 0) + count)
  }
  return [...counts].map(([label, count]) => [[service, label], count])
}

/** The name of a routine, without what sets it apart from that of another release. */
const plainName = (name: string): string => /^task_api_(.*)_[0-9a-f]{8}$/.exec(name)?.[1] ?? name

/**
 * Reads what waits, seldom. Whoever asks waits a moment for the answer, and is told the one before where that is not old. Nothing while
 * Postgres does not answer. Never rejects.
 */
function backlogOf(read: () => Promise<readonly ServiceView[]>): () => Promise<readonly ServiceView[]> {
  let last: { readonly views: readonly ServiceView[]; readonly at: number } = { views: [], at: -Infinity }
  let asked: Promise<readonly ServiceView[]> | undefined
  const age = (): number => performance.now() - last.at
  const ask = async (): Promise<readonly ServiceView[]> => {
    const views = await read().catch(() => [])
    last = { views, at: performance.now() }
    asked = undefined
    return views
  }
  return async () => {
    if (!asked && age() < BACKLOG.every) return last.views
    const views = await Promise.race([(asked ??= ask()), sleep(BACKLOG.wait, undefined, { ref: false })])
    return views ?? (age() < BACKLOG.old ? last.views : [])
  }
}
