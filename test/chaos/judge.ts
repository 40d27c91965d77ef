// The judge: holds what the referee saw and what callers were told against the rows, and names every breach of a promise.
import type { Entry } from './ledger.ts'
import type { Asked } from './referee.ts'
import { cancelled } from './cancelled.ts'
import { type Evidence, type Row, requestName } from './evidence.ts'
import { LAG, doubted } from './spans.ts'

/** What the judge found. Every breach is a line of its own; figures are for people. */
export interface Verdict {
  readonly breaches: readonly string[]
  readonly figures: {
    readonly tasks: number
    readonly requests: number
    /** Requests of a step beyond those that the referee's own refusals asked for. */
    readonly repeats: number
    /** Requests of a step whose answer was recorded already, sent by nodes that were frozen or cut off. */
    readonly late: number
    readonly unknown: number
    readonly deleted: number
    /** Shortened leases that ran out, in a node that may have had too little of the machine. */
    readonly lapses?: number
    /** Times at which the rig's own process could not keep up. */
    readonly stalls?: number
    /** Half seconds in which a thread of a node waited for a core more than half of the time. */
    readonly starved?: number
  }
}

/** Judges a run whose tasks have had their time to end. */
export function judge(evidence: Evidence): Verdict {
  const court = new Court(evidence)
  return court.verdict()
}

class Court {
  readonly #by: Evidence
  readonly #breaches: string[] = []
  readonly #rows = new Map<string, Row>()
  readonly #rowsOf = new Map<number, Row[]>()
  #repeats = 0
  #late = 0

  constructor(evidence: Evidence) {
    this.#by = evidence
    for (const row of evidence.rows) {
      this.#rows.set(row.id, row)
      const own = this.#rowsOf.get(row.task)
      if (own) own.push(row)
      else this.#rowsOf.set(row.task, [row])
    }
  }

  verdict(): Verdict {
    const { ledger, referee, rows } = this.#by
    for (const { what, at, timedOut } of ledger.complaints)
      // A process that stood still for longer than a caller may take finds that the caller was too slow.
      if (
        !timedOut ||
        !this.#by.spans.some(({ doubts, from, to }) => doubts.length > 0 && at >= from && at <= to + LAG)
      )
        this.#breach(what)
    for (const entry of ledger.entries.values()) this.#existence(entry)
    // Rows without a number are a fault's own.
    for (const row of rows) if (row.task >= 0) this.#truth(row)
    this.#finality()
    let requests = 0
    for (const task of referee.tasks)
      for (const asked of byId(referee.of(task)).values()) {
        requests += asked.length
        this.#order(asked)
        for (const breach of cancelled(ledger.entry(task), asked, this.#by.spans)) this.#breach(breach)
      }
    const entries = [...ledger.entries.values()]
    return {
      breaches: this.#breaches,
      figures: {
        tasks: ledger.acknowledged.length,
        requests,
        repeats: this.#repeats,
        late: this.#late,
        unknown: entries.filter(({ unknown }) => unknown > 0).length,
        deleted: entries.filter(({ deletedAt }) => deletedAt !== undefined).length,
      },
    }
  }

  #breach(what: string): void {
    this.#breaches.push(what)
  }

  /** None lost, none doubled: a row for each acknowledged task, none for one that was refused, at most one each. */
  #existence(entry: Entry): void {
    const { task, location, unknown, deletedAt, maybeDeleted, gone } = entry
    const rows = this.#rowsOf.get(task) ?? []
    const most = (location === undefined ? 0 : 1) + unknown
    if (rows.length > most) this.#breach(`task ${task} exists ${rows.length} times; at most ${most} were asked for`)
    if (location === undefined) return
    const there = this.#rows.has(location.replace('/tasks/', ''))
    if (!there && deletedAt === undefined && !maybeDeleted) this.#breach(`${location} (task ${task}) is lost`)
    if (there && (deletedAt !== undefined || gone)) this.#breach(`${location} (task ${task}) is there after its DELETE`)
  }

  /** The row says what the referee said, of the try that counts. */
  #truth(row: Row): void {
    const { plan, referee } = this.#by
    const own = byId(referee.of(row.task)).get(row.id) ?? []
    const { steps, end } = plan(row.task)
    const name = `/tasks/${row.id} (task ${row.task})`
    if (row.status === 'pending' || row.status === 'running') {
      this.#breach(`${name} has not ended: ${row.status}, step ${row.step}, attempt ${row.attempt}, node ${row.node}`)
      return
    }
    const status = end === 200 ? 'complete' : 'failed'
    const by = Number(/"by":(\d+)/.exec(row.answer)?.[1] ?? 0)
    if (row.status !== status || row.step !== steps)
      return this.#breach(
        `${name} is ${row.status} at step ${row.step}, not ${status} at ${steps}: ${row.answer.slice(0, 200)}`,
      )
    const last = own.find(({ serial }) => serial === by)
    if (!last || row.answer !== `{"task":${row.task},"by":${by}}`)
      return this.#breach(`${name} ended with what was never answered: ${row.answer}`)
    this.#recorded(name, own, last)
  }

  /** The end is final. */
  #finality(): void {
    for (const [id, end] of this.#by.ends) {
      const row = this.#rows.get(id)
      if (row ? row.end !== end : !this.#mayBeGone(id)) this.#breach(`the end of /tasks/${id} has changed`)
    }
  }

  #mayBeGone(id: string): boolean {
    const entry = this.#by.byLocation.get(`/tasks/${id}`)
    return entry !== undefined && (entry.deletedAt !== undefined || entry.maybeDeleted)
  }

  /** Steps only go up, each with what the step before had answered; the same step again only for a reason. */
  #order(own: readonly Asked[]): void {
    const name = `/tasks/${own[0]?.id} (task ${own[0]?.task})`
    let highest = -1
    const last = new Map<number, Asked>()
    if (new Set(own.map(({ key }) => key.replace(/\.\d+"$/, ''))).size > 1)
      this.#breach(`${name} had more than one key`)
    for (const asked of own) {
      const { step, serial, key, intact } = asked
      if (!intact) this.#breach(`${name}: request ${serial} of step ${step} had a payload that nobody gave out`)
      if (!key.endsWith(`.${step}"`)) this.#breach(`${name}: request ${serial} of step ${step} had the key ${key}`)
      if (step > highest + 1) this.#breach(`${name}: step ${step} was begun after step ${highest}`)
      if (step > highest && step > 0) this.#payload(name, own, asked)
      if (step < highest) this.#lateOne(name, asked)
      const before = last.get(step)
      if (before) this.#again(name, before, asked)
      last.set(step, asked)
      highest = Math.max(highest, step)
    }
  }

  /** The first request of a step carries the answer of the step before, recorded by the claim that was good at that time. */
  #payload(name: string, own: readonly Asked[], asked: Asked): void {
    const source = own.find(({ serial }) => serial === asked.by)
    if (!source || source.step !== asked.step - 1)
      return this.#breach(`${name}: step ${asked.step} carried what step ${source?.step ?? '?'} had answered`)
    this.#recorded(name, own, source)
    for (const { step, by, serial } of own)
      if (step === asked.step && by !== asked.by)
        this.#breach(`${name}: request ${serial} of step ${step} carried another answer than the one recorded`)
  }

  /** An answer that was recorded came from the newest try of its step: an older claim's write has no effect. */
  #recorded(name: string, own: readonly Asked[], source: Asked): void {
    const after = own.find(({ step }) => step === source.step + 1)?.serial ?? Infinity
    const newest = own
      .filter(({ step, serial }) => step === source.step && serial < after)
      .reduce((most, { attempt }) => Math.max(most, attempt), 0)
    if (source.attempt < newest)
      this.#breach(
        `${name}: the answer to try ${source.attempt} of step ${source.step} was recorded after try ${newest} had begun`,
      )
  }

  #again(name: string, before: Asked, asked: Asked): void {
    const timedOut = this.#timedOut(before) || this.#timedOut(asked)
    if (asked.attempt <= before.attempt && !timedOut && !doubted(this.#by.spans, asked))
      this.#breach(`${name}: try ${asked.attempt} of step ${asked.step} after try ${before.attempt}`)
    if (before.status === 503) return
    this.#repeats += 1
    const reason = this.#by.spans.some(
      ({ excuses, of, from, to }) =>
        excuses &&
        (of === undefined || of === before.node) &&
        before.at <= to + LAG &&
        (before.end ?? Infinity) + LAG >= from &&
        asked.at >= from,
    )
    if (!reason && !timedOut && !doubted(this.#by.spans, asked))
      this.#breach(
        `${name}: step ${asked.step} was sent again (request ${asked.serial} of ${asked.node}, ${asked.at - before.at} ms after ${before.serial} of ${before.node}, which ended with ${before.status} at ${new Date(before.end ?? 0).toISOString()}) without a fault`,
      )
  }

  #timedOut(asked: Asked): boolean {
    return this.#by.timedOut.has(requestName(asked))
  }

  #lateOne(name: string, asked: Asked): void {
    this.#late += 1
    if (!this.#timedOut(asked) && !doubted(this.#by.spans, asked))
      this.#breach(`${name}: request ${asked.serial} of step ${asked.step} began after a later step (${asked.node})`)
  }
}

/** The requests of each row; a task whose POST had an unknown outcome may have been posted more than once. */
function byId(asked: readonly Asked[]): Map<string, Asked[]> {
  const own = new Map<string, Asked[]>()
  for (const one of asked) {
    const list = own.get(one.id)
    if (list) list.push(one)
    else own.set(one.id, [one])
  }
  return own
}
