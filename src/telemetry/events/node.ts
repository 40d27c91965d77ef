// The events of a node's own lease and threads.
import type { EventRow } from '../row.ts'

export const NODE = {
  lease_lapsed: {
    level: 'warn',
    text: 'the lease had run out; what this node holds is asked about before it goes on',
    fields: [],
    meaning: 'This node could not extend its lease for 10 s.',
    action: 'Look at Postgres, the network, and whether the machine stood still.',
  },
  node_row_gone: {
    level: 'warn',
    text: 'the row of this node is gone; it goes on as a new node',
    fields: [],
    meaning: 'Somebody deleted the row of this node in `nodes`, or the database was restored.',
    action: 'Nothing, if you know who did it.',
  },
  thread_died: {
    level: 'error',
    text: 'a thread has died; its tasks start again on another',
    fields: ['err', 'tasks'],
    meaning: 'A thread had an error, ran out of memory, or was silent for 5 s. It ran `tasks` tasks.',
    action: 'Again and again: look at the memory, then at which tasks come with `thread_lost`.',
  },
  thread_lost: {
    level: 'warn',
    text: 'the task lost its thread and starts again',
    fields: ['task', 'service', 'crashes'],
    meaning: 'The task ran in a thread that died. From 3 `crashes` on the task runs in the quarantine thread.',
    action: 'Nothing for one. A task that comes again and again is the likely cause.',
  },
  suspects_died: {
    level: 'error',
    text: 'suspects have died together; they are tried again in smaller groups',
    fields: ['err', 'tasks'],
    meaning: 'The quarantine thread died. One of `tasks` tasks is the cause, and it is not known yet which.',
    action: 'Nothing. Smaller groups find the task.',
  },
  task_killed_thread: {
    level: 'error',
    text: 'the task killed its thread when run alone',
    fields: ['task', 'service', 'action', 'err'],
    meaning: 'The task is the cause. It ends as `crashed`.',
    action: "Look at its payload and its service's answers.",
  },
  thread_not_started: {
    level: 'error',
    text: 'a thread could not start',
    fields: ['err'],
    meaning: 'The node has a thread less: memory is lacking, or files in `dist` are broken.',
    action: 'Read `err`; restart the node.',
  },
  quarantine_not_started: {
    level: 'error',
    text: 'the quarantine could not start',
    fields: ['err'],
    meaning: 'The quarantine thread could not start, for the same reasons.',
    action: 'Read `err`; restart the node.',
  },
} as const satisfies Record<string, EventRow>
