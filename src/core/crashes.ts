// What becomes of a task that loses its thread or its node.

/** By the losses since the last progress (docs/protocol.md). */
export const CRASHES = {
  /** From this many on the task is a suspect: it runs in the quarantine thread. */
  suspect: 3,
  /** From this many on it has that thread to itself until it ends: tasks that died together so often must be told apart. */
  alone: 6,
  /** At this many the task fails as `crashed`. */
  failed: 10,
} as const
