// The bench's own processes, which are asked and say when it is done, and how long anything may be waited for.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as passed } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { endsWithUs } from '../test/support/child.ts'

/** What takes longer is void, ms. */
const LIMIT = 180_000
const LOOK_AGAIN = 5

/** A process of the bench's own: the stub, or a client. */
export class Assistant<Says> {
  readonly child: ChildProcess

  constructor(file: string) {
    this.child = endsWithUs(fork(fileURLToPath(new URL(file, import.meta.url))))
  }

  /** The next thing that it says. Rejects when it ends, or says nothing in time. */
  async says(): Promise<Says> {
    const over = new AbortController()
    const signal = AbortSignal.any([AbortSignal.timeout(LIMIT), over.signal])
    const ended = once(this.child, 'exit', { signal }).then(() =>
      Promise.reject(new Error('a process of the bench has ended')),
    )
    try {
      const [said] = (await Promise.race([once(this.child, 'message', { signal }), ended])) as [Says]
      return said
    } finally {
      over.abort()
    }
  }

  ask(asked: object): Promise<Says> {
    const said = this.says()
    this.child.send(asked)
    return said
  }

  async stop(): Promise<void> {
    const ended = once(this.child, 'exit')
    if (this.child.connected) this.child.disconnect()
    await ended
  }
}

/** Waits until it holds. Throws when that takes too long. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const limit = performance.now() + LIMIT
  while (!(await holds())) {
    if (performance.now() > limit) throw new Error(`${what} has not come in time`)
    await passed(LOOK_AGAIN)
  }
}
