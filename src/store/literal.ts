// Writes constants of the code as SQL literals, for statements that end a task by themselves.
import type { Failure } from '../core/failures.ts'

/** A failure as an SQL literal of type json. Only for constants, never for a value from outside. */
export const failureLiteral = (failure: Failure): string => `'${JSON.stringify(failure).replaceAll("'", "''")}'::json`
