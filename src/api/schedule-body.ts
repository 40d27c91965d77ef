// Reads a schedule from the body of a PUT, or refuses the PUT and names every fault.
import { scanMembers } from '../core/json.ts'
import { FIELDS, isCron, MAX_CRON, timesAfter, ZONE, zoneOf } from '../core/cron.ts'
import type { Schema } from '../core/json-schema.ts'
import { MAX_DEPTH } from '../core/limits.ts'
import type { Fault } from '../core/refusal.ts'
import { DEFAULT_ZONE, MISSED, type NewSchedule, OVERLAPS } from '../core/schedule.ts'
import type { NewTask } from '../core/task.ts'
import { membersIn } from './changes.ts'
import { type Nameable, refuseTasks } from './faults.ts'
import { taskOf } from './submission.ts'

/** One member of a schedule beside its task. */
interface Member<T> {
  /** Absent: it must be given. */
  readonly fallback?: T
  readonly expected: string
  /** What it does, for the OpenAPI document. */
  readonly meaning: string
  /** Accepts all that `accepts` does, and little more. */
  readonly schema: Schema
  accepts(value: unknown): value is T
}

const oneOf = <T extends string>(values: readonly T[], fallback: T, meaning: string): Member<T> => ({
  fallback,
  meaning,
  schema: { type: 'string', enum: values },
  expected: `one of ${values.join(', ')}`,
  accepts: (value): value is T => values.includes(value as T),
})

/** One row a member. */
export const MEMBERS = {
  cron: {
    expected: 'a cron expression of 5 or 6 fields, such as "0 3 * * *"',
    meaning: 'Minute, hour, day of month, month, day of week; of six fields the first is the second.',
    schema: { type: 'string', maxLength: MAX_CRON, pattern: FIELDS.source },
    accepts: (value): value is string => typeof value === 'string' && isCron(value),
  },
  timezone: {
    fallback: DEFAULT_ZONE,
    expected: 'the name of a time zone, such as "Europe/Berlin"',
    meaning: 'The zone of the fields: an IANA name.',
    schema: { type: 'string', pattern: ZONE.source },
    accepts: (value): value is string => typeof value === 'string' && zoneOf(value) !== undefined,
  },
  overlap: oneOf(OVERLAPS, 'allow', '`skip`: no task while the newest task of the schedule has not ended.'),
  missed: oneOf(MISSED, 'one', 'Of the times that were missed: one task for all of them, or none.'),
  paused: {
    fallback: false,
    expected: 'true or false',
    meaning: 'A paused schedule makes no tasks.',
    schema: { type: 'boolean' },
    accepts: (value): value is boolean => typeof value === 'boolean',
  },
} as const satisfies Record<string, Member<string> | Member<boolean>>

/** What the task of a schedule cannot have: the schedule says when it begins, and how often it may be there. */
export const NOT_OF_A_SCHEDULE = ['unique', 'delay', 'runAt']

/** Reads a schedule. Throws a `Refusal` with all faults. */
export function readSchedule(name: string, body: Buffer, by: Nameable): NewSchedule {
  const { given, faults } = membersIn(body, [...Object.keys(MEMBERS), 'task'], 'invalid_schedule')
  const read = <T>(member: keyof typeof MEMBERS, row: Member<T>): T | undefined => {
    const json = given.get(member)
    const value: unknown = json === undefined ? row.fallback : JSON.parse(json)
    if (row.accepts(value)) return value
    const detail = json === undefined ? `\`${member}\` is missing.` : `\`${member}\` must be ${row.expected}.`
    faults.push({ pointer: `/${member}`, detail })
    return undefined
  }
  const cron = read<string>('cron', MEMBERS.cron)
  const timezone = read<string>('timezone', MEMBERS.timezone)
  const overlap = read('overlap', MEMBERS.overlap)
  const missed = read('missed', MEMBERS.missed)
  const paused = read<boolean>('paused', MEMBERS.paused)
  // Which day it is does not matter: the years ahead have every date that there is.
  if (cron !== undefined && timesAfter({ cron, timezone: DEFAULT_ZONE }, Date.now(), 1).length === 0)
    faults.push({ pointer: '/cron', detail: '`cron` names a time that never comes.' })
  const task = readTaskIn(given.get('task'), by, faults)
  if (
    faults.length === 0 &&
    task &&
    cron !== undefined &&
    timezone !== undefined &&
    overlap &&
    missed &&
    paused !== undefined
  )
    return { name, cron, timezone, task: { ...task, schedule: name }, overlap, missed, paused }
  throw refuseTasks(faults, 'invalid_schedule')
}

function readTaskIn(json: string | undefined, by: Nameable, faults: Fault[]): NewTask | undefined {
  const bytes = Buffer.from(json ?? '')
  const scan = scanMembers(bytes, MAX_DEPTH)
  if (scan.kind !== 'members') {
    faults.push({ pointer: '/task', detail: json === undefined ? '`task` is missing.' : '`task` must be an object.' })
    return undefined
  }
  for (const name of NOT_OF_A_SCHEDULE)
    if (scan.members.some((member) => member.name === name))
      faults.push({ pointer: `/task/${name}`, detail: `The task of a schedule has no \`${name}\`.` })
  const members = scan.members.filter(({ name }) => !NOT_OF_A_SCHEDULE.includes(name))
  return taskOf(bytes, members, by, '/task', faults)
}
