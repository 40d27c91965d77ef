// The sweep's share: while pops keep a service's slots busy, a tenth of them goes to rows that have been due for long.
// A debt is a number of slots that pops must leave free; once they are free the sweep fills them, and the debt is paid.

const SHARE = 0.1

interface Account {
  /** Slots that pops leave free; 0: no debt. */
  owed: number
  /** Slots that must come free before the next debt; Infinity: only the next tick makes one. */
  until: number
  /** Whether the debt was there at the last tick already. */
  stale: boolean
}

/** Debts by service. */
export class Share {
  readonly #accounts = new Map<string, Account>()
  readonly #limit: (service: string) => number
  readonly #room: (service: string) => number
  #turn = 0

  /**
   * @param limit the most tasks of a service that this node takes
   * @param room how many more it may take now
   */
  constructor(limit: (service: string) => number, room: (service: string) => number) {
    this.#limit = limit
    this.#room = room
  }

  /** How many slots of a service pops must leave free. */
  owed(service: string): number {
    return this.#accounts.get(service)?.owed ?? 0
  }

  /** Once a second: each service that pops keep full is owed a share, to see whether anything has waited for long. */
  tick(services: readonly string[]): void {
    for (const service of services) {
      const account = this.#accounts.get(service)
      // Others fill the node again and again before so many slots are free: it is content with what there is.
      if (account?.stale && account.owed > 0) account.owed = Math.max(1, Math.min(account.owed, this.#room(service)))
      if (account) account.stale = account.owed > 0
      if (this.#room(service) < 1) this.#owe(service)
    }
  }

  /** A slot came free; true when a debt can be paid now. */
  freed(service: string): boolean {
    const account = this.#accounts.get(service)
    if (!account) return false
    if (account.owed === 0 && --account.until <= 0) this.#owe(service)
    return this.payable(service)
  }

  /** Whether a debt can be paid now. */
  payable(service: string): boolean {
    const owed = this.owed(service)
    return owed > 0 && this.#room(service) >= owed
  }

  /** The debts whose slots are free. */
  debts(): Map<string, number> {
    const ready = [...this.#accounts].filter(([service]) => this.payable(service))
    // Together they may ask for more than the node has free: each time another one comes first.
    this.#turn = (this.#turn + 1) % Math.max(1, ready.length)
    const rotated = [...ready.slice(this.#turn), ...ready.slice(0, this.#turn)]
    return new Map(rotated.map(([service, { owed }]) => [service, owed]))
  }

  /** A debt was paid. `more`: as many rows as asked for had waited, so the next share follows when its turn comes. */
  paid(service: string, more: boolean): void {
    const until = more ? this.#share(service) * (1 / SHARE - 1) : Infinity
    this.#accounts.set(service, { owed: 0, until, stale: false })
  }

  #owe(service: string): void {
    if (this.owed(service) === 0)
      this.#accounts.set(service, { owed: this.#share(service), until: Infinity, stale: false })
  }

  #share(service: string): number {
    return Math.max(1, Math.ceil(this.#limit(service) * SHARE))
  }
}
