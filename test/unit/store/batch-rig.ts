// A batch whose flushes end as the test says.
import { expect } from 'chai'
import sinon from 'sinon'
import { Batch, type Writing } from '../../../src/store/batch.ts'
import { StoreError, type Trouble } from '../../../src/store/trouble.ts'

/** A flush that the test ends. */
interface Flush {
  readonly entries: readonly number[]
  readonly again: boolean
  succeed(): Promise<void>
  fail(trouble: Trouble): Promise<void>
}

export const MIB = 1024 * 1024

/** 0, 1, 2 … */
export const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

/** A batch of numbers. `close` gives the real clock back. */
export class BatchRig {
  readonly flushes: Flush[] = []
  /** How each entry ended: its result, or its trouble. */
  readonly ends = new Map<number, string>()
  readonly clock = sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setImmediate'] })
  readonly batch: Batch<number, string>

  constructor(over: Partial<Writing<number, string>> = {}) {
    const flush = (entries: readonly number[], again: boolean): Promise<string[]> => this.#flush(entries, again)
    this.batch = new Batch({ name: 'test', patience: 'keep', bytes: () => 1, flush, ...over })
  }

  close(): void {
    this.clock.restore()
  }

  /** Adds entries in one tick, and lets them be flushed. */
  async add(entries: readonly number[], urgent = false): Promise<void> {
    for (const entry of entries)
      this.batch.add(entry, urgent).then(
        (result) => this.ends.set(entry, result),
        (error: unknown) => this.ends.set(entry, error instanceof StoreError ? error.trouble : String(error)),
      )
    await this.clock.tickAsync(0)
  }

  /** The flush in flight. */
  get last(): Flush {
    return this.flushes.at(-1) ?? expect.fail('there was no flush')
  }

  #flush(entries: readonly number[], again: boolean): Promise<string[]> {
    return new Promise((resolve, reject) => {
      const end = async (land: () => void): Promise<void> => {
        land()
        await this.clock.tickAsync(0)
      }
      this.flushes.push({
        entries,
        again,
        succeed: () => end(() => resolve(entries.map((entry) => `written ${entry}`))),
        fail: (trouble) => end(() => reject(new StoreError(trouble, trouble))),
      })
    })
  }
}
