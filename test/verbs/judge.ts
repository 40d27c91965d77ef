// The judge: is there an order of what was applied in which the model ends as the rows are, and every report is true?
import { type Heard, isRead } from './interleave.ts'
import { type Asked, effect, leasesAfter, type Leases, type Task } from './model.ts'
import { type Mark, truthful, truthfulSubmit } from './truth.ts'
import type { Op, Rows, Sent, World } from './world.ts'

/** A rule that does not hold. */
export class Violation extends Error {}

/** A statement with the leases that held when it was applied. */
interface Moment extends Sent {
  readonly leases: Leases
}

/** How one task went: where it ended, and what each statement did to it. */
interface Way {
  readonly end: Task | undefined
  readonly marks: readonly Mark[]
}

/** Judges what was heard against the rows; the model after it. Throws a `Violation`. */
export function judge(model: World['model'], rows: Rows, heard: Heard): World['model'] {
  const moments: Moment[] = []
  let { leases } = model
  for (const one of heard.sent) {
    moments.push({ ...one, leases })
    if (!one.statement.applied || isRead(one.statement)) continue
    for (const { asked } of one.covers) leases = leasesAfter(leases, asked)
  }
  same('leases', Object.fromEntries(leases), Object.fromEntries(rows.leases))
  for (const [op, report] of heard.reports)
    if (report.kind === 'beat') beatIsTrue(op, report.held, moments)
    else if (report.kind !== 'done') told(truthfulSubmit(op, report, heard.sent, rows))
  const addressed = [...heard.reports.keys()].flatMap(({ asked }) => ('id' in asked ? [asked.id] : []))
  const marks: Mark[] = []
  for (const id of new Set([...model.tasks.keys(), ...rows.tasks.keys(), ...addressed]))
    marks.push(...explain(id, model.tasks.get(id), rows, moments, heard))
  passesAreFull(marks, heard)
  return { tasks: rows.tasks, leases }
}

function told(wrong: string | undefined): void {
  if (wrong !== undefined) throw new Violation(wrong)
}

function same(what: string, expected: unknown, actual: unknown): void {
  const [one, other] = [expected, actual].map((value) => JSON.stringify(sorted(value)))
  if (one !== other) throw new Violation(`${what}\n  by the model ${one}\n  by Postgres  ${other}`)
}

const sorted = (value: unknown): unknown =>
  typeof value === 'object' && value !== null
    ? Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)))
    : value

const equal = (one: Task | undefined, other: Task | undefined): boolean =>
  JSON.stringify(sorted(one)) === JSON.stringify(sorted(other))

/** Finds a way in which the task became what its row is, such that all reports of it are true. */
function explain(
  id: string,
  start: Task | undefined,
  rows: Rows,
  moments: readonly Moment[],
  heard: Heard,
): readonly Mark[] {
  const row = rows.tasks.get(id)
  const payload = start?.payload ?? row?.payload
  let first: Way | undefined
  let wrong: string | undefined
  const relevant = moments.filter(({ covers }) => covers.some(({ asked }) => concerns(asked, id, payload)))
  for (const way of ways(start, relevant, { id, payload, heard })) {
    first ??= way
    if (!equal(way.end, row)) continue
    const reports = [...heard.reports].map(([op, report]) =>
      truthful(
        op,
        report,
        way.marks.filter((mark) => mark.op === op),
        id,
      ),
    )
    const lie = reports.find((one) => one !== undefined)
    if (lie === undefined) return way.marks
    wrong ??= lie
  }
  if (wrong !== undefined)
    throw new Violation(`task ${id}: ${wrong}\n  before ${JSON.stringify(start)}\n  now    ${JSON.stringify(row)}`)
  same(`task ${id}, which was ${JSON.stringify(start)}`, first?.end, row)
  throw new Violation(`task ${id}: no order explains it`)
}

interface Scene {
  readonly id: string
  readonly payload: string | undefined
  readonly heard: Heard
}

/** Every way that a task may have gone: one where statements took turns, else one for each order that each sender's own admits. */
function* ways(
  start: Task | undefined,
  moments: readonly Moment[],
  scene: Scene,
  marks: readonly Mark[] = [],
): Generator<Way> {
  if (moments.length === 0) yield { end: start, marks }
  const { held } = scene.heard
  for (const [i, moment] of moments.entries()) {
    // What has an earlier statement of the same sender before it is not the next.
    if (i > 0 && (held || moments.slice(0, i).some((earlier) => overlaps(earlier, moment)))) continue
    const rest = moments.filter((_, at) => at !== i)
    const moved = at(start, moment, moment.covers, scene)
    for (const way of moved) yield* ways(way.end, rest, scene, [...marks, ...way.marks])
  }
}

const overlaps = (one: Sent, other: Sent): boolean => one.covers.some((op) => other.covers.includes(op))

/** What one statement may make of a task, its calls one after the other. */
function* at(task: Task | undefined, moment: Moment, [op, ...others]: readonly Op[], scene: Scene): Generator<Way> {
  if (!op) {
    yield { end: task, marks: [] }
    return
  }
  const { statement, leases } = moment
  const quiet = { op, statement, before: task, after: task, took: false, claimable: false }
  const makes = op.asked.verb === 'submit' || op.asked.verb === 'create'
  const foreign = makes && op.asked.payload !== scene.payload
  const read = isRead(statement)
  const did = statement.applied && !read && !foreign ? effect(task, op.asked, leases, scene.id) : undefined
  const marks: Mark[] = []
  if (did) marks.push({ ...quiet, after: did.to, took: true })
  // A row that another statement has locked is skipped, a full pass has its limits, and a key or a `unique` may have its task.
  const contended = !scene.heard.held && scene.heard.sent.length > 1
  const skips =
    ['pass', 'claim', 'grant', 'create'].includes(op.asked.verb) || (op.asked.verb === 'expire' && contended)
  if (!did || skips) marks.push({ ...quiet, claimable: did !== undefined })
  for (const mark of marks)
    for (const way of at(mark.after, moment, others, scene)) yield { end: way.end, marks: [mark, ...way.marks] }
}

function beatIsTrue(op: Op, held: boolean | undefined, moments: readonly Moment[]): void {
  const lease = moments
    .findLast(({ covers }) => covers.includes(op))
    ?.leases.get('node' in op.asked ? op.asked.node : '')
  const expected = lease === undefined ? undefined : lease === 'held'
  if (held !== expected) throw new Violation(`a beat was told that its lease held: ${held}, and it is ${expected}`)
}

/** A full pass brings no more than it has room for, and nothing stays behind that it had room for. */
function passesAreFull(marks: readonly Mark[], { held, sent }: Heard): void {
  for (const { statement, covers } of sent)
    for (const { asked } of covers) {
      if (asked.verb !== 'pass') continue
      const own = marks.filter((mark) => mark.statement === statement)
      const taken = own.filter(({ took }) => took)
      if (taken.length > asked.limit)
        throw new Violation(`a full pass with a limit of ${asked.limit} took ${taken.length}`)
      for (const [service, room] of asked.room) {
        const count = taken.filter(({ before }) => before?.service === service).length
        if (count > room) throw new Violation(`a full pass with room for ${room} of ${service} took ${count}`)
        if (!statement.applied || taken.length === asked.limit || count === room || (!held && sent.length > 1)) continue
        const left = own.find(({ before, took, claimable }) => !took && claimable && before?.service === service)
        if (left) throw new Violation(`a full pass left task ${left.before?.id} behind: ${JSON.stringify(left.before)}`)
      }
    }
}

/** Whether a call could touch, or be told of, a task. */
function concerns(asked: Asked, id: string, payload: string | undefined): boolean {
  if (asked.verb === 'submit' || asked.verb === 'create') return asked.payload === payload
  if (asked.verb === 'revive') return asked.orphans.some((one) => one.id === id)
  return !('id' in asked) || asked.id === id
}
