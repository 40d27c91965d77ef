// Faults of the input, collected so that one refusal names all of them.
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

/** The fault of a member that names a service which is not registered here. Suggests the nearest name. */
export function unknownService(pointer: string, service: string, services: Services): UnknownService {
  const meant = nearest(service, services.keys())
  const suggestion = meant === undefined ? '' : ` Did you mean \`${meant}\`?`
  return { pointer, detail: `${UNKNOWN_SERVICE}${suggestion}` }
}

const UNKNOWN_SERVICE = 'No service of this name is registered.'

type UnknownService = { readonly pointer: string; readonly detail: string }

/** Whether a fault says that a service is not registered here. */
export const isUnknownService = ({ detail }: Fault): boolean => detail.startsWith(UNKNOWN_SERVICE)

/** The refusal of one or more tasks with these faults: `unknown_service` where nothing else is wrong. */
export const refuseTasks = (faults: readonly Fault[]): Refusal =>
  refuseFaults(faults.every(isUnknownService) ? 'unknown_service' : 'invalid_task', faults)
