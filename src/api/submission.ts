// Reads a task from the bytes of a POST, or refuses the POST and names every fault.
import { isUtf8 } from 'node:buffer'
import { type Member, scanMembers } from '../core/json.ts'
import { MAX_DEPTH } from '../core/limits.ts'
import { type Fault, Refusal } from '../core/refusal.ts'
import { isAction, type Services } from '../core/service.ts'
import { nearest } from '../core/suggest.ts'
import type { NewTask } from '../core/task.ts'
import { pointerTo, refuseFaults } from './faults.ts'
import { PARAMETERS } from './parameters.ts'

/** Reads a task. The payload is not parsed and keeps the caller's bytes. Throws a Refusal with all faults. */
export function readTask(bytes: Buffer, services: Services): NewTask {
  const faults: Fault[] = []
  const members = distinct(membersOf(bytes), faults)
  const service = textOf(bytes, members, 'service', faults)
  const action = textOf(bytes, members, 'action', faults)
  const unknown = service !== undefined && !services.has(service) ? unknownService(service, services) : undefined
  if (unknown !== undefined) faults.push(unknown)
  if (action !== undefined && !isAction(action)) {
    faults.push({ pointer: '/action', detail: `\`action\` must be ${PARAMETERS.action.expected}.` })
  }
  const payload = members.get('payload')
  if (service === undefined || action === undefined || faults.length > 0) {
    throw refuseFaults(faults.every((fault) => fault === unknown) ? 'unknown_service' : 'invalid_task', faults)
  }
  return { service, action, payload: payload === undefined ? '{}' : sliceOf(bytes, payload) }
}

function unknownService(service: string, services: Services): Fault {
  const meant = nearest(service, services.keys())
  const hint = meant === undefined ? '' : ` Did you mean \`${meant}\`?`
  return { pointer: '/service', detail: `No service of this name is registered.${hint}` }
}

function membersOf(bytes: Buffer): readonly Member[] {
  if (bytes.length === 0) throw new Refusal('malformed_json', 'The body is empty.')
  if (!isUtf8(bytes)) throw new Refusal('malformed_json', isUtf16(bytes) ? UTF_16 : 'The body is not UTF-8.')
  const scan = scanMembers(bytes, MAX_DEPTH)
  switch (scan.kind) {
    case 'members':
      return scan.members
    case 'malformed':
      throw new Refusal('malformed_json', whyMalformed(bytes, scan.at))
    case 'too_deep':
      throw new Refusal('too_deep', `The body is nested deeper than ${MAX_DEPTH} containers.`)
    default:
      throw refuseFaults('invalid_task', [{ pointer: '', detail: 'The body must be an object.' }])
  }
}

const UTF_16 = 'The body is UTF-16: send it in UTF-8.'

/** Whether the bytes begin like UTF-16: with its byte order mark, or with a character that has one zero byte. */
const isUtf16 = ([first, second]: Uint8Array): boolean =>
  (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff) || (first === 0) !== (second === 0)

/** The detail of `malformed_json`. It names a byte order mark, which editors do not show. */
function whyMalformed(bytes: Buffer, at: number): string {
  if (isUtf16(bytes)) return UTF_16
  const marked = bytes.subarray(at, at + 3).toString('hex') === 'efbbbf'
  const why = marked ? ': there is a byte order mark (EF BB BF); send it without' : ''
  return `The body is not JSON, from its byte ${at} on (counted from 0)${why}.`
}

/** The members by name. An unknown or repeated name is one fault, however often the name occurs. */
function distinct(members: readonly Member[], faults: Fault[]): Map<string, Member> {
  const known = new Map<string, Member>()
  const told = new Set<string>()
  for (const member of members) {
    const { name } = member
    const isKnown = name === 'service' || name === 'action' || name === 'payload'
    if (isKnown && !known.has(name)) {
      known.set(name, member)
    } else if (!told.has(name)) {
      told.add(name)
      faults.push({
        pointer: pointerTo(name),
        detail: isKnown ? `\`${name}\` is given twice.` : 'A task has no such member.',
      })
    }
  }
  return known
}

/** The text of a member that must be a non-empty string. Otherwise returns undefined and adds a fault. */
function textOf(bytes: Buffer, members: Map<string, Member>, name: string, faults: Fault[]): string | undefined {
  const member = members.get(name)
  const value = member === undefined ? undefined : sliceOf(bytes, member)
  const fault =
    value === undefined
      ? 'is missing'
      : !value.startsWith('"')
        ? 'must be a string'
        : value === '""'
          ? 'is empty'
          : undefined
  if (value !== undefined && fault === undefined) return JSON.parse(value) as string
  faults.push({ pointer: pointerTo(name), detail: `\`${name}\` ${fault}.` })
  return undefined
}

const sliceOf = (bytes: Buffer, { start, end }: Member): string => bytes.toString('utf8', start, end)
