// What a row of the table of events has.
import type { FieldName } from './fields.ts'

/** From the least to the most serious. */
export type Level = 'debug' | 'info' | 'warn' | 'error' | 'fatal'

/** One event. */
export interface EventRow {
  /** Its name in the log, where it shares that of another row: their levels differ. */
  readonly event?: string
  readonly level: Level
  /** What the log says: `msg`. */
  readonly text: string
  /** What comes with the event; a field with a `?` may be missing. */
  readonly fields: readonly (FieldName | `${FieldName}?`)[]
  readonly meaning: string
  /** What the operator should do. */
  readonly action: string
}
