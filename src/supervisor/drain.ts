// Drain: requests in flight get their time to be answered, what is not in flight is given back at once.
import { release } from '../lifecycle/release.ts'
import type { Store } from '../store/store.ts'
import type { Log } from '../telemetry/log.ts'
import type { Hands, Held } from './hands.ts'

export interface DrainDependencies {
  readonly hands: Hands
  readonly store: Pick<Store, 'release'>
  /** Milliseconds that requests in flight get. */
  readonly timeout: number
  readonly log: Log
}

/** How often it is looked whether all hands are empty, ms. */
const LOOK = 20
/** How long the last writes get after the time is up, ms; what is not written by then is taken over when the lease ends. */
const LAST_WRITES = 5_000

/** Empties the hands of a node that takes no task any more, and whose threads have been told to drain. Bounded by the timeout and the time of the last writes. */
export async function drain(by: DrainDependencies): Promise<void> {
  const { hands, timeout, log } = by
  if (hands.size > 0) log.event('draining', { tasks: hands.size, timeout })
  // What no thread runs would never be reported.
  await emptied(hands, timeout, () => giveBack(by, (held) => held.thread === undefined))
  if (hands.empty) return
  log.event('requests_cut_off', { tasks: hands.size })
  for (const held of hands.all()) if (!held.writing) held.thread?.tell({ kind: 'stop', id: held.id, token: held.token })
  giveBack(by, () => true)
  await emptied(hands, LAST_WRITES)
}

/** Releases claims whose fate no write of their own decides. */
function giveBack({ hands, store }: DrainDependencies, which: (held: Held) => boolean): void {
  for (const held of hands.all()) {
    if (held.writing || !which(held)) continue
    held.writing = true
    const gone = (): unknown => hands.drop(held)
    void release({ store }, held).then(gone, gone)
  }
}

/** Waits until nothing is in hand, at most so long. */
async function emptied(hands: Hands, ms: number, look: () => void = () => {}): Promise<void> {
  const end = performance.now() + ms
  for (;;) {
    look()
    if (hands.empty || performance.now() >= end) return
    await new Promise((resolve) => setTimeout(resolve, LOOK))
  }
}
