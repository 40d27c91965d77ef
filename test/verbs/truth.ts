// The truth of reports: may a verb say this of a task, after what its statements did?
import type { ClaimedRow } from '../../src/store/claimed.ts'
import { type FencedAsked, shown, type Task } from './model.ts'
import type { Report } from './report.ts'
import type { Statement } from './tap.ts'
import type { Op, Rows, Sent } from './world.ts'

/** What one statement did to one task for one call. */
export interface Mark {
  readonly op: Op
  readonly statement: Statement<Op>
  readonly before: Task | undefined
  readonly after: Task | undefined
  readonly took: boolean
  /** It could have been taken. */
  readonly claimable: boolean
}

const UNKNOWN: ReadonlySet<string> = new Set(['lost', 'cut', 'unsent', 'late'])
export const isUnknown = ({ fault }: Statement<Op>): boolean => UNKNOWN.has(fault)

/** What is wrong with a report about a task; undefined when it is true. `marks`: of this call, in the order of its statements. */
export function truthful(op: Op, report: Report, marks: readonly Mark[], id: string): string | undefined {
  const { asked } = op
  const took = marks.filter((mark) => mark.took)
  const last = marks.at(-1)
  const says = (holds: boolean, what: string): string | undefined => (holds ? undefined : `${asked.verb} ${what}`)
  switch (report.kind) {
    case 'written':
    case 'lost':
      return isFenced(asked) && asked.id === id ? fencedIsTrue(asked, report.kind, marks) : undefined
    case 'cancelled':
      if (asked.verb !== 'cancel' || asked.id !== id) return undefined
      if (report.removed !== took.length > 0) return `cancel was told that there was ${report.removed ? 'one' : 'none'}`
      return says(
        report.notified.join() === (took[0]?.before?.node ?? ''),
        `notified to ${report.notified.join() || 'nobody'}`,
      )
    case 'claimed': {
      const rows = report.rows.filter((row) => row.id === id)
      if (rows.length !== took.length) return `${asked.verb} brought ${rows.length} of it, and took ${took.length}`
      const [row] = rows
      return row && took[0] && rowIsTrue(row, took[0])
    }
    case 'expired':
      return says(report.ids.includes(id) === took.length > 0, `says expired: ${report.ids.join()}`)
    case 'holds': {
      const node = 'node' in asked ? asked.node : ''
      const named = report.held.some((one) => one.id === id && one.token === last?.before?.token)
      return says(named === (last?.before?.node === node), 'was told something else of what it holds')
    }
    case 'failed':
      return asked.verb === 'submit' || asked.verb === 'create' ? undefined : failureIsTrue(op, report.because, marks)
    default:
      return undefined
  }
}

const FENCED: ReadonlySet<string> = new Set(['checkpoint', 'retry', 'park', 'release', 'settle'])
const isFenced = (asked: Op['asked']): asked is FencedAsked => FENCED.has(asked.verb)

/** Written: it was, or the row shows it. Lost: it was not; or its reply was lost, and the row shows nothing of it any more. */
function fencedIsTrue(asked: FencedAsked, told: 'written' | 'lost', marks: readonly Mark[]): string | undefined {
  const took = marks.some((mark) => mark.took)
  const unknown = marks.some(({ statement }) => isUnknown(statement))
  const stillShown = shown(marks.at(-1)?.after, asked)
  if (told === 'written')
    return took || (unknown && stillShown) ? undefined : `${asked.verb} is called written, and was not`
  if (stillShown && unknown) return `${asked.verb} is called lost, and the row shows it`
  const heard = marks.some((mark) => mark.took && !isUnknown(mark.statement))
  return heard ? `${asked.verb} is called lost, and was written` : undefined
}

/** What a claim brings is what the row is after it. */
function rowIsTrue(row: ClaimedRow, { before, after, op }: Mark): string | undefined {
  if (!before || !after) return `${op.asked.verb} brought what is gone`
  const body = after.state ?? after.payload
  const { service, step, attempt, fails, repeats, crashes } = after
  const lost = op.asked.verb !== 'revive' && before.node !== null
  const granted = op.asked.verb === 'grant'
  const expected = {
    service,
    body,
    step,
    attempt,
    fails,
    repeats,
    crashes,
    failed: after.status === 'failed',
    lost,
    granted,
  }
  const wrong = Object.entries(expected).find(([name, value]) => Reflect.get(row, name) !== value)
  return (
    wrong && `${op.asked.verb} brought ${wrong[0]} ${String(Reflect.get(row, wrong[0]))}, and it is ${String(wrong[1])}`
  )
}

/** An unknown outcome has an unknown statement; of anything else nothing has been applied. */
function failureIsTrue({ asked }: Op, because: string, marks: readonly Mark[]): string | undefined {
  if (FENCED.has(asked.verb) || because === 'rejected' || because === 'bug') return `${asked.verb} failed as ${because}`
  const unknown = marks.some(({ statement }) => isUnknown(statement))
  const took = marks.some((mark) => mark.took)
  if (because === 'unknown' || because === 'outcome_unknown')
    return unknown || marks.length === 0 ? undefined : `${asked.verb} says ${because}, and its outcome was heard`
  return took ? `${asked.verb} says ${because}, and was applied` : undefined
}

/** A submit that was applied has one row, and is told its id, which alone is pushed unless the node has it; one that was not is told so. */
export function truthfulSubmit(
  { asked, ...op }: Op,
  report: Report,
  sent: readonly Sent[],
  rows: Rows,
): string | undefined {
  if (asked.verb !== 'submit') return undefined
  const own = sent.filter(({ covers }) => covers.some((one) => one.asked === asked))
  const applied = own.some(({ statement }) => statement.applied && statement.text.includes('insert'))
  const unknown = own.some(({ statement }) => isUnknown(statement))
  const made = [...rows.tasks.values()].filter(({ payload }) => payload === asked.payload).map(({ id }) => id)
  const is = `${op.by?.name}: submit of ${asked.payload} made ${made.length} rows (${made.join()})`
  if (made.length !== (applied ? 1 : 0)) return `${is}, applied: ${applied}`
  if (report.kind === 'created') {
    const told = report.id === made[0] && report.pushed.join() === (report.taken ? '' : report.id)
    const row = rows.tasks.get(report.id)
    const has = asked.taker !== undefined && row?.token === asked.taker.token && row.node === asked.taker.node
    // One that was taken may have been lost since; one that its node has must have been told so.
    const owned = report.taken ? asked.taker !== undefined : !has
    return told && owned ? undefined : `${is}, and was told ${JSON.stringify(report)}, with ${JSON.stringify(row)}`
  }
  if (report.kind !== 'failed' || applied) return `${is}, and was told ${JSON.stringify(report)}`
  return report.because === (unknown ? 'outcome_unknown' : 'unavailable')
    ? undefined
    : `${is}, and it is ${report.because}`
}
