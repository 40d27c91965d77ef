// Calls of several verbs at once: their statements and replies take turns in a drawn order, or all run as they will.
import { MOST_READ_BACKS } from '../../src/store/inserts.ts'
import { type Report, reported } from './report.ts'
import { type Fault, Passage, type Statement } from './tap.ts'
import type { Op, Sent, World } from './world.ts'

/** How calls meet. */
export interface Plan {
  /** Whose turn it is, by numbers that are taken around; undefined: all at once. */
  readonly order: readonly number[] | undefined
  /** What becomes of the statements, in the order of their sending. */
  readonly faults: readonly Fault[]
}

/** What came of them. */
export interface Heard {
  readonly reports: ReadonlyMap<Op, Report>
  /** In the order in which they were applied, where they took turns. */
  readonly sent: readonly Sent[]
  readonly held: boolean
}

/** The verbs whose calls share a statement with others of their kind and store. */
const BATCHED: ReadonlySet<string> = new Set(['submit', 'cancel', 'checkpoint', 'retry', 'park', 'release', 'settle'])

/** Runs the calls, and returns when each has been told how it ended. */
export async function interleave(world: World, ops: readonly Op[], { order, faults }: Plan): Promise<Heard> {
  const held = order !== undefined
  const reports = new Map<Op, Report>()
  const failures: unknown[] = []
  const sent: Sent[] = []
  const waitingFaults = [...faults]
  const passage = new Passage<Op>({
    held,
    fault: ({ by }) => (by ? (waitingFaults.shift() ?? 'none') : 'none'),
    sent: (statement) => {
      const unfinished = started.filter((op) => !reports.has(op))
      const covers = coveredBy(statement, unfinished, carriers)
      sent.push({ statement, covers })
      if (!isRead(statement)) for (const op of covers) carriers.set(op, statement)
    },
  })
  const carriers = new Map<Op, Statement<Op>>()
  const started: Op[] = []
  const running: Promise<void>[] = []
  const start = (op: Op): void => {
    started.push(op)
    const ending = world.tap
      .within(op, passage, () => reported(op.run()))
      .then((report) => void reports.set(op, report))
      .catch((error: unknown) => void failures.push(error))
      .finally(() => passage.changed())
    running.push(ending)
  }
  if (held) await inTurns(passage, ops, order, { start, started, carriers, reports, failures })
  else for (const op of ops) start(op)
  await Promise.all(running)
  if (failures.length > 0) throw failures[0]
  for (const one of sent) if (one.statement.fault === 'late' && !isRead(one.statement)) world.late.push(one)
  return { reports, sent, held }
}

interface Running {
  start(op: Op): void
  readonly started: readonly Op[]
  /** The statement that each call was last written by. */
  readonly carriers: ReadonlyMap<Op, Statement<Op>>
  readonly reports: ReadonlyMap<Op, Report>
  readonly failures: readonly unknown[]
}

/** One turn after the other: a call begins, a statement is applied, or a reply arrives. */
async function inTurns(
  passage: Passage<Op>,
  ops: readonly Op[],
  order: readonly number[],
  running: Running,
): Promise<void> {
  const { start, started, carriers, reports, failures } = running
  // What is under way is settled when each call, or the batch that carries it, waits for its turn.
  const lines = (): number => {
    const unfinished = started.filter((op) => !reports.has(op))
    const looks = new Map(unfinished.map((op) => [op, lookedFor(op, carriers.get(op))] as const))
    // Where so many inserts of a node are looked for, its next one is not sent before one of them is found.
    const full = (op: Op): boolean => {
      const own = unfinished.filter((other) => other.by === op.by).flatMap((other) => looks.get(other) ?? [])
      return op.asked.verb === 'submit' && new Set(own).size >= MOST_READ_BACKS
    }
    return new Set(unfinished.flatMap((op) => looks.get(op) ?? (full(op) ? [] : [lineOf(op)]))).size
  }
  for (let turn = 0; ; turn += 1) {
    const next = ops[started.length]
    const moves = [...(next ? [() => start(next)] : []), ...passage.waiting]
    const move = moves[(order[turn] ?? 0) % Math.max(1, moves.length)]
    if (!move) return
    move()
    await passage.until(() => failures.length > 0 || passage.waiting.length === lines())
    if (failures.length > 0) {
      passage.letGo()
      return
    }
  }
}

/** What has one statement in flight at a time: a batch, or a call by itself. */
const lineOf = (op: Op): unknown => {
  const { asked, by } = op
  if (!by) return op
  // Those with one key take turns.
  if (asked.verb === 'create') return asked.key === null ? op : `${by.name} create ${asked.key}`
  return BATCHED.has(asked.verb) ? `${by.name} ${asked.verb}` : op
}

/** Submits whose insert was not heard of are looked for beside the next insert: they are no part of its batch any more. */
const lookedFor = ({ asked }: Op, carrier: Statement<Op> | undefined): unknown =>
  asked.verb === 'submit' && carrier?.unheard ? carrier : undefined

/** What writes by a function begins with a select as well. */
export const isRead = ({ text }: Statement<Op>): boolean => /^\s*select\b(?! \* from task_api_)/i.test(text)

/** Whose statement it is. */
function coveredBy(
  statement: Statement<Op>,
  ops: readonly Op[],
  carriers: ReadonlyMap<Op, Statement<Op>>,
): readonly Op[] {
  const { by, values } = statement
  if (by.standsFor) return by.standsFor
  if (lineOf(by) === by || by.asked.verb === 'create') return [by]
  // An insert is looked for by its keys.
  if (by.asked.verb === 'submit' && isRead(statement))
    return ops.filter((op) => String(carriers.get(op)?.values[0]) === String(values[1]))
  return ops.filter((op) => lineOf(op) === lineOf(by) && names(values, op, isRead(statement)))
}

function names(values: readonly unknown[], { asked }: Op, read: boolean): boolean {
  const [ids, tokens, , payloads] = values.map((value) => (Array.isArray(value) ? value.map(String) : []))
  if (asked.verb === 'submit') return payloads?.includes(asked.payload) === true
  if (!('id' in asked) || !ids) return false
  if (read || !('token' in asked)) return ids.includes(asked.id)
  return ids.some((id, i) => id === asked.id && tokens?.[i] === String(asked.token))
}
