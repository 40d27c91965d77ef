// One piscina thread that hosts actors: its mailbox, its pulse, and its death.
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { Piscina } from 'piscina'
import type { Command, Report, Stopped, ThreadStart, Upward } from '../core/messages.ts'

export interface ThreadOptions extends Omit<ThreadStart, 'port'> {
  /** The thread's entry, a file URL. */
  readonly entry: string
  /** How large its JS heap may grow, MiB; beyond that it dies alone. */
  readonly heap: number
  /** How long it may be silent, ms, before it is ended. */
  readonly silence: number
  reported(thread: Thread, report: Report | Stopped): void
  /** Called once, when it has died by itself or was ended for its silence. */
  died(thread: Thread, cause: Error): void
}

/** How long a thread may take to start, ms: long, for a machine that is just starting everything else as well. */
const START_LIMIT = 30_000
/** How many pings fall into the time of silence that ends a thread. */
const PINGS = 5

/**
 * A pool of one thread: a thread that fails while it starts would leave every later run of a shared pool pending for ever,
 * and ending a thread must not touch its neighbours. `run` is given a signal, which is the way to end a thread that hangs.
 */
export class Thread {
  /** Actors that it runs now. */
  load = 0
  readonly #options: ThreadOptions
  readonly #piscina: Piscina
  readonly #end = new AbortController()
  #port: MessagePort | undefined
  #pulse: NodeJS.Timeout | undefined
  #unanswered = 0
  #waiting: Command[] = []
  #alive = true

  constructor(options: ThreadOptions) {
    this.#options = options
    this.#piscina = new Piscina({
      filename: options.entry,
      // With a minimum of 1 piscina replaces a thread that was ended, sometimes even after `destroy`: it would run for ever.
      minThreads: 0,
      maxThreads: 1,
      // The default freezes an idle thread, which then misses that a kept-alive socket was closed.
      atomics: 'disabled',
      resourceLimits: { maxOldGenerationSizeMb: options.heap },
    })
    // A thread that cannot even start says so here, and leaves `run` pending.
    this.#piscina.on('error', (error: Error) => this.#die(error))
  }

  /** Resolves when it can take tasks; rejects when it dies before, or is not ready in time. */
  start(): Promise<void> {
    const { trust, version } = this.#options
    const { port1, port2 } = new MessageChannel()
    this.#port = port1
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => fail(new Error('the thread was not ready in time')), START_LIMIT)
      const fail = (cause: Error): void => {
        clearTimeout(late)
        reject(cause)
        this.#die(cause)
      }
      port1.on('message', (batch: Upward[]) => {
        this.#unanswered = 0
        for (const upward of batch) {
          if (upward.kind === 'ready') {
            clearTimeout(late)
            this.#pulse = setInterval(() => this.#ping(), this.#options.silence / PINGS)
            resolve()
          } else if (upward.kind !== 'pong' && this.#alive) this.#options.reported(this, upward)
        }
      })
      const start: ThreadStart = { port: port2, trust, version }
      this.#piscina
        .run(start, { transferList: [port2], signal: this.#end.signal })
        .then(() => fail(new Error('the thread ended')), fail)
    })
  }

  /** Sends a command; those that one answer of Postgres leads to travel together, ahead of what else follows from it. */
  tell(command: Command): void {
    if (!this.#alive || this.#waiting.push(command) > 1) return
    queueMicrotask(() => {
      const batch = this.#waiting
      this.#waiting = []
      this.#port?.postMessage(batch)
    })
  }

  /** Ends it for good; `died` is not called. */
  async stop(): Promise<void> {
    this.#alive = false
    this.#close()
    await this.#piscina.destroy()
  }

  #ping(): void {
    // Counted, not timed: after a stop of the whole process the clock has run on, but the thread was stopped as well.
    if (this.#unanswered >= PINGS) return this.#die(new Error('the thread was silent for too long'))
    this.#unanswered += 1
    this.tell({ kind: 'ping' })
  }

  #die(cause: Error): void {
    if (!this.#alive) return
    this.#alive = false
    this.#close()
    void this.#piscina.destroy()
    this.#options.died(this, cause)
  }

  #close(): void {
    clearInterval(this.#pulse)
    this.#port?.close()
    this.#end.abort()
  }
}
