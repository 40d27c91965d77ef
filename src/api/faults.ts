// Faults of the input, collected so that one refusal names all of them.
import { MAX_FAULTS } from '../core/limits.ts'
import { type Fault, Refusal, type RefusalCode } from '../core/refusal.ts'

/** The JSON Pointer (RFC 6901) of a member of the outermost object. */
export const pointerTo = (name: string): string => '/' + name.replaceAll('~', '~0').replaceAll('/', '~1')

/** A refusal with all faults (at most `MAX_FAULTS`); its `detail` has the first three. */
export function refuseFaults(code: RefusalCode, faults: readonly Fault[]): Refusal {
  const detail = faults.slice(0, 3).map((fault) => fault.detail)
  const more = faults.length - detail.length
  if (more > 0) detail.push(`And ${more} more.`)
  return new Refusal(code, detail.join(' '), faults.slice(0, MAX_FAULTS))
}
