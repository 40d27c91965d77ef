// The ledger: what callers were told. Nothing but answers of the API gets into it.

/** What became of one task's POST. */
export interface Entry {
  readonly task: number
  /** `/tasks/1`; undefined: never acknowledged. */
  location: string | undefined
  /** When it was acknowledged, `Date.now()`. */
  at: number
  /** Whether some try of it had an unknown outcome: it may exist all the same, once for each such try. */
  unknown: number
  /** Answers 503 that said nothing was created. */
  refused: number
  /** When a DELETE was acknowledged with 204, and through which node it was sent. */
  deletedAt: number | undefined
  deletedBy: string | undefined
  /** Whether some DELETE had an unknown outcome. */
  maybeDeleted: boolean
  /** Whether a DELETE was told that there is no such task any more. */
  gone: boolean
}

/** An answer of the API that callers should never see. */
export interface Complaint {
  readonly at: number
  readonly what: string
  /** Whether it was a 408: the caller had been too slow, by the clock of the node. */
  readonly timedOut: boolean
}

export class Ledger {
  readonly entries = new Map<number, Entry>()
  readonly complaints: Complaint[] = []

  entry(task: number): Entry {
    const found = this.entries.get(task)
    if (found) return found
    const entry: Entry = {
      task,
      location: undefined,
      at: 0,
      unknown: 0,
      refused: 0,
      deletedAt: undefined,
      deletedBy: undefined,
      maybeDeleted: false,
      gone: false,
    }
    this.entries.set(task, entry)
    return entry
  }

  /** Calls whose connection broke before their answer, in words. */
  readonly broken: string[] = []

  /** Connections that nobody took. */
  closed = 0

  complain(what: string, timedOut = false): void {
    this.complaints.push({ at: Date.now(), what, timedOut })
  }

  /** Tasks that exist by what callers were told. */
  get acknowledged(): Entry[] {
    return [...this.entries.values()].filter(({ location }) => location !== undefined)
  }
}
