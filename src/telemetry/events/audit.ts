// The events of the audit: who has changed what all share, or many tasks, and who was refused. Both are `audit` in the log.
import type { EventRow } from '../row.ts'

export const AUDIT = {
  audit: {
    level: 'info',
    text: 'a caller has made a change',
    fields: ['who', 'what', 'target', 'from', 'count?', 'outcome'],
    meaning:
      'A service or a schedule was changed, the services file was read by request, or many tasks were changed. One line each, when it is over.',
    action: 'Nothing. Keep these lines, if you must know later who did what.',
  },
  audit_refused: {
    event: 'audit',
    level: 'warn',
    text: 'a caller was refused',
    fields: ['who', 'what', 'target', 'from', 'count', 'outcome'],
    meaning:
      'A request had no valid key (`outcome` is `unauthorized`), or its key may not do that (`not_allowed`). After 10 lines in a second the rest of that second is one line, of the last one; `count` says how many requests it stands for.',
    action: 'Nothing, unless it lasts: somebody has lost a key, looks for one, or needs another scope.',
  },
} as const satisfies Record<string, EventRow>
