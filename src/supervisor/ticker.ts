// A loop with a rhythm: runs something again and again, one run at a time, with a catch, a backoff and a way to stop.
import type { Part } from '../core/part.ts'
import { StoreError } from '../store/trouble.ts'
import type { Log } from '../telemetry/log.ts'

interface TickerOptions {
  readonly name: string
  /** Milliseconds from one start to the next, give or take a tenth, so that nodes do not march in step. */
  readonly every: number
  /** Milliseconds from the end of a run that failed to the next; else the rhythm slows down while runs fail. */
  readonly retry?: number
  /** The part of the time that runs may take, 0 to 1; default: all. After a long run the pause is longer. */
  readonly share?: number
  /** Whether the share holds also while there is more to do; default: the next run then comes at once. */
  readonly paced?: boolean
  readonly log: Log
  /** One run. True: there is more to do at once. */
  run(): Promise<boolean>
}

/** After errors in a row the pause grows to this many times the rhythm. */
const MAX_BACKOFF = 5

/** A part that runs something in a rhythm; the first run comes at once. `stop` waits for the run under way. */
export class Ticker implements Part {
  readonly #options: TickerOptions
  #going: Promise<void> | undefined
  #stopping = false
  #woken = false
  #timer: NodeJS.Timeout | undefined
  #wake: (() => void) | undefined

  constructor(options: TickerOptions) {
    this.#options = options
  }

  async start(): Promise<void> {
    this.#stopping = false
    this.#going ??= this.#loop()
  }

  async stop(): Promise<void> {
    this.#stopping = true
    this.#rouse()
    await this.#going
    this.#going = undefined
  }

  /** Runs again as soon as the run under way is over. */
  wake(): void {
    this.#woken = true
    this.#rouse()
  }

  async #loop(): Promise<void> {
    const { run, every, retry, share = 1, paced = false, log, name } = this.#options
    for (let errors = 0; !this.#stopping;) {
      const begun = performance.now()
      this.#woken = false
      let more = false
      try {
        more = await run()
        errors = 0
        if (more && !paced) continue
      } catch (error) {
        errors = Math.min(MAX_BACKOFF, errors + 1)
        // The store has said already that Postgres is away.
        const known = error instanceof StoreError && error.trouble !== 'bug'
        log.event(known ? 'chore_waits' : 'chore_failed', { err: error, part: name })
        this.#woken = false
      }
      const took = performance.now() - begun
      const rhythm = more ? 0 : every * Math.max(1, errors) * (0.9 + Math.random() / 5)
      const pause = errors > 0 && retry !== undefined ? retry : Math.max(rhythm - took, took * (1 / share - 1))
      if (!this.#woken && !this.#stopping) await this.#sleep(Math.max(0, pause))
    }
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
      this.#timer = setTimeout(resolve, ms)
    })
  }

  #rouse(): void {
    clearTimeout(this.#timer)
    this.#wake?.()
  }
}
