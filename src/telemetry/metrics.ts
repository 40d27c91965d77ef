// The table of metrics: what GET /metrics shows of a node, one row a metric. docs/operations.md prints this table.

/** One metric. */
export interface MetricRow {
  readonly kind: 'counter' | 'gauge' | 'histogram'
  /** Each has few values: never an id, never an action. */
  readonly labels: readonly string[]
  readonly meaning: string
  /** Of a histogram: the buckets of core/buckets.ts that are shown, and what one of its numbers is in the unit of the metric. */
  readonly shown?: { readonly buckets: readonly number[]; readonly unit: number }
}

const doublings = (to: number): number[] => Array.from({ length: to + 1 }, (_, i) => 2 * i)
/** 1 ms to 16 s, each the double of the one before, and then 65 s, 262 s, 1049 s. */
const TIMES = { buckets: [...doublings(14), 32, 36, 40], unit: 1 / 1000 }
/** 1 to 1024 rows. */
const ROWS = { buckets: doublings(10), unit: 1 }

export const METRICS = {
  task_api_tasks_submitted_total: {
    kind: 'counter',
    labels: ['service'],
    meaning: 'Tasks that this node has created: by POSTs, schedules and retries. Callbacks and SQL are not among them.',
  },
  task_api_tasks_ended_total: {
    kind: 'counter',
    labels: ['service', 'status', 'code'],
    meaning: 'Tasks whose end this node has written; `code` is that of the error, empty where `status` is `complete`.',
  },
  task_api_tasks_purged_total: {
    kind: 'counter',
    labels: ['service', 'status'],
    meaning: 'Ended tasks that this node has purged, as their time of `retention` was over.',
  },
  task_api_requests_total: {
    kind: 'counter',
    labels: ['service', 'outcome'],
    meaning:
      'Requests to the service. `outcome` is the status of the answer (`other`: one that HTTP does not know), or a word as in the log of tries. `stopped`: cut off, as the task was cancelled or the claim was lost. Requests of a thread that died are missing.',
  },
  task_api_request_seconds: {
    kind: 'histogram',
    labels: ['service'],
    meaning: 'How long these requests took, the wait for a connection included.',
    shown: TIMES,
  },
  task_api_queue_seconds: {
    kind: 'histogram',
    labels: ['service'],
    meaning: 'How long tasks waited from when they were due until this node began them, the first time.',
    shown: TIMES,
  },
  task_api_waiting: {
    kind: 'gauge',
    labels: ['service'],
    meaning:
      'Tasks that are due and wait, over all nodes, counted to 1001. Asked of Postgres at most every 5 s; missing while Postgres does not answer.',
  },
  task_api_oldest_seconds: {
    kind: 'gauge',
    labels: ['service'],
    meaning: 'For how long the oldest of these has been due; 0: none waits.',
  },
  task_api_running: { kind: 'gauge', labels: ['service'], meaning: 'Tasks that this node runs.' },
  task_api_slots: {
    kind: 'gauge',
    labels: ['state'],
    meaning: 'The slots of this node: `running`, `reserved` for claims under way, `free`.',
  },
  task_api_paused: {
    kind: 'gauge',
    labels: ['service'],
    meaning: '1: the service is paused, as far as this node knows.',
  },
  task_api_gated: { kind: 'gauge', labels: ['service'], meaning: '1: an answer of the service has closed its gate.' },
  task_api_postgres_up: { kind: 'gauge', labels: [], meaning: '1: the last statement of this node succeeded.' },
  task_api_redis_up: { kind: 'gauge', labels: [], meaning: '1: Redis answers, or no Redis is used.' },
  task_api_takeovers_total: {
    kind: 'counter',
    labels: [],
    meaning: 'Tasks that this node has taken over from nodes that were gone.',
  },
  task_api_claims_lost_total: {
    kind: 'counter',
    labels: [],
    meaning: 'Reports that were dropped, as the task was deleted, cancelled, or belonged to another node by then.',
  },
  task_api_statement_seconds: {
    kind: 'histogram',
    labels: ['statement'],
    meaning:
      'How long statements of this node took, the wait for a connection included; `other`: those without a name.',
    shown: TIMES,
  },
  task_api_batch_rows: {
    kind: 'histogram',
    labels: ['statement'],
    meaning: 'How many rows one statement carried, of those that carry what came together.',
    shown: ROWS,
  },
} as const satisfies Readonly<Record<string, MetricRow>>

export type MetricName = keyof typeof METRICS
