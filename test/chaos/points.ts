// The points at which a node can be made to kill itself, and the statements by which they are known.

/** What tells a statement of the store from all others. */
export const STATEMENTS = {
  insert: 'task_api_insert_',
  create: 'task_api_create_',
  claim: 'task_api_claim_',
  checkpoint: 'task_api_checkpoint_',
  settle: 'task_api_settle_',
  retry: 'task_api_retry_',
  park: 'task_api_park_',
} as const

export type Statement = keyof typeof STATEMENTS

/** A point on the way of a task. `sent`: the statement is on the wire; `applied`: its answer is there, and nobody has looked at it. */
export type Point = 'after pop' | 'request sent' | 'answer read' | 'before push' | `${Statement} ${'sent' | 'applied'}`

export const POINTS: readonly Point[] = [
  'after pop',
  'claim sent',
  'claim applied',
  'request sent',
  'answer read',
  'checkpoint sent',
  'checkpoint applied',
  'settle sent',
  'settle applied',
  'insert applied',
  'before push',
]
