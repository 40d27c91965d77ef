// The events of tasks.
import type { EventRow } from '../row.ts'

export const TASKS = {
  task_waits: {
    level: 'info',
    text: 'task waits to repeat a request',
    fields: ['task', 'service', 'action', 'step', 'attempt', 'why', 'wait'],
    meaning: 'A try failed. The next one comes in `wait` ms.',
    action: 'Nothing for one. Many: the service is down or overloaded.',
  },
  task_failed: {
    level: 'info',
    text: 'task failed',
    fields: ['task', 'service', 'action', 'step', 'attempt', 'why?', 'status?'],
    meaning: 'The service ended the task as `failed`, or its tries ran out.',
    action: 'Look at the service. Many at once: see [failed tasks](#sql).',
  },
  task_failed_deadline: {
    level: 'info',
    text: 'task failed',
    fields: ['task', 'service', 'why'],
    meaning: 'The task grew older than the `deadline` of its service while it waited. `why` is `deadline_exceeded`.',
    action: 'Look at why the task waited: [stuck backlog](#stuck-backlog).',
  },
  task_failed_unknown_service: {
    level: 'warn',
    text: 'task failed',
    fields: ['task', 'service', 'why'],
    meaning: 'No live node has known the service for 60 s. `why` is `unknown_service`.',
    action: 'Put the service back into the services file; POST the tasks again.',
  },
  task_failed_crashed: {
    level: 'error',
    text: 'task failed',
    fields: ['task', 'service', 'action', 'why', 'crashes'],
    meaning: 'The task lost its node or its thread 10 times without progress. `why` is `crashed`.',
    action: 'See what its payload does to the node. Report it with the log around it.',
  },
  task_failed_sealed: {
    level: 'error',
    text: 'task failed',
    fields: ['task', 'service', 'action', 'why'],
    meaning: 'The body of its next request cannot be decrypted. `why` is `cannot_decrypt`.',
    action:
      'Put the key back into `ENCRYPTION_KEYS` of every node, then retry the tasks. With all keys there: look who changed the row in Postgres.',
  },
  schedule_unreadable: {
    level: 'warn',
    text: 'this node cannot read a schedule',
    fields: ['schedule', 'err'],
    meaning: 'The time of a schedule has come, and this node does not know its time zone. Another node may know it.',
    action: 'Update Node: it brings the time zones. Or give the schedule another zone.',
  },
  requests_delayed: {
    level: 'warn',
    text: 'this node lacks what requests need; they wait',
    fields: ['service', 'why', 'tries'],
    meaning:
      'The node ran out of file descriptors, ports or memory. The `tries` that could not begin do not count; logged at most once a minute.',
    action: 'Read `why`: raise `ulimit -n` (systemd: `LimitNOFILE`), or lower `SLOTS` or `concurrency`.',
  },
  claim_gone: {
    level: 'info',
    text: 'the claim is not ours any more',
    fields: ['task', 'service', 'report?'],
    meaning: 'The task was deleted while it ran. Its late answer changes nothing.',
    action: 'Nothing.',
  },
  claim_lapsed: {
    level: 'warn',
    text: 'the claim is not ours any more',
    fields: ['task', 'service', 'report'],
    meaning: 'The lease of this node had run out, and another node may have the task. Its late answer changes nothing.',
    action: 'Find out whether this node was frozen, or cut off from Postgres.',
  },
  task_taken_over: {
    level: 'warn',
    text: 'taken over from a node that is gone',
    fields: ['task', 'service', 'action', 'step', 'crashes'],
    meaning: 'The lease of another node ran out: it was killed, frozen, or cut off from Postgres.',
    action: 'Find out what became of that node.',
  },
  tasks_purged: {
    level: 'info',
    text: 'ended tasks were purged',
    fields: ['tasks', 'purged'],
    meaning: 'Their `retention` was over, and this node has deleted them. At most one line an hour.',
    action: 'Nothing.',
  },
} as const satisfies Record<string, EventRow>
