// Reads tasks from the bytes of a POST, or refuses the POST and names every fault.
import { isUtf8 } from 'node:buffer'
import { type Item, type Member, type MembersScan, scanItems, scanMembers } from '../core/json.ts'
import { MAX_BATCH, MAX_BODY, MAX_DEPTH, MAX_FAULTS } from '../core/limits.ts'
import { type Fault, Refusal, type RefusalCode } from '../core/refusal.ts'
import { isAction } from '../core/service.ts'
import type { NewTask } from '../core/task.ts'
import { faultOfService, type Nameable, pointerTo, refuseFaults, refuseTasks } from './faults.ts'
import { isOption, type OptionName, readOption } from './options.ts'
import { PARAMETERS } from './parameters.ts'

/** Reads a task. The payload is not parsed and keeps the caller's bytes. Throws a Refusal with all faults. */
export function readTask(bytes: Buffer, by: Nameable): NewTask {
  const members = readMembers(bytes)
  const faults: Fault[] = []
  const task = taskOf(bytes, members, by, '', faults)
  if (task === undefined) throw refuseTasks(faults)
  return task
}

/** The members of a body that is a JSON object. Throws a Refusal. */
export function readMembers(bytes: Buffer, code: RefusalCode = 'invalid_task'): readonly Member[] {
  const scan = checked(bytes, () => scanMembers(bytes, MAX_DEPTH))
  if (scan.kind === 'members') return scan.members
  throw refuseFaults(code, [{ pointer: '', detail: 'The body must be an object.' }])
}

/** Reads the tasks of a batch, likewise. */
export function readBatch(bytes: Buffer, by: Nameable): NewTask[] {
  const scan = checked(bytes, () => scanItems(bytes, MAX_DEPTH, MAX_BATCH))
  if (scan.kind !== 'items' || scan.more || scan.items.length === 0)
    throw refuseFaults('invalid_task', [
      { pointer: '', detail: `The body must be an array of 1 to ${MAX_BATCH} tasks.` },
    ])
  const faults: Fault[] = []
  const tasks: (NewTask | undefined)[] = []
  for (const [place, item] of scan.items.entries()) {
    tasks.push(itemOf(bytes, item, by, `/${place}`, faults))
    if (faults.length >= MAX_FAULTS) break
  }
  if (faults.length > 0) throw refuseTasks(faults)
  return tasks.filter((task) => task !== undefined)
}

function itemOf(bytes: Buffer, item: Item, by: Nameable, at: string, faults: Fault[]): NewTask | undefined {
  const { start, end, members } = item
  if (members && end - start <= MAX_BODY) return taskOf(bytes, members, by, at, faults)
  faults.push({ pointer: at, detail: members ? 'A task must not be over 1 MiB.' : 'A task must be an object.' })
  return undefined
}

/** Reads a task from its members. Undefined where there are faults; `at` is the pointer to the task. */
export function taskOf(
  bytes: Buffer,
  given: readonly Member[],
  by: Nameable,
  at: string,
  faults: Fault[],
): NewTask | undefined {
  const before = faults.length
  const members = distinct(given, at, faults)
  const service = textOf(bytes, members, 'service', at, faults)
  const action = textOf(bytes, members, 'action', at, faults)
  const fault = service === undefined ? undefined : faultOfService(`${at}/service`, service, by)
  if (fault !== undefined) faults.push(fault)
  if (action !== undefined && !isAction(action))
    faults.push({ pointer: `${at}/action`, detail: `\`action\` must be ${PARAMETERS.action.expected}.` })
  const options = optionsOf(bytes, members, by, at, faults)
  if (service === undefined || action === undefined || faults.length > before) return undefined
  const member = members.get('payload')
  const payload = member === undefined ? '{}' : sliceOf(bytes, member)
  return options === undefined ? { service, action, payload } : { service, action, payload, options }
}

/** The optional members; undefined where there are none. */
function optionsOf(
  bytes: Buffer,
  members: ReadonlyMap<string, Member>,
  by: Nameable,
  at: string,
  faults: Fault[],
): NewTask['options'] {
  let options: Partial<Record<OptionName, unknown>> | undefined
  for (const [name, member] of members)
    if (isOption(name)) (options ??= {})[name] = readOption(name, sliceOf(bytes, member), `${at}/${name}`, by, faults)
  if (options?.delay !== undefined && options.runAt !== undefined)
    faults.push({ pointer: `${at}/runAt`, detail: 'Only one of `delay` and `runAt` may be given.' })
  return options as NewTask['options']
}

type Refused = Extract<MembersScan, { kind: 'malformed' | 'too_deep' }>

/** The scan of a body that is JSON. Throws a Refusal for any other. */
function checked<Scan extends { readonly kind: string }>(
  bytes: Buffer,
  scanned: () => Scan | Refused,
): Exclude<Scan, Refused> {
  if (bytes.length === 0) throw new Refusal('malformed_json', 'The body is empty.')
  if (!isUtf8(bytes)) throw new Refusal('malformed_json', isUtf16(bytes) ? UTF_16 : 'The body is not UTF-8.')
  const scan = scanned()
  if (scan.kind === 'malformed') throw new Refusal('malformed_json', whyMalformed(bytes, (scan as { at: number }).at))
  if (scan.kind === 'too_deep') throw new Refusal('too_deep', `The body is nested deeper than ${MAX_DEPTH} containers.`)
  return scan as Exclude<Scan, Refused>
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
function distinct(members: readonly Member[], at: string, faults: Fault[]): Map<string, Member> {
  const known = new Map<string, Member>()
  const told = new Set<string>()
  for (const member of members) {
    const { name } = member
    const isKnown = name === 'service' || name === 'action' || name === 'payload' || isOption(name)
    if (isKnown && !known.has(name)) {
      known.set(name, member)
    } else if (!told.has(name)) {
      told.add(name)
      faults.push({
        pointer: at + pointerTo(name),
        detail: isKnown ? `\`${name}\` is given twice.` : 'A task has no such member.',
      })
    }
  }
  return known
}

/** The text of a member that must be a non-empty string. Otherwise returns undefined and adds a fault. */
function textOf(
  bytes: Buffer,
  members: ReadonlyMap<string, Member>,
  name: string,
  at: string,
  faults: Fault[],
): string | undefined {
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
  faults.push({ pointer: at + pointerTo(name), detail: `\`${name}\` ${fault}.` })
  return undefined
}

const sliceOf = (bytes: Buffer, { start, end }: Member): string => bytes.toString('utf8', start, end)
