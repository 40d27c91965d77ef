// Drain: requests in flight get their time to be answered, what is not in flight is given back at once.
import { release } from '../lifecycle/release.ts'
import type { Store } from '../store/store.ts'
import type { Log } from '../telemetry/log.ts'
import type { RunningTask, RunningTasks } from './running.ts'

export interface DrainDependencies {
  readonly running: RunningTasks
  readonly store: Pick<Store, 'release'>
  /** Milliseconds that requests in flight get. */
  readonly timeout: number
  readonly log: Log
}

/** How often it is looked whether all running are empty, ms. */
const LOOK = 20
/** How long the last writes get after the time is up, ms; what is not written by then is taken over when the lease ends. */
const LAST_WRITES = 5_000

/** Empties the running of a node that takes no task any more, and whose threads have been told to drain. Bounded by the timeout and the time of the last writes. */
export async function drain(by: DrainDependencies): Promise<void> {
  const { running, timeout, log } = by
  if (running.size > 0) log.event('draining', { tasks: running.size, timeout })
  // What no thread runs would never be reported.
  await emptied(running, timeout, () => giveBack(by, (task) => task.thread === undefined))
  if (running.empty) return
  log.event('requests_cut_off', { tasks: running.size })
  for (const task of running.all())
    if (!task.writing) task.thread?.tell({ kind: 'stop', id: task.id, token: task.token })
  giveBack(by, () => true)
  await emptied(running, LAST_WRITES)
}

/** Releases claims whose fate no write of their own decides. */
function giveBack({ running, store }: DrainDependencies, which: (task: RunningTask) => boolean): void {
  for (const task of running.all()) {
    if (task.writing || !which(task)) continue
    task.writing = true
    const gone = (): unknown => running.drop(task)
    void release({ store }, task).then(gone, gone)
  }
}

/** Waits until nothing is in hand, at most so long. */
async function emptied(running: RunningTasks, ms: number, look: () => void = () => {}): Promise<void> {
  const end = performance.now() + ms
  for (;;) {
    look()
    if (running.empty || performance.now() >= end) return
    await new Promise((resolve) => setTimeout(resolve, LOOK))
  }
}
