// The points at which a node can be made to kill itself, and the statements by which they are known.

/** What tells a statement of the store from all others. */
export const STATEMENTS = {
  insert: 'insert into tasks',
  claim: 'attempt = t.attempt + 1, crashes = t.crashes + due.lost',
  checkpoint: 't.step = w.step',
  settle: 'status = w.status',
  retry: 't.attempt = w.attempt',
  park: 'fails = t.fails + 1, node = null',
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
