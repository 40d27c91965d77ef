// What the doctor finds: the rows of its checks, and the findings that they lead to.

/** What a check comes to. A warning is no reason not to start; with a fault a node does not work as promised. */
export type State = 'ok' | 'warning' | 'fault'

/** The end of one check. */
export interface Verdict {
  readonly state: State
  /** What is so: one line without secrets. */
  readonly what: string
  /** What to do, where that is more precise than the mend of the row. */
  readonly mend?: string | undefined
}

/** One row a check. docs/cli.md prints these rows. The judgement is pure: what was asked goes in, and a verdict comes out. */
export interface Check<Facts> {
  readonly asks: string
  /** What to do about a warning or a fault: one sentence. */
  readonly mend: string
  judge(facts: Facts): Verdict | readonly Verdict[]
}

export type Checks<Facts> = Readonly<Record<string, Check<Facts>>>

/** A verdict with the name of its check, such as `postgres.encoding`. */
export interface Finding {
  readonly check: string
  readonly state: State
  readonly what: string
  /** Null where all is well. */
  readonly mend: string | null
}

export const ok = (what: string): Verdict => ({ state: 'ok', what })
export const warning = (what: string, mend?: string): Verdict => ({ state: 'warning', what, mend })
export const fault = (what: string, mend?: string): Verdict => ({ state: 'fault', what, mend })

/** Judges all rows of a table by the same facts. */
export const judged = <Facts>(part: string, checks: Checks<Facts>, facts: Facts): Finding[] =>
  Object.entries(checks).flatMap(([name, { mend, judge }]) =>
    [judge(facts)].flat().map((verdict) => findingOf(`${part}.${name}`, verdict, mend)),
  )

/** A finding; `mend` is that of its row. */
export const findingOf = (check: string, { state, what, mend: own }: Verdict, mend: string): Finding => ({
  check,
  state,
  what,
  mend: state === 'ok' ? null : (own ?? mend),
})
