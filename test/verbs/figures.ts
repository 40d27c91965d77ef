// The figures of a run: how often each verb was called, what it was told, and what became of its statements.
import type { Heard } from './interleave.ts'
import type { Verb } from './model.ts'
import type { Op } from './world.ts'

const COLUMNS = ['calls', 'told no', 'reply lost', 'never applied', 'applied late', 'refused'] as const
type Column = (typeof COLUMNS)[number]

const OF_FAULT = {
  none: undefined,
  lost: 'reply lost',
  cut: 'reply lost',
  unsent: 'never applied',
  late: 'applied late',
  refused: 'refused',
} as const

export class Figures {
  sequences = 0
  rounds = 0
  /** Rounds whose calls were made at the same time: their statements took turns, or ran as they would. */
  turns = 0
  atOnce = 0
  /** Tasks that had ended when their sequence was drained. */
  ended = 0
  readonly #verbs = new Map<Verb, Record<Column, number>>()

  count(ops: readonly Op[], { reports, sent, held }: Heard): void {
    this.rounds += 1
    if (ops.length > 1) this[held ? 'turns' : 'atOnce'] += 1
    for (const [{ asked, standsFor }, report] of reports) {
      if (standsFor) continue
      this.#add(asked.verb, 'calls')
      const nothing = report.kind === 'claimed' && report.rows.length === 0
      if (report.kind === 'lost' || nothing || (report.kind === 'cancelled' && !report.removed))
        this.#add(asked.verb, 'told no')
    }
    for (const { statement } of sent) {
      const column = OF_FAULT[statement.fault]
      if (column) this.#add(statement.by.asked.verb, column)
    }
  }

  #add(verb: Verb, column: Column): void {
    const row = this.#verbs.get(verb) ?? {
      calls: 0,
      'told no': 0,
      'reply lost': 0,
      'never applied': 0,
      'applied late': 0,
      refused: 0,
    }
    row[column] += 1
    this.#verbs.set(verb, row)
  }

  /** In one line. */
  get words(): string {
    const count = (n: number): string => n.toLocaleString('en')
    const all = [...this.#verbs.values()]
    const sum = (column: Column): number => all.reduce((total, row) => total + row[column], 0)
    const lost = COLUMNS.slice(2).map((column) => `${column} ${count(sum(column))}`)
    return `sequences ${count(this.sequences)}; rounds ${count(this.rounds)}, of them several calls in turns ${count(this.turns)} and at once ${count(this.atOnce)}; calls ${count(sum('calls'))}; statements: ${lost.join(', ')}; tasks seen to end ${count(this.ended)}`
  }

  /** By verb. */
  get table(): { readonly head: readonly string[]; readonly rows: string[][] } {
    const rows = [...this.#verbs].sort(([, one], [, other]) => other.calls - one.calls)
    return {
      head: ['call', ...COLUMNS],
      rows: rows.map(([verb, row]) => [verb, ...COLUMNS.map((column) => row[column].toLocaleString('en'))]),
    }
  }
}
