// Faults of the input, collected so that one refusal names all of them.
import { type Caller, mayDo } from '../core/key.ts'
import { MAX_FAULTS } from '../core/limits.ts'
import { type Fault, Refusal, type RefusalCode } from '../core/refusal.ts'
import type { Services } from '../core/service.ts'
import { nearest } from '../core/suggest.ts'

/** The JSON Pointer (RFC 6901) of a member of the outermost object. */
export const pointerTo = (name: string): string => '/' + name.replaceAll('~', '~0').replaceAll('/', '~1')

/** A refusal with all faults (at most `MAX_FAULTS`); its `detail` has the first three. */
export function refuseFaults(code: RefusalCode, faults: readonly Fault[]): Refusal {
  const detail = faults.slice(0, 3).map((fault) => fault.detail)
  const more = faults.length - detail.length
  if (more > 0) detail.push(`And ${more} more.`)
  return new Refusal(code, detail.join(' '), faults.slice(0, MAX_FAULTS))
}

/** What a body may name: the services of this node, as far as its caller may submit to them. */
export interface Nameable {
  readonly services: Services
  readonly caller: Caller
}

/**
 * The fault of a member that names a service: the caller may not submit there, or it is not registered here. Undefined: there is none.
 * Suggests the nearest name, but no service that the caller is not to know.
 */
export function faultOfService(pointer: string, service: string, by: Nameable): ServiceFault | undefined {
  if (!mayDo(by.caller, 'submit', service)) return { pointer, detail: NOT_ALLOWED }
  if (by.services.has(service)) return undefined
  const meant = nearest(service, by.services.keys())
  const suggestion = meant === undefined ? '' : ` Did you mean \`${meant}\`?`
  return { pointer, detail: `${UNKNOWN_SERVICE}${suggestion}` }
}

const NOT_ALLOWED = 'The key does not allow to submit to this service.'

const UNKNOWN_SERVICE = 'No service of this name is registered.'

type ServiceFault = { readonly pointer: string; readonly detail: string }

const isUnknownService = ({ detail }: Fault): boolean => detail.startsWith(UNKNOWN_SERVICE)

/** The refusal of what names services: first for those that the caller may not name, then `unknown_service` where nothing else is wrong. */
export function refuseTasks(faults: readonly Fault[], code: RefusalCode = 'invalid_task'): Refusal {
  const refused = faults.filter(({ detail }) => detail === NOT_ALLOWED)
  if (refused.length > 0) return refuseFaults('not_allowed', refused)
  return refuseFaults(faults.every(isUnknownService) ? 'unknown_service' : code, faults)
}
