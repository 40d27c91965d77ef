// Constants of ours as literals of SQL, for statements that end a task by themselves.
import type { Failure } from '../core/failures.ts'

/** A failure as a literal of type json, written as every other failure is. Never for a value from outside. */
export const failureLiteral = (failure: Failure): string => `'${JSON.stringify(failure).replaceAll("'", "''")}'::json`
