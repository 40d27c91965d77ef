// Why a task is not running, or what it is doing: a pure function of what its row and the nodes say.
import type { Failure } from './failures.ts'
import { shareOf } from './plan.ts'
import type { Status } from './task.ts'

/** The reasons: one row a code. */
export const REASONS = {
  delayed: 'The task is not due yet.',
  waiting_for_retry: 'A try has failed; the same step is tried again.',
  behind_others: 'Other tasks of the service begin first.',
  service_full: 'The service has as many requests open, or tasks in hand, as it may, on each node that knows it.',
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
}
export interface NodeLoad {
  readonly name: string
  readonly slots: number | null
  readonly running: number | null
  readonly use: { readonly running: number; readonly open: number; readonly limit: number } | null
}

/** Explains a task. */
export function explain(facts: Facts): Explanation {
  const { status, error, node, step, attempt, startedAt, finishedAt } = facts
  if (status === 'complete' || status === 'failed') {
    const why = status === 'failed' && error ? ` (${error.code})` : ''
    return { state: 'ended', reasons: [reason('ended', `The task is ${status}${why} since ${finishedAt}.`)] }
  }
  if (facts.held) {
    const detail = `Node ${node ?? 'without a name'} runs step ${step}, try ${attempt}; the task began at ${startedAt}.`
    return { state: 'running', reasons: [reason('running', detail)] }
  }
  const reasons = waiting(facts)
  return { state: 'waiting', reasons: reasons.length > 0 ? reasons : [reason('due', REASONS.due)] }
}

function waiting({ service, status, fails, attempt, error, early, runAt, before, nodes }: Facts): Reason[] {
  const reasons: Reason[] = []
  if (nodes.length === 0) reasons.push(reason('no_node', `No live node knows the service ${service}.`))
  if (early) {
    const failed = status === 'running' && fails > 0
    const detail = failed ? `Try ${attempt} failed: ${error?.detail ?? 'for an unknown reason'}` : REASONS.delayed
    return [...reasons, reason(failed ? 'waiting_for_retry' : 'delayed', detail, runAt)]
  }
  if (before > 0)
    reasons.push(reason('behind_others', `${before < 1_000 ? `About ${before}` : 'More than 1000'} tasks begin first.`))
  const full = nodes.map(fullOf).filter((one) => one !== undefined)
  if (nodes.length > 0 && full.length === nodes.length) reasons.push(reason('service_full', `${full.join('; ')}.`))
  return reasons
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
