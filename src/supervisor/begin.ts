// Begin: a claim's actor starts in a thread.
import type { Assignment } from '../core/messages.ts'
import type { RunningTask } from './running.ts'
import type { Thread } from './thread.ts'

/** A claim that waits for a thread. */
export interface Waiting {
  readonly task: RunningTask
  readonly assignment: Omit<Assignment, 'token' | 'epoch'>
  /** `performance.now()` when it began to wait. */
  readonly since: number
}

/** Starts an actor. What happened while the claim waited counts: it has grown older, and may have been confirmed anew. */
export function begin(thread: Thread, { task, assignment, since }: Waiting): void {
  task.thread = thread
  thread.load += 1
  // Written out: an object that is spread costs microseconds.
  const {
    id,
    key,
    service,
    action,
    body,
    step,
    attempt,
    fails,
    repeats,
    deadline,
    firstStep,
    retryOf,
    granted,
    trace,
  } = assignment
  const age = assignment.age + performance.now() - since
  const { token, epoch } = task
  thread.tell({
    kind: 'run',
    // prettier-ignore
    task: { id, token, key, service, action, body, step, attempt, fails, repeats, age, deadline, firstStep, retryOf, granted, trace, epoch },
    sends: task.spans?.request(step, attempt),
  })
}
