// Why a task is not running, or what it is doing: a pure function of what its row and the nodes say.
import type { Failure } from './failures.ts'
import { type Limit, termsOf } from './limit.ts'
import { shareOf } from './plan.ts'
import type { Status } from './task.ts'

/** The reasons: one row a code. */
export const REASONS = {
  delayed: 'The task is not due yet.',
  waiting_for_retry: 'A try has failed; the same step is tried again.',
  behind_others: 'Other tasks of the service begin first.',
  service_full:
    'The service has as many requests open, or tasks in hand, as it may: on each node that knows it, or over all nodes.',
  rate_limited: 'The requests that the limit of the service allows are used up.',
  gated: 'An answer of the service has stopped its requests.',
  paused: 'The service is paused.',
  no_node: 'No live node knows the service.',
  due: 'Nothing stands in the way; the task begins at once.',
  running: 'A node runs the task.',
  ended: 'The task has ended.',
} as const

export type ReasonCode = keyof typeof REASONS

export interface Reason {
  readonly code: ReasonCode
  readonly detail: string
  /** RFC 3339; null: not known. */
  readonly until: string | null
}

export interface Explanation {
  readonly state: 'waiting' | 'running' | 'ended'
  readonly reasons: readonly Reason[]
}

/** What is known of a task. Times are RFC 3339. */
export interface Facts {
  readonly status: Status
  readonly service: string
  readonly step: number
  readonly attempt: number
  readonly fails: number
  readonly error: Failure | null
  /** Whether a node has it; `node` is the name of that node, where it has a row. */
  readonly held: boolean
  readonly node: string | null
  /** Whether it is not due yet. */
  readonly early: boolean
  readonly runAt: string
  readonly startedAt: string | null
  readonly finishedAt: string | null
  /** Due tasks of the service that begin first, counted to 1,000. */
  readonly before: number
  /** The live nodes that know the service, as of their last beat. */
  readonly nodes: readonly NodeLoad[]
  /** What holds for the service on all nodes; null: nothing does. */
  readonly state: StateFacts | null
  /** The nodes with requests that the limit has granted, and how many each. */
  readonly granted: readonly { readonly name: string | null; readonly count: number }[]
}
/** Times are RFC 3339. */
export interface StateFacts {
  readonly pausedAt: string | null
  readonly pausedBy: string | null
  readonly reason: string | null
  readonly gatedUntil: string | null
  readonly gatedBy: string | null
  /** Whether the time of the gate is over: one request goes alone. */
  readonly opening: boolean
  /** Set at run time, in place of the file's. */
  readonly limit: Limit | null
  /** The rate is used up to this time, `paidFor` ms from now. */
  readonly paidUntil: string | null
  readonly paidFor: number | null
}
export interface NodeLoad {
  readonly name: string
  readonly slots: number | null
  readonly running: number | null
  readonly use: { readonly running: number; readonly open: number; readonly limit: number } | null
}

/** Explains a task. `limit`: that of the service in the file. */
export function explain(facts: Facts, limit?: Limit): Explanation {
  const { status, error, node, step, attempt, startedAt, finishedAt } = facts
  if (status === 'complete' || status === 'failed') {
    const why = status === 'failed' && error ? ` (${error.code})` : ''
    return { state: 'ended', reasons: [reason('ended', `The task is ${status}${why} since ${finishedAt}.`)] }
  }
  if (facts.held) {
    const detail = `Node ${node ?? 'without a name'} runs step ${step}, try ${attempt}; the task began at ${startedAt}.`
    return { state: 'running', reasons: [reason('running', detail)] }
  }
  const reasons = waiting(facts, limit)
  return { state: 'waiting', reasons: reasons.length > 0 ? reasons : [reason('due', REASONS.due)] }
}

function waiting(facts: Facts, ofFile: Limit | undefined): Reason[] {
  const { service, status, fails, attempt, error, early, runAt, before, nodes, state } = facts
  const reasons: Reason[] = []
  if (nodes.length === 0) reasons.push(reason('no_node', `No live node knows the service ${service}.`))
  if (state) reasons.push(...stopped(state))
  if (early) {
    const failed = status === 'running' && fails > 0
    const detail = failed ? `Try ${attempt} failed: ${error?.detail ?? 'for an unknown reason'}` : REASONS.delayed
    return [...reasons, reason(failed ? 'waiting_for_retry' : 'delayed', detail, runAt)]
  }
  if (before > 0)
    reasons.push(reason('behind_others', `${before < 1_000 ? `About ${before}` : 'More than 1000'} tasks begin first.`))
  const full = nodes.map(fullOf).filter((one) => one !== undefined)
  if (nodes.length > 0 && full.length === nodes.length) reasons.push(reason('service_full', `${full.join('; ')}.`))
  return [...reasons, ...limited(facts, state?.limit ?? ofFile)]
}

/** What stops a service on all nodes. */
function stopped({ pausedAt, pausedBy, reason: why, gatedUntil, gatedBy, opening }: StateFacts): Reason[] {
  const reasons: Reason[] = []
  if (pausedAt !== null)
    reasons.push(reason('paused', `Paused by ${pausedBy} since ${pausedAt}${why === null ? '.' : `: ${why}`}`))
  if (gatedUntil !== null) {
    const alone = opening ? ' One request goes alone until it is answered.' : ''
    reasons.push(reason('gated', `Stopped by an answer: ${gatedBy}.${alone}`, opening ? null : gatedUntil))
  }
  return reasons
}

/** What the limit over all nodes does not allow now. */
function limited({ state, granted }: Facts, limit: Limit | undefined): Reason[] {
  if (limit === undefined) return []
  const { concurrency, interval, burst } = termsOf(limit)
  const reasons: Reason[] = []
  const open = granted.reduce((sum, { count }) => sum + count, 0)
  if (concurrency !== null && open >= concurrency) {
    const where = granted.map(({ name, count }) => `${name ?? 'a node without a name'}: ${count}`).join(', ')
    reasons.push(reason('service_full', `${open} of ${concurrency} requests open over all nodes (${where}).`))
  }
  if (interval === null || burst === null || !state || state.paidFor === null || state.paidUntil === null)
    return reasons
  // A request may begin while the time that is paid for is less than a burst ahead.
  const ahead = (burst - 1) * interval
  if (state.paidFor <= ahead) return reasons
  // What a slower rate has paid for counts up to one burst.
  const forgotten = Math.max(0, state.paidFor - burst * interval)
  const until = new Date(Date.parse(state.paidUntil) - forgotten - ahead).toISOString()
  return [...reasons, reason('rate_limited', `The rate of ${limit.rate} is used up.`, until)]
}

/** What is full on a node; undefined: the service may begin more there. */
function fullOf({ name, use, slots, running }: NodeLoad): string | undefined {
  if (use && use.open >= use.limit) return `${name}: ${use.open} of ${use.limit} requests open`
  if (slots === null || running === null) return undefined
  if (running >= slots) return `${name}: ${running} of ${slots} slots taken`
  const share = shareOf(slots)
  if (use && use.running >= share)
    return `${name}: ${use.running} of the ${share} slots taken that one service may take`
  return undefined
}

const reason = (code: ReasonCode, detail: string, until: string | null = null): Reason => ({ code, detail, until })
