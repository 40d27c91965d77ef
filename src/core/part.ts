// The one contract of every long-lived part of a node.

/** A part that runs between `start` and `stop`. Both are idempotent and awaited; `stop` works on a part that never started. */
export interface Part {
  start(): Promise<void>
  stop(): Promise<void>
}
