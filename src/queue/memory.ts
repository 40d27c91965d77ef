// The queue in this process, for a node without Redis. Nothing is stored; a full pass finds what is lost.
import { Fifo } from './fifo.ts'
import type { Popped, Queue } from './port.ts'

interface Wait {
  readonly services: readonly string[]
  settle(popped: Popped | undefined): void
}

/** A queue in this process. `popWait`: how long a pop waits, in ms; `capacity`: ids kept at most (the contract's 100,000). */
export class MemoryQueue implements Queue {
  readonly kind = 'memory'
  readonly healthy = true
  readonly limited = false
  readonly #popWait: number
  readonly #capacity: number
  readonly #lists = new Map<string, Fifo<string>>()
  #size = 0
  #running = false
  #wait: Wait | undefined
  #listener: { readonly node: string; readonly cancelled: (id: string) => void } | undefined

  constructor({ popWait = 2_000, capacity = 100_000 }: { popWait?: number; capacity?: number } = {}) {
    this.#popWait = popWait
    this.#capacity = capacity
  }

  async start(): Promise<void> {
    this.#running = true
  }

  async stop(): Promise<void> {
    this.#running = false
    this.interrupt()
  }

  push(service: string, id: string): Promise<boolean> {
    if (!this.#running || this.#size >= this.#capacity) return Promise.resolve(false)
    if (this.#wait?.services.includes(service)) {
      this.#wait.settle({ service, id })
      return Promise.resolve(true)
    }
    let list = this.#lists.get(service)
    if (!list) this.#lists.set(service, (list = new Fifo()))
    list.push(id)
    this.#size++
    return Promise.resolve(true)
  }

  pop(services: readonly string[]): Promise<Popped | undefined> {
    if (!this.#running || this.#wait) return Promise.resolve(undefined)
    for (const service of services) {
      const popped = this.#shift(service)
      if (popped) return Promise.resolve(popped)
    }
    return new Promise((resolve) => {
      const settle = (popped: Popped | undefined): void => {
        clearTimeout(timer)
        this.#wait = undefined
        resolve(popped)
      }
      const timer = setTimeout(settle, this.#popWait, undefined)
      this.#wait = { services, settle }
    })
  }

  take(service: string, count: number): Promise<number> {
    let taken = 0
    while (this.#running && taken < count && this.#shift(service)) taken += 1
    return Promise.resolve(taken)
  }

  interrupt(): void {
    this.#wait?.settle(undefined)
  }

  notify(node: string, id: string): void {
    const { node: own, cancelled } = this.#listener ?? {}
    // Later, as from afar: what the listener throws is no business of the one who sends.
    if (this.#running && cancelled && node === own) setImmediate(cancelled, id)
  }

  listen(node: string, cancelled: (id: string) => void): void {
    this.#listener = { node, cancelled }
  }

  /** Never calls back: this queue is always healthy. */
  onHealth(): void {}

  #shift(service: string): Popped | undefined {
    const id = this.#lists.get(service)?.shift()
    if (id === undefined) return undefined
    this.#size--
    return { service, id }
  }
}
